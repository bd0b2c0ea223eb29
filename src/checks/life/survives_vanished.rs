//! A sender that is no more, or that nobody can answer.

use crate::check;
use crate::checks::Check;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::transport::{Capabilities, Client, ConnectOptions};

pub const VANISHED: Check = Check {
    id: "life/survives-vanished-client",
    level: Should,
    says: "a client that has gone when its answer comes does not end the service",
    why: "ECONNREFUSED or ENOENT, from the call that answers or from the next, concerns one client: taken as fatal it ends the service for all",
    cites: &["udp(7) (IP_RECVERR)", "unix(7)", "sendto(2)", "RFC 1122 §4.1.3.3"],
    recipe: "stop the server, have clients send and leave, some of them with their socket file removed, let it go on; 3 times; the next clients are served",
    needs: Capabilities::CONNECTIONLESS,
    run: vanished,
};

pub const UNNAMED: Check = Check {
    id: "life/survives-unnamed-client",
    level: Should,
    says: "a datagram from a client without a name, which nobody can answer, does not end the service",
    why: "recvfrom(2) gives an empty address for it: a server that insists on answering ends, or waits for ever",
    cites: &["unix(7) (unnamed)", "recvfrom(2)"],
    recipe: "send one datagram, then an empty one, from sockets that were not bound; the next client is served",
    needs: Capabilities::CONNECTIONLESS.union(Capabilities::SOCKET_PATH),
    run: unnamed,
};

fn vanished(server: &mut Server) -> check::Result {
    server.connect_and_exchange()?;
    for _ in 0..3 {
        server.freeze()?;
        leave_behind(server, Client::close_and_unlink)?;
        leave_behind(server, drop)?;
        server.thaw()?;
        // An error that is news of one client may come with the next, or with the one after it.
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
    let approach = ConnectOptions { unnamed: true, ..ConnectOptions::default() };
    for text in [&b"who am I?"[..], b""] {
        server.connect_with(&approach)?.send(text)?;
        server
            .connect_and_exchange()
            .map_err(|finding| finding.because("after a client that was bound to no name"))?;
    }
    Ok(())
}
