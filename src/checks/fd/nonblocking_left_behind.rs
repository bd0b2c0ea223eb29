//! Checks that a server leaves the flags of standard descriptors, which it shares with its launcher, as they were.

use std::os::fd::OwnedFd;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::lent_flags::LentFlags;
use crate::checks::steps::{check_launched_with, serve_clients};
use crate::outcome::Level::Should;
use crate::server::{LaunchOptions, Server, Stdio};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/nonblocking-left-behind",
    level: Should,
    sentence: "after the server has exited, O_NONBLOCK and O_APPEND of the standard input, output and error that it was given are as they were",
    why: "O_NONBLOCK belongs to the open file description, so the shell or the next program on the same terminal or pipe gets EAGAIN and loses output",
    citations: &["fcntl(2) (F_SETFL)", "open(2) (open file descriptions)", "dup(2)"],
    recipe: "keep duplicates of the server's descriptors 0, 1 and 2, which are pipes; send a few bytes; close its input, and wait for its exit; compare O_NONBLOCK and O_APPEND before and after with F_GETFL",
    requires: Capabilities::PIPES,
    run,
};

/// The check that a server of many clients leaves the standard descriptors that it was given in blocking mode. They
/// carry no data. A server that serves one client on a passed connection shares none.
pub const LEFT_BY_DAEMON: Check = Check {
    id: "fd/nonblocking-left-by-daemon",
    level: Should,
    sentence: "after a server of many clients has exited, O_NONBLOCK and O_APPEND of the standard descriptors that it was given are as they were",
    why: "O_NONBLOCK belongs to the open file description, which the server shares with the shell that started it and with other programs that write to the same log: their writes then fail with EAGAIN, and lines are lost",
    citations: CHECK.citations,
    recipe: "start the server with pipes as descriptors 0, 1 and 2, and keep duplicates of its ends; serve 2 clients; send SIGTERM, and wait for its exit; compare O_NONBLOCK and O_APPEND before and after with F_GETFL",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run: by_daemon,
};

/// Names of the standard descriptors, in the order of their numbers.
const NAMES: [&str; 3] = ["standard input", "standard output", "standard error"];

fn by_daemon(server: &mut Server) -> check::Result {
    let (input, _silent) = os_pipe::pipe().or_broken("a pipe")?;
    let (_log, output) = os_pipe::pipe().or_broken("a pipe")?;
    let (_errors, error) = os_pipe::pipe().or_broken("a pipe")?;
    let lent: [OwnedFd; 3] = [input.into(), output.into(), error.into()];
    let flags = LentFlags::of(duplicates(&lent)?.into_iter().zip(NAMES))?;
    let options = LaunchOptions { stdio: lent.map(Stdio::descriptor), ..server.options() };
    check_launched_with(server, options, "with pipes as standard descriptors", |server| {
        serve_clients(server, 2)?;
        server.stop_and_wait()?;
        flags.expect_unchanged()
    })
}

fn run(server: &mut Server) -> check::Result {
    let (_errors, error) = os_pipe::pipe().or_broken("a pipe")?;
    let lent = [OwnedFd::from(error)];
    let shared_error = duplicates(&lent)?;
    let [error] = lent;
    let stdio = [Stdio::Piped, Stdio::Piped, Stdio::descriptor(error)];
    let options = LaunchOptions { stdio, ..server.options() };
    check_launched_with(server, options, "with pipes as standard descriptors", |server| {
        // The server may change the flags as soon as it runs.
        let record = |shared: [OwnedFd; 2]| LentFlags::of(shared.into_iter().chain(shared_error).zip(NAMES));
        let (mut client, flags) = server.connect_sharing_stdio(record)?;
        client.send(b"lent")?;
        client.shut_down_write()?;
        let limit = server.deadlines().exit();
        if server.wait_for_exit(limit)?.is_none() {
            return Err(Finding::timeout(
                "the server's exit at end of file",
                format!("alive after {} s", limit.as_secs_f64()),
            ));
        }
        flags.expect_unchanged()
    })
}

fn duplicates(descriptors: &[OwnedFd]) -> check::Result<Vec<OwnedFd>> {
    let copy = |end: &OwnedFd| end.try_clone().or_broken("a duplicate of the server's end of a pipe");
    descriptors.iter().map(copy).collect()
}
