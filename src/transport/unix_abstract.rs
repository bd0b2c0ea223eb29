//! Unix domain stream sockets with a name that lies in no directory. unix(7); Linux only.

use std::ffi::OsString;
use std::path::Path;

use super::{Address, Capabilities, Reserved, Shows, Transport, unix};

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-abstract",
    says: "a connection to an abstract name, as a stream of bytes",
    offers: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}", "{path}"],
    reserve,
    dial: unix::dial,
    open: unix::open,
    inherited: None,
    shows: Shows::Unix,
};

/// Named after the run's own directory, which nobody else has.
fn reserve(scratch: &Path) -> std::io::Result<Reserved> {
    let mut name = OsString::from("@");
    name.push(scratch.join("socket"));
    Ok(Reserved { address: Address::Path(name.into()), _hold: None })
}
