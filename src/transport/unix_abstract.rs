//! Unix domain stream sockets with an abstract name, which is in no directory. unix(7); Linux only.

use std::ffi::OsString;
use std::path::Path;

use super::{Address, Capabilities, Readiness, ReservedAddress, Transport, unix};

pub(super) const TRANSPORT: Transport = Transport {
    name: "unix-abstract",
    summary: "a connection to an abstract name, as a stream of bytes",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::CONNECTIONS)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}", "{path}"],
    reserve,
    connect: unix::connect,
    open_channel: unix::open_channel,
    inherited: None,
    readiness: Readiness::UnixSocket,
};

/// Reserves an abstract name, which is unique because it contains the path of the server's own directory.
fn reserve(scratch: &Path) -> std::io::Result<ReservedAddress> {
    let mut name = OsString::from("@");
    name.push(scratch.join("socket"));
    Ok(ReservedAddress::unguarded(Address::Path(name.into())))
}
