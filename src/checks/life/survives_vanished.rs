//! Checks answers that cannot be delivered, because the client has gone or has no address.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::{Capabilities, Client, ClientName, ConnectOptions};

pub const SURVIVES_VANISHED_CLIENT: Check = Check {
    id: "life/survives-vanished-client",
    level: Should,
    sentence: "a client that has gone before its answer is sent does not end the service",
    why: "ECONNREFUSED or ENOENT, from the call that answers or from the next one, concerns one client; a server that takes it as fatal stops serving all",
    citations: &["udp(7) (IP_RECVERR)", "unix(7)", "sendto(2)", "RFC 1122 §4.1.3.3"],
    recipe: "3 times: stop the server; clients send and leave, some of them with their socket file removed; continue the server; exchange a message with two new clients",
    requires: Capabilities::CONNECTIONLESS.union(Capabilities::LAUNCHED),
    run: vanished,
};

pub const SURVIVES_UNNAMED_CLIENT: Check = Check {
    id: "life/survives-unnamed-client",
    level: Should,
    sentence: "a datagram from a client without an address, which cannot be answered, does not end the service",
    why: "recvfrom(2) returns an empty address for it; a server that insists on answering exits, or waits forever",
    citations: &["unix(7) (unnamed)", "recvfrom(2)"],
    recipe: "send one datagram and then an empty one, from sockets that were not bound; after each exchange a message with a new client",
    requires: Capabilities::CONNECTIONLESS.union(Capabilities::SOCKET_PATH),
    run: unnamed,
};

fn vanished(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?;
    for _ in 0..3 {
        server.freeze()?;
        leave_behind(server, Client::close_and_unlink)?;
        leave_behind(server, drop)?;
        server.thaw()?;
        // The kernel may report the error of one client at the next call, or at the one after it.
        for _ in 0..2 {
            server
                .connect_and_exchange()
                .map_err(|finding| finding.because("after clients that did not wait"))?;
        }
    }
    Ok(())
}

fn leave_behind(server: &mut Server, leave: impl FnOnce(Client)) -> check::Result {
    let mut client = server.connect()?;
    client.send(b"gone before you can answer")?;
    leave(client);
    Ok(())
}

fn unnamed(server: &mut Server) -> check::Result {
    let options = ConnectOptions { name: ClientName::Unnamed, ..ConnectOptions::default() };
    for text in [&b"who am I?"[..], b""] {
        server.connect_with(&options)?.send(text)?;
        server
            .connect_and_exchange()
            .map_err(|finding| finding.because("after a client that was not bound to an address"))?;
    }
    Ok(())
}
