//! Several listening sockets on one address.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use mio::net::TcpListener;
use socket2::{Domain, Socket, Type};

/// Clients that may wait for accept(2) at each socket.
const BACKLOG: i32 = 4096;

/// Returns `count` listening sockets on the first of the addresses that can be bound.
pub fn listen(address: &str, count: usize) -> io::Result<Vec<TcpListener>> {
    let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in address.to_socket_addrs()? {
        outcome = listen_on(address, count);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn listen_on(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    // Without SO_REUSEPORT, so that this fails if another socket has the address. The next sockets can be bound only
    // when this one has the option as well.
    let first = new_socket(address)?;
    first.bind(&address.into())?;
    first.set_reuse_port(true)?;
    // Port 0 is a real port now.
    let bound = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..count {
        let socket = new_socket(address)?;
        socket.set_reuse_port(true)?;
        socket.bind(&bound)?;
        sockets.push(socket);
    }
    sockets.into_iter().map(start).collect()
}

fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections in TIME_WAIT do not prevent a restart.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn start(socket: Socket) -> io::Result<TcpListener> {
    // Clients inherit this option from the listener. Nagle's algorithm would delay a small echo until the client
    // acknowledges the last one.
    let _ = socket.set_tcp_nodelay(true);
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}
