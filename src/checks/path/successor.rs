//! Checks that a server which ends leaves the socket file of its successor alone.

use std::fs;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::processes::file_identity;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{Server, describe_exit};
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "path/spares-successor",
    level: Should,
    sentence: "a server that SIGTERM ends does not remove the socket file that its successor has made at the same path",
    why: "a path can be taken over while the former server still shuts down; a server that removes whatever is at its path then leaves the new one running and out of reach",
    citations: &["unlink(2)", "unix(7)", "stat(2) (st_ino)"],
    recipe: "remove the socket file of the running server; start the same command on the same path, and exchange a message with it; send SIGTERM to the first, and wait for its exit; the inode of the socket file must be the same, and the successor must answer",
    requires: Capabilities::BINDS.union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?.finish()?;
    let path = server.address().expect_path().or_broken("a path")?.to_owned();
    fs::remove_file(&path).or_broken("the first server's socket file removed")?;
    let mut successor = server.start_second().or_broken("a successor")?;
    let limit = server.deadlines().start();
    let taken_over = until(limit, || {
        if let Some(status) = successor.ended() {
            let wanted = "a successor that starts while the first server still runs";
            return Err(Finding::unsupported(wanted, describe_exit(status)));
        }
        // Only the successor has a file at the path, so only it can be reached.
        let serves = path.symlink_metadata().is_ok() && server.connect_and_exchange().is_ok();
        Ok(serves.then_some(()))
    })?;
    if taken_over.is_none() {
        let actual = format!("no answer for {} s", limit.as_secs_f64());
        return Err(Finding::unsupported("a successor that takes the path over", actual));
    }
    let before = file_identity(server);
    server.stop_and_wait()?;
    if file_identity(server) != before {
        return Err(Finding::fail(
            "the successor's socket file unchanged when the first server has ended",
            "it is gone or replaced",
        )
        .because("the first server removes any file at its path at its end, not only its own"));
    }
    let answered = server.connect_and_exchange().map(drop);
    answered.map_err(|finding| {
        finding.because("the successor no longer answers after the first server has ended")
    })
}
