//! Echo over TCP, one event loop and one listening socket for each core.
//!
//! Several sockets may listen on one address if all set SO_REUSEPORT (`socket(7)`). Linux chooses one of them for each
//! new client, by a hash of both addresses. So each thread runs the loop of `echo-tcp-epoll` with clients of its own: the
//! threads share nothing, and no lock. That has a price:
//!
//! - *Balance*: the hash knows nothing of load. A few busy clients may all meet one thread while another is idle.
//! - *A listener that closes* takes along the clients in its queue: the kernel resets them, although others listen.
//!   Here all listeners stay open until the process exits. A server that closes one of them needs
//!   `net.ipv4.tcp_migrate_req`, or must first take it out of the group (SO_ATTACH_REUSEPORT_CBPF).
//! - *A second server* of the same user could join the group and take some of the clients. So the first socket is bound
//!   without the option, which fails if anybody listens. This keeps out a second instance, but no other program that
//!   sets the option later.
//! - *Memory of an idle client*: a slot of 32 bytes in its thread. Each thread has one buffer for all its clients, and
//!   stops reading from a client that does not read its echo.
//! - *Turns*: each thread serves its clients in the order in which their data arrived.
//!
//! Deviates: port/exclusive: SO_REUSEPORT lets any process of the same user bind the address
//!
//! ```text
//! echospec check tcp -- echo-tcp-reuseport {addr}
//! ```

use std::{env, process};

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod group;
#[cfg(target_os = "linux")]
mod listener;
#[cfg(target_os = "linux")]
mod server;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address] = &args[..] else {
        eprintln!("usage: echo-tcp-reuseport HOST:PORT, for instance 127.0.0.1:7007 or [::1]:7007");
        process::exit(2);
    };
    serve(address)
}

#[cfg(target_os = "linux")]
fn serve(address: &str) -> anyhow::Result<()> {
    use std::io::{self, Write};
    use std::sync::mpsc;
    use std::thread;

    use anyhow::Context;
    use server::Server;

    let cores = thread::available_parallelism()?.get();
    let listeners = group::listen(address, cores).with_context(|| format!("cannot listen on {address}"))?;
    let address = listeners[0].local_addr()?;
    let servers = listeners.into_iter().map(Server::new).collect::<io::Result<Vec<_>>>()?;
    let (sender, errors) = mpsc::channel();
    for mut server in servers {
        let sender = sender.clone();
        thread::Builder::new().spawn(move || sender.send(server.serve()))?;
    }
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready tcp-reuseport {address}");
    // A loop ends only by an error. Then the process exits, because a listener without a thread would keep clients.
    errors.recv()?.context("cannot wait for events")
}

#[cfg(not(target_os = "linux"))]
fn serve(_address: &str) -> anyhow::Result<()> {
    eprintln!("unsupported: only Linux divides clients between sockets with SO_REUSEPORT");
    process::exit(77)
}
