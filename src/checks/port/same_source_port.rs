//! Checks two clients with the same source port and different source addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level::Must;
use crate::requirement::SEVERAL_LOOPBACK_ADDRESSES;
use crate::server::Server;
use crate::transport::{Capabilities, Client, ConnectOptions, missing_loopback_address};

pub const CHECK: Check = Check {
    id: "port/same-source-port",
    level: Must,
    sentence: "two clients with the same source port on two source addresses, connected at once, each receive their own bytes",
    why: "a connection is identified by both addresses and both ports; a server that looks at the client's port alone confuses clients of two machines",
    citations: &["RFC 9293 §3.4.1", "RFC 768", "ip(7)"],
    recipe: "connect from 127.0.0.2 and from 127.0.0.3 with the same source port; send from both, then read from both",
    requires: Capabilities::DISTINCT_REPLIES
        .union(Capabilities::SOURCE_ADDRESS)
        .union(Capabilities::MANY_CLIENTS),
    run,
};

const SOURCES: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3))];

fn run(server: &mut Server) -> check::Result {
    if let Some(absent) = missing_loopback_address(&SOURCES) {
        return Err(Finding::missing_requirement(
            &SEVERAL_LOOPBACK_ADDRESSES,
            "two loopback addresses",
            absent,
        ));
    }
    let (mine, yours) = (server.payload(700), server.payload(900));
    let mut first = server.connect_with(&from(SOURCES[0], 0))?;
    let port = first.local_address()?.port();
    let mut second = server.connect_with(&from(SOURCES[1], port))?;
    exchange_both([(&mut first, &mine), (&mut second, &yours)])
        .map_err(|finding| finding.because(format!("both clients have source port {port}")))
}

/// Sends from two clients before either reads. The first client finishes before the second reads, so that a server of
/// one client at a time can serve both.
fn exchange_both(mut clients: [(&mut Client, &Vec<u8>); 2]) -> check::Result {
    for (client, bytes) in &mut clients {
        client.send(bytes)?;
    }
    for (client, bytes) in clients {
        client.expect(bytes)?;
        client.finish()?;
    }
    Ok(())
}

fn from(source: IpAddr, port: u16) -> ConnectOptions {
    ConnectOptions::from_source(SocketAddr::new(source, port))
}
