//! Checks that a server goes on writing after the client has shut down its write side.

use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use crate::check;
use crate::checks::{Check, pace};
use crate::deadline::until;
use crate::outcome::Level::Must;
use crate::payload::{KIB, MIB};
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client};

pub const CHECK: Check = Check {
    id: "echo/half-close",
    level: Must,
    sentence: "after the client shuts down its write side, the server still sends back every byte, then end of file",
    why: "a server that takes end of file for 'close now' discards what it has not yet written",
    citations: &["RFC 862", "RFC 9293 §3.6", "shutdown(2)"],
    recipe: "8 times, or 3 times if the server is slow: send 32 KiB, shut down the write side at once, read all of it back, then end of file; once with data and end of file arriving while the server is stopped; three times, or twice, with a client that reads only some time after it shut down its write side",
    requires: Capabilities::ECHO.union(Capabilities::STREAM).union(Capabilities::HALF_CLOSE),
    run,
};

/// The number of attempts to have end of file arrive while the server still has bytes to write. One attempt may miss
/// that moment.
const TRIES: usize = 8;

/// The time of one client that reads late from which a server counts as slow. One client fewer is then tried.
const SLOW: Duration = Duration::from_secs(5);

fn run(server: &mut Server) -> check::Result {
    pace::repeat(TRIES, 3, |_| {
        let bytes = server.payload(32 * KIB);
        let mut client = server.connect()?;
        client.send(&bytes)?;
        client.shut_down_write()?;
        client.expect(&bytes)?;
        client.expect_eof()
    })?;
    all_at_once(server)?;
    late_reader(server)
}

/// Checks that the server answers data and end of file that arrive together, while the server is stopped.
fn all_at_once(server: &mut Server) -> check::Result {
    let bytes = server.payload(40 * KIB);
    let mut client = server.connect()?;
    // A server of many clients has accepted this one when it answers. A process launched for its client need not accept.
    if server.spec().capabilities().contains(Capabilities::MANY_CLIENTS) {
        client.exchange(&bytes[..1])?;
    }
    server.freeze_if_launched()?;
    // A pipe of macOS may hold 16 KiB, and a Unix domain socket 8 KiB.
    let taken = client.fill_until_blocked(&bytes)?;
    client.shut_down_write()?;
    server.thaw()?;
    let result = client.expect(&bytes[..taken]).and_then(|()| client.expect_eof());
    result.map_err(|finding| finding.because("data and end of file arrived while the server was stopped"))
}

/// Checks that no echo is lost if end of file arrives while the server still holds bytes that the client has not
/// read.
///
/// The first client sends until nothing more is taken; its FIN then waits behind data in the client's own kernel.
/// The others send less, so that their end of file reaches the server.
fn late_reader(server: &mut Server) -> check::Result {
    let bytes = server.payload(32 * MIB);
    let began = Instant::now();
    let most = read_late(server, &[&bytes])?;
    let (more, fewer) = (&bytes[..most / 4 * 3], &bytes[..most / 2]);
    if began.elapsed() >= SLOW {
        read_late(server, &[fewer])?;
    } else if serves_two(server)? {
        read_late(server, &[more, fewer])?;
    } else {
        read_late(server, &[more])?;
        read_late(server, &[fewer])?;
    }
    Ok(())
}

/// Whether the server serves two clients at the same time.
fn serves_two(server: &mut Server) -> check::Result<bool> {
    // Two clients of a named pipe would read each other's bytes.
    if !server.spec().capabilities().contains(Capabilities::CONCURRENT_CLIENTS) {
        return Ok(false);
    }
    let _silent = server.connect()?;
    server.serves_concurrently()
}

/// Starts a client for each of `parts`. Each sends its part until the server takes no more, and shuts down its write
/// side. They wait together, and then read. Returns the number of bytes that the first client could send.
fn read_late(server: &mut Server, parts: &[&[u8]]) -> check::Result<usize> {
    let mut clients = Vec::new();
    // A FIN behind data in the client's own kernel reaches the server only when the client reads, so no client waits
    // for its effect.
    let mut fin_arrives = false;
    for &bytes in parts {
        let mut client = server.connect()?;
        let taken = client.fill_until_blocked(bytes)?;
        client.shut_down_write()?;
        fin_arrives |= taken == bytes.len() || !server.spec().capabilities().contains(Capabilities::TCP);
        clients.push((client, &bytes[..taken]));
    }
    if fin_arrives {
        // No event shows that the server has read end of file, so the clients wait for a fixed time.
        until(server.deadlines().quiet(), || Ok(None::<()>))?;
    }
    server.await_reaction()?;
    let sent = clients[0].1.len();
    // A server that writes to one client at a time needs both to read.
    thread::scope(|scope| {
        let readers: Vec<_> = clients.into_iter().map(|it| scope.spawn(move || read_all(it))).collect();
        readers.into_iter().try_for_each(|reader| reader.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })?;
    Ok(sent)
}

/// Reads everything that a client has sent, and then end of file.
fn read_all((mut client, bytes): (Client, &[u8])) -> check::Result {
    let result = client.expect(bytes).and_then(|()| client.expect_eof());
    result.map_err(|finding| {
        finding.because(format!(
            "the client read only after it had sent {} and shut down its write side",
            count_with_noun(bytes.len(), "byte")
        ))
    })
}
