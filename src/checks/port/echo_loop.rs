//! Checks whether one forged datagram can make two servers answer each other forever.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::outcome::{Level::May, Outcome};
use crate::requirement::PRIVILEGED_PORTS;
use crate::server::Server;
use crate::transport::{Capabilities, ConnectOptions};

pub const CHECK: Check = Check {
    id: "port/echo-loop",
    level: May,
    sentence: "datagrams that claim to come from the port of another answering service are not answered",
    why: "one datagram with a forged source address makes two such servers answer each other without end",
    citations: &["CVE-1999-0103", "CVE-2024-2169", "RFC 862"],
    recipe: "send from source ports 7 (echo), 13 (daytime), 19 (chargen), 37 (time) and 53 (DNS); report which are answered",
    requires: Capabilities::ECHO.union(Capabilities::UDP).union(Capabilities::LOCAL),
    run,
};

/// Ports of services that answer every datagram, with which a server must not exchange echoes: echo, daytime,
/// chargen, time and DNS.
const ANSWERING: [u16; 5] = [7, 13, 19, 37, 53];

fn run(server: &mut Server) -> check::Result {
    let mut answered = Vec::new();
    for port in ANSWERING {
        if answers(server, port)? {
            answered.push(port.to_string());
        }
    }
    if answered.is_empty() {
        return Ok(());
    }
    Err(Finding::info(
        "no answer to the port of a service that answers in turn",
        format!("answers to source port {}", answered.join(", ")),
    )
    .because("RFC 862 requires an answer; only a server on an open network has a reason to refuse it"))
}

fn answers(server: &mut Server, port: u16) -> check::Result<bool> {
    let mut source = server.address().expect_inet().or_broken("a port")?;
    source.set_port(port);
    let options = ConnectOptions::from_source(source);
    let mut client = match server.connect_with(&options) {
        Ok(client) => client,
        // The port is in use: by that service, or by another run of this check.
        Err(finding) if finding.outcome == Outcome::Broken => return Ok(false),
        // Connecting only binds the client's socket, so the server has no part in this error.
        Err(finding) => {
            return Err(Finding::missing_requirement(
                &PRIVILEGED_PORTS,
                format!("source port {port}"),
                finding.actual,
            ));
        }
    };
    client.send(b"ping-pong")?;
    // A server that answers in order has handled the forged datagram by the time that it answers the next one.
    server.connect_and_exchange()?;
    client.is_answered_within(server.deadlines().quiet() / 4)
}
