//! Checks how a server treats a path that begins with @, the notation for an abstract name.

use std::path::{Path, PathBuf};
use std::{fs, process};

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::deadline::until;
use crate::outcome::Level::May;
use crate::requirement::ABSTRACT_NAMES;
use crate::server::{Instance, LaunchOptions, Server};
use crate::sys;
use crate::transport::{Address, Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "path/abstract-name",
    level: May,
    sentence: "a path that begins with @ is served as an abstract name, or refused",
    why: "@ is how users write abstract names; a server that does not know them creates a file of that name in its directory",
    citations: &["unix(7) (abstract)"],
    recipe: "start the server with @ and a name; it serves the abstract name, or exits; report a file of that name",
    requires: Capabilities::BINDS.union(Capabilities::ANY_ADDRESS).union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let unique = server.address().path().and_then(|path| path.parent()?.file_name()?.to_str());
    let name = PathBuf::from(format!("@{}-{}", unique.unwrap_or("echospec"), process::id()));
    if sys::claim_abstract_name(&name.to_string_lossy()).is_ok_and(|claim| claim.is_none()) {
        return Err(Finding::missing_requirement(&ABSTRACT_NAMES, "abstract names", "this system has none"));
    }
    let mut started = server
        .start_at(&Address::Path(name.clone()), &LaunchOptions::default())
        .or_broken("one more server")?;
    let result = expect_service_or_exit(server, &mut started, &name);
    drop(started);
    let _ = fs::remove_file(&name);
    result
}

/// Waits until the server serves `name` as an abstract name, or exits. Fails if it has made a file of that name.
fn expect_service_or_exit(server: &mut Server, started: &mut Instance, name: &Path) -> check::Result {
    let options = ConnectOptions::to(Address::Path(name.to_owned()));
    let limit = server.deadlines().start();
    let settled = until(limit, || {
        if name.symlink_metadata().is_ok() {
            let actual = format!("a file called {} in the server's working directory", name.display());
            return Err(Finding::info("the abstract name served, or the server's exit", actual));
        }
        if started.ended().is_some() {
            return Ok(Some(()));
        }
        Ok(server.connect_with(&options).is_ok().then_some(()))
    })?;
    settled.ok_or_else(|| {
        Finding::info(
            "the abstract name served, or the server's exit",
            "it neither serves the name nor exits",
        )
    })?;
    if started.ended().is_none() {
        server.connect_with(&options)?.exchange(b"nowhere to be found")?;
    }
    Ok(())
}
