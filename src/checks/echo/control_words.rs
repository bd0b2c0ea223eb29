//! Whatever the client says, it says to be echoed.

use crate::check;
use crate::checks::Check;
use crate::checks::speech::Speech;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::excerpt;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/control-words",
    level: Must,
    says: "words and bytes that command other programs are echoed like any others, and the conversation goes on",
    why: "a server that obeys 'quit', ^D or Telnet's IAC hangs up, or answers something else, when data happen to hold it",
    cites: &["RFC 862", "RFC 854"],
    recipe: "on one connection send quit, exit and their like, ^C, ^D and ^Z, Telnet commands, a lone dot, +++, a line of HTTP, each alone and awaited; what a server that gathers has kept it must give at the end",
    needs: Capabilities::STREAM.union(Capabilities::HALF_CLOSE),
    run,
};

const WORDS: [&[u8]; 27] = [
    b"quit\n",
    b"QUIT\r\n",
    b"quit",
    b"exit\n",
    b"exit\r\n",
    b"bye\n",
    b"close\n",
    b"end\n",
    b"END\r\n",
    b"stop\n",
    b"shutdown\n",
    b"logout\r\n",
    b"help\n",
    b"EOF\n",
    b"\n",
    b"\x03",
    b"\x04",
    b"\x1a",
    b"\x1b[A",
    b"\0",
    // Interrupt Process, Do Timing Mark, Will Echo, and the byte 255 itself, as Telnet doubles it: RFC 854.
    b"\xff\xf4\xff\xfd\x06",
    b"\xff\xfb\x01",
    b"\xff\xff",
    b"\r\n.\r\n",
    b"+++",
    b"~.\r\n",
    b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
];

fn run(server: &mut Server) -> check::Result {
    let mut speech = Speech::to(server)?;
    let mut said: &[u8] = b"";
    for word in WORDS {
        // What does not hang up at once may do so before the next.
        speech.say(word).map_err(|finding| {
            let told = if said.is_empty() {
                String::new()
            } else {
                format!("the word before was {}", excerpt(said))
            };
            finding.because(told)
        })?;
        said = word;
    }
    speech.say(b"still here")?;
    speech.hear_out()
}
