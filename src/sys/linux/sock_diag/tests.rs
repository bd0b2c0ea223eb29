use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::{Duration, Instant};
use std::{fmt::Debug, thread};

use super::{AcceptQueue, Peer, TcpQueues, accept_queue, tcp_queues, unix_peers, unread_tcp_bytes};

/// Reads until the answer is `wanted`. A child that another test forks holds copies of this process's sockets until it
/// executes its program, and a busy kernel delivers a packet later than connect(2) and write(2) return.
fn await_answer<T: Debug + PartialEq>(wanted: &T, read: impl Fn() -> T) {
    let began = Instant::now();
    let mut answer = read();
    while answer != *wanted {
        assert!(began.elapsed() < Duration::from_secs(60), "{answer:?}, not {wanted:?}");
        thread::yield_now();
        answer = read();
    }
}

#[test]
fn socketpair_ends_are_peers() {
    let (one, two) = UnixStream::pair().unwrap();
    let Ok(peers) = unix_peers() else { return testing::skip("no sock_diag(7) for Unix sockets") };
    assert_eq!(peers.get(&inode(&one)), Some(&Peer::UnixSocket(inode(&two))));
    assert_eq!(peers.get(&inode(&two)), Some(&Peer::UnixSocket(inode(&one))));
    drop(two);
    await_answer(&Some(Peer::Closed), || unix_peers().unwrap().remove(&inode(&one)));
}

#[test]
fn unread_bytes_are_listed_by_peer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let _accepted = listener.accept().unwrap();
    client.write_all(b"hello").unwrap();
    if unread_tcp_bytes(address.port()).is_err() {
        return testing::skip("no sock_diag(7) for TCP sockets");
    }
    let unread = || unread_tcp_bytes(address.port()).unwrap();
    await_answer(&Some(5), || unread().remove(&client.local_addr().unwrap()));
}

#[test]
fn queues_of_one_connection_are_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let peer = client.local_addr().unwrap();
    let accepted = listener.accept().unwrap();
    client.write_all(b"hello").unwrap();
    if tcp_queues(address, peer).is_err() {
        return testing::skip("no sock_diag(7) for TCP sockets");
    }
    let queues = || tcp_queues(address, peer).unwrap();
    await_answer(&Some(TcpQueues { unread: 5, unacknowledged: 0 }), queues);
    drop((accepted, client));
    // The listener itself has the same local address.
    await_answer(&0, || queues().map(|queues| queues.unread).unwrap_or_default());
}

#[test]
fn accept_queue_holds_connections_until_they_are_accepted() {
    for address in ["127.0.0.1:0", "[::]:0"] {
        let Ok(listener) = TcpListener::bind(address) else { continue };
        let port = listener.local_addr().unwrap().port();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let Ok(empty) = accept_queue(address) else {
            return testing::skip("no sock_diag(7) for TCP sockets");
        };
        let empty = empty.unwrap();
        assert!(empty.waiting == 0 && empty.limit > 0 && !empty.is_full());
        let _clients = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
        let queue = || accept_queue(address).unwrap();
        await_answer(&Some(AcceptQueue { waiting: 2, ..empty }), queue);
        let _accepted = listener.accept().unwrap();
        assert_eq!(queue(), Some(AcceptQueue { waiting: 1, ..empty }));
        drop(listener);
        await_answer(&None, queue);
    }
}

#[test]
fn client_in_the_backlog_is_not_accepted() {
    let name = format!("echospec-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let client = UnixStream::connect_addr(&address).unwrap();
    let Ok(peers) = unix_peers() else { return testing::skip("no sock_diag(7) for Unix sockets") };
    assert_eq!(peers.get(&inode(&client)), Some(&Peer::NotAccepted));
    drop(listener);
}

fn inode(end: &UnixStream) -> u64 {
    std::fs::metadata(format!("/proc/self/fd/{}", end.as_raw_fd())).unwrap().ino()
}
