use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::{Duration, Instant};
use std::{fmt::Debug, thread};

use super::{
    accept_queue, all_tcp_sockets, is_error, listener_id, tcp_bytes_in_flight, tcp_queues,
    tcp_sockets_of_port, tcp_state, unix_peers, unix_socket_of_file,
};
use crate::sys::types::{AcceptQueue, Peer, TcpQueues, TcpState};

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
fn an_error_at_the_end_of_a_reply_is_one() {
    let enoent = -nix::libc::ENOENT;
    assert!(is_error(&enoent.to_ne_bytes()));
    assert!(!is_error(&0_i32.to_ne_bytes()) && !is_error(&[]));
}

#[test]
fn the_kernel_knows_that_nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let Ok(found) = listener_id(address) else { return testing::skip("no sock_diag(7) for TCP sockets") };
    assert_eq!(found, None);
}

#[test]
fn tables_show_both_ends_of_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    let peer = client.local_addr().unwrap();
    let accepted = listener.accept().unwrap().0;
    let Ok(all) = all_tcp_sockets() else { return testing::skip("no sock_diag(7) for TCP sockets") };
    let found = |id: u64| all.iter().find(|it| it.id == id).map(|it| (it.state, it.local, it.remote));
    let nobody = std::net::SocketAddr::from(([0; 4], 0));
    assert_eq!(found(inode(&listener)), Some((TcpState::Listen, address, nobody)));
    assert_eq!(found(inode(&client)), Some((TcpState::Established, peer, address)));
    assert_eq!(found(inode(&accepted)), Some((TcpState::Established, address, peer)));
    assert_eq!(tcp_state(address, peer).unwrap(), Some(TcpState::Established));
    drop(accepted);
    drop(client);
    // The side that closes first keeps the connection in TIME_WAIT, which only the list of a port shows.
    let states = || {
        let of_port = tcp_sockets_of_port(address.port()).unwrap();
        of_port.iter().filter(|it| it.remote == peer).map(|it| it.state).collect::<Vec<_>>()
    };
    await_answer(&vec![TcpState::TimeWait], states);
    assert_eq!(tcp_state(peer, peer).unwrap(), None);
    assert!(all_tcp_sockets().unwrap().iter().all(|it| it.state != TcpState::TimeWait));
}

#[test]
fn listener_is_found_at_its_address_and_at_the_wildcard() {
    for (bound, asked) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("0.0.0.0:0", "127.0.0.1"),
        ("[::]:0", "127.0.0.1"),
        ("[::1]:0", "::1"),
    ] {
        let Ok(listener) = TcpListener::bind(bound) else { continue };
        let port = listener.local_addr().unwrap().port();
        let address = std::net::SocketAddr::new(asked.parse().unwrap(), port);
        let Ok(found) = listener_id(address) else {
            return testing::skip("no sock_diag(7) for TCP sockets");
        };
        assert_eq!(found, Some(inode(&listener)), "{bound}");
        drop(listener);
        await_answer(&None, || listener_id(address).unwrap());
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = std::net::SocketAddr::from(([127, 0, 0, 2], listener.local_addr().unwrap().port()));
    assert_eq!(listener_id(elsewhere).unwrap(), None);
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
fn bytes_in_flight_are_those_that_the_receiver_has_no_room_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let peer = client.local_addr().unwrap();
    let (accepted, _) = listener.accept().unwrap();
    client.write_all(b"hello").unwrap();
    let Ok(_) = tcp_bytes_in_flight(peer, address) else {
        return testing::skip("no sock_diag(7) for TCP sockets");
    };
    let in_flight = || tcp_bytes_in_flight(peer, address).unwrap();
    await_answer(&Some(0), in_flight);
    assert_eq!(tcp_bytes_in_flight(address, peer).unwrap(), Some(0));
    client.set_nonblocking(true).unwrap();
    let block = vec![0; 64 * 1024];
    let mut sent = 5;
    while let Ok(more) = client.write(&block) {
        sent += more as u64;
    }
    // The receiver's window may still open: what is in flight and what has arrived are together all bytes.
    await_answer(&sent, || in_flight().unwrap() + tcp_queues(address, peer).unwrap().unwrap().unread as u64);
    assert!(in_flight().unwrap() > 0);
    io::copy(&mut (&accepted).take(sent), &mut io::sink()).unwrap();
    assert_eq!(in_flight(), Some(0));
    drop((accepted, client));
    await_answer(&None, in_flight);
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
fn socket_is_found_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let listener = UnixListener::bind(&old).unwrap();
    std::fs::rename(&old, &new).unwrap();
    let Ok(found) = unix_socket_of_file(&new.symlink_metadata().unwrap()) else {
        return testing::skip("no sock_diag(7) for Unix sockets");
    };
    assert_eq!(found, Some(inode(&listener)));
    std::fs::write(&old, "").unwrap();
    assert_eq!(unix_socket_of_file(&old.symlink_metadata().unwrap()).unwrap(), None);
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

fn inode(end: &impl AsRawFd) -> u64 {
    std::fs::metadata(format!("/proc/self/fd/{}", end.as_raw_fd())).unwrap().ino()
}
