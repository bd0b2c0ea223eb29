//! The address of a server that runs already, as the user writes it.

use std::io;
use std::net::ToSocketAddrs;

use crate::transport::{Address, Capabilities, Transport, loopback_address};

/// Parses the address of a running server. `owned` is the host that the user says is theirs: a host other than this
/// machine's loopback address must be named there.
///
/// # Errors
/// What is wrong, in words that follow the name of an option.
pub(crate) fn running_address(
    text: &str,
    transport: &Transport,
    owned: Option<&str>,
) -> Result<Address, String> {
    if !transport.capabilities.contains(Capabilities::PORT) {
        return Ok(Address::Path(text.into()));
    }
    let is_ipv6 = loopback_address(transport).is_some_and(|ip| ip.is_ipv6());
    let found = text.to_socket_addrs().map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => format!("needs HOST:PORT, such as 127.0.0.1:8080, not '{text}'"),
        _ => format!("cannot find the host of '{text}': {error}"),
    })?;
    let address = found.into_iter().find(|address| address.is_ipv6() == is_ipv6).ok_or_else(|| {
        let (has, other) = if is_ipv6 { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
        format!("needs an {has} address for {}; '{text}' has {other} alone", transport.name)
    })?;
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host).trim_matches(['[', ']']);
    let is_owned = owned
        .is_some_and(|owned| owned == host || owned.trim_matches(['[', ']']) == address.ip().to_string());
    if !address.ip().is_loopback() && !is_owned {
        return Err(format!(
            "names {host}, which is not this machine's loopback address. The checks connect up to a few hundred \
             clients, reset connections and send MiBs: if the host is yours, say so with --i-own {host} (`i-own` in echospec.toml)"
        ));
    }
    Ok(Address::Inet(address))
}
