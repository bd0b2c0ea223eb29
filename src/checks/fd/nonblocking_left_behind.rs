//! Checks that a server does not leave O_NONBLOCK set on standard descriptors, which it shares with its launcher.

use std::io;
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::{check_launched_with, serve_clients};
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server, Stdio};
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

/// The check that a server of many clients leaves the standard descriptors that it was given in blocking mode. They
/// carry no data. A server that serves one client on a passed connection shares none.
pub const LEFT_BY_DAEMON: Check = Check {
    id: "fd/nonblocking-left-by-daemon",
    level: Should,
    sentence: "after a server of many clients has exited, the standard descriptors that it was given are still in blocking mode",
    why: "O_NONBLOCK belongs to the open file description, which the server shares with the shell that started it and with other programs that write to the same log: their writes then fail with EAGAIN, and lines are lost",
    citations: CHECK.citations,
    recipe: "start the server with pipes as descriptors 0, 1 and 2, and keep duplicates of its ends; serve 2 clients; send SIGTERM, and wait for its exit; read the flags with F_GETFL",
    requires: Capabilities::MANY_CLIENTS,
    run: by_daemon,
};

fn by_daemon(server: &mut Server) -> check::Result {
    let (input, _silent) = os_pipe::pipe().or_broken("a pipe")?;
    let (_log, output) = os_pipe::pipe().or_broken("a pipe")?;
    let (_errors, error) = os_pipe::pipe().or_broken("a pipe")?;
    let shared: [OwnedFd; 3] = [input.into(), output.into(), error.into()];
    let copies = shared.iter().map(OwnedFd::try_clone).collect::<io::Result<Vec<_>>>();
    let copies: [OwnedFd; 3] = copies
        .or_broken("a duplicate of the server's end of a pipe")?
        .try_into()
        .map_err(|_| Finding::broken("three duplicates", "another number"))?;
    let options = LaunchOptions { stdio: copies.map(Stdio::descriptor), ..server.options() };
    check_launched_with(server, options, "with pipes as standard descriptors", |server| {
        serve_clients(server, 2)?;
        server.stop_and_wait()?;
        expect_blocking(&shared, &["standard input", "standard output", "standard error"])
    })
}

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
    expect_blocking(&shared, &["standard input", "standard output"])
}

/// Fails if O_NONBLOCK is set on one of `ends`, the standard descriptors that a server was given.
fn expect_blocking(ends: &[OwnedFd], names: &[&str]) -> check::Result {
    for (end, name) in ends.iter().zip(names) {
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
