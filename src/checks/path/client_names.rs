//! Checks clients whose name is in no directory.

use std::process;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::requirement::ABSTRACT_NAMES;
use crate::server::Server;
use crate::sys;
use crate::transport::{Capabilities, ClientName, ConnectOptions};

pub const CHECK: Check = Check {
    id: "path/answers-abstract-client",
    level: Should,
    sentence: "a datagram client whose name is abstract, or was chosen by the kernel, is answered",
    why: "an abstract name begins with a NUL, and may hold more of them; a server that takes a client's name for a C string, or for the path of a file, sends the answer nowhere",
    citations: &["unix(7) (abstract)", "unix(7) (Autobind feature)", "recvfrom(2)"],
    recipe: "bind a client to an abstract name, and another one with an address of the family alone, so that the kernel chooses the name; exchange a message with each",
    requires: Capabilities::CONNECTIONLESS.union(Capabilities::SOCKET_PATH),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let probe = format!("echospec-probe-{}-{}", process::id(), server.address());
    if sys::claim_abstract_name(&probe).is_ok_and(|claim| claim.is_none()) {
        return Err(Finding::missing_requirement(&ABSTRACT_NAMES, "abstract names", "this system has none"));
    }
    let names = [
        (ClientName::Abstract, "the client's name is abstract"),
        (ClientName::Autobound, "the kernel has chosen the client's name, which is abstract"),
    ];
    for (name, cause) in names {
        let options = ConnectOptions { name, ..ConnectOptions::default() };
        let mut client = server.connect_with(&options)?;
        client.exchange(b"nowhere to be found").map_err(|finding| finding.because(cause))?;
    }
    Ok(())
}
