//! Checks that a server does not leave O_NONBLOCK set on standard input and output, which it shares with its launcher.

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/nonblocking-left-behind",
    level: Should,
    sentence: "after the server has exited, the standard input and output that it was given are still in blocking mode",
    why: "O_NONBLOCK belongs to the open file description, so the shell or the next program on the same terminal or pipe gets EAGAIN and loses output",
    citations: &["fcntl(2) (F_SETFL)", "open(2) (open file descriptions)", "dup(2)"],
    recipe: "keep duplicates of the server's descriptors 0 and 1; send a few bytes; close its input, and wait for its exit; read the flags with F_GETFL",
    requires: Capabilities::STDIO,
    run,
};

fn run(server: &mut Server) -> check::Result {
    let (mut client, shared) = server.connect_sharing_stdio()?;
    client.send(b"lent")?;
    client.shut_down_write()?;
    let limit = server.deadlines().exit();
    if server.instance()?.wait(limit).is_none() {
        return Err(Finding::timeout(
            "the server's exit at end of file",
            format!("alive after {} s", limit.as_secs_f64()),
        ));
    }
    for (end, name) in shared.iter().zip(["standard input", "standard output"]) {
        let flags = fcntl(end, FcntlArg::F_GETFL).or_broken("F_GETFL")?;
        if OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK) {
            return Err(Finding::fail(
                format!("{name} in blocking mode, as it was given"),
                "O_NONBLOCK is set on it",
            ));
        }
    }
    Ok(())
}
