//! Echo over UDP: each datagram goes back to its sender.
//!
//! UDP (RFC 768) has no connections, so one socket and one loop serve all clients: `recvfrom(2)`
//! returns the sender of each datagram, and `sendto(2)` sends it back there. A datagram arrives
//! whole or not at all, never split or joined; an empty datagram is a message too. Nothing is
//! resent: an echo that cannot be sent is lost, as the network might have lost it.
//!
//! If the socket is bound to a wildcard address such as 0.0.0.0, the kernel chooses the source
//! address of each echo, and it may differ from the one the client sent to (RFC 1122 §4.1.3.5): on a
//! host of several addresses, bind one. A datagram with a forged sender could make two servers
//! answer each other for ever (CVE-1999-0103, CVE-2024-2169), so datagrams from the ports of such
//! services get no echo.
//!
//! ```text
//! echospec check udp -- echo-udp {addr}
//! ```

use std::io::{self, Write};
use std::net::UdpSocket;
use std::{env, process};

use anyhow::Context;
use nix::sys::socket::{setsockopt, sockopt};

/// The size of the buffer for a datagram in bytes: more than the largest payload over IPv4 (65,507 bytes) or IPv6
/// (65,527), so none is cut off.
const LARGEST_DATAGRAM: usize = 65_535;

/// Ports of services that answer whatever they receive: echo, daytime, chargen, time and DNS. A server that answered
/// them would never stop.
const ANSWERING_PORTS: [u16; 5] = [7, 13, 19, 37, 53];

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-udp HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    let socket = UdpSocket::bind(address).with_context(|| format!("cannot bind {address}"))?;
    // The kernel may grant less. macOS by default sends at most 9,216 bytes. Datagrams that arrive
    // while the receive buffer is full are lost.
    let _ = setsockopt(&socket, sockopt::SndBuf, &LARGEST_DATAGRAM);
    let _ = setsockopt(&socket, sockopt::RcvBuf, &(64 * LARGEST_DATAGRAM));
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready udp {}", socket.local_addr()?);
    let mut datagram = [0; LARGEST_DATAGRAM];
    loop {
        // Both calls may report that an earlier echo could not be delivered (ECONNREFUSED). That
        // concerns one client, so the server goes on.
        if let Ok((length, client)) = socket.recv_from(&mut datagram)
            && !ANSWERING_PORTS.contains(&client.port())
        {
            let _ = socket.send_to(&datagram[..length], client);
        }
    }
}
