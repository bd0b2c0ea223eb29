//! Checks that no input is taken for a command.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::text::excerpt;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "echo/control-words",
    level: Must,
    sentence: "words and control bytes that are commands elsewhere are echoed like any other bytes, and the connection stays open",
    why: "a server that obeys 'quit', ^D or Telnet's IAC closes the connection, or sends something else, when a client's data happen to contain it",
    citations: &["RFC 862", "RFC 854"],
    recipe: "on one connection send quit, exit and similar words, ^C, ^D and ^Z, Telnet commands, a single dot, +++, and an HTTP request; wait for the echo of each; shut down the write side, and read what a server that buffers its output still holds",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
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
    // Telnet's Interrupt Process, Do Timing Mark, Will Echo, and the data byte 255, which Telnet doubles: RFC 854.
    b"\xff\xf4\xff\xfd\x06",
    b"\xff\xfb\x01",
    b"\xff\xff",
    b"\r\n.\r\n",
    b"+++",
    b"~.\r\n",
    b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
];

fn run(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    let mut previous: &[u8] = b"";
    for word in WORDS {
        // A server may close only after it has echoed the word, so the failure shows at the next one.
        client.send_and_collect(word).map_err(|finding| {
            let context = if previous.is_empty() {
                String::new()
            } else {
                format!("the client sent {} before that", excerpt(previous))
            };
            finding.because(context)
        })?;
        previous = word;
    }
    client.send_and_collect(b"still here")?;
    client.collect_rest()
}
