//! Echo over UDP in batches: one call receives many datagrams, and one sends them back.
//!
//! `recvmmsg(2)` and `sendmmsg(2)` take a list of datagrams. With MSG_WAITFORONE the first call waits
//! for one datagram, and also takes up to 63 more that have arrived already. So a server under load
//! enters the kernel twice for 64 datagrams, not 128 times. Each datagram still passes through the
//! whole network stack, so this saves little. One client that waits for each echo
//! gives nothing to gather.
//!
//! - *Memory*: one buffer of 64 KiB for each datagram of a batch, 4 MiB in all. Only pages that a
//!   datagram has filled are in memory. A client costs nothing, because UDP has no connections.
//! - *Turns*: datagrams are answered in the order of their arrival. No echo is sent before the
//!   whole batch is received.
//!
//! An echo that cannot be sent is lost, as the network might have lost it. Datagrams from the ports of
//! services that answer everything get no echo, as in `echo-udp`.
//!
//! ```text
//! echospec check udp -- echo-udp-batch {addr}
//! ```

use std::{env, process};

#[cfg(target_os = "linux")]
mod batch;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-udp-batch HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    serve(address)
}

#[cfg(target_os = "linux")]
fn serve(address: &str) -> anyhow::Result<()> {
    use std::io::{self, Write};
    use std::net::UdpSocket;

    use anyhow::Context;

    let socket = UdpSocket::bind(address).with_context(|| format!("cannot bind {address}"))?;
    batch::enlarge_buffers(&socket);
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready udp-batch {}", socket.local_addr()?);
    batch::echo(&socket)
}

#[cfg(not(target_os = "linux"))]
fn serve(_address: &str) -> anyhow::Result<()> {
    eprintln!("unsupported: this system has no recvmmsg(2)");
    process::exit(77)
}
