//! Readiness, echo and exit of the bundled servers.

use super::*;

#[rstest]
#[case::echo_tcp_over_ipv4(TCP, "127.0.0.1:0")]
#[case::echo_tcp_over_ipv6(TCP, "[::1]:0")]
#[case::echo_tcp_epoll_over_ipv4(TCP_EPOLL, "127.0.0.1:0")]
#[case::echo_tcp_epoll_over_ipv6(TCP_EPOLL, "[::1]:0")]
#[case::echo_tcp_fork_over_ipv4(TCP_FORK, "127.0.0.1:0")]
#[case::echo_tcp_fork_over_ipv6(TCP_FORK, "[::1]:0")]
#[case::echo_tcp_iterative_over_ipv4(TCP_ITERATIVE, "127.0.0.1:0")]
#[case::echo_tcp_iterative_over_ipv6(TCP_ITERATIVE, "[::1]:0")]
fn tcp_server_echoes_at_the_announced_port(#[case] program: &str, #[case] asked: &str) {
    if skips_missing_ipv6(asked) {
        return;
    }
    let (_server, ready) = Server::start(program, &TempDir::new().unwrap(), asked);
    assert_eq!(real_address(&ready).ip(), asked.parse::<SocketAddr>().unwrap().ip());
    assert_echoes_a_few_bytes(&ready);
}

#[rstest]
#[case::empty_over_ipv4("127.0.0.1:0", 0)]
#[case::empty_over_ipv6("[::1]:0", 0)]
#[case::of_a_few_bytes_over_ipv6("[::1]:0", 3)]
#[case::of_the_largest_size_over_ipv4("127.0.0.1:0", 65_507)]
fn udp_server_echoes_a_datagram(#[case] asked: &str, #[case] length: usize) {
    if skips_missing_ipv6(asked) {
        return;
    }
    let (_server, ready) = Server::start(UDP, &TempDir::new().unwrap(), asked);
    let address = real_address(&ready);
    let client = UdpSocket::bind(SocketAddr::new(address.ip(), 0)).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.connect(address).unwrap();
    // By default, a socket of macOS sends at most this.
    let largest = if std::env::consts::OS == "linux" { 65_507 } else { 9216 };
    let datagram: Vec<u8> = (0..=u8::MAX).cycle().take(length.min(largest)).collect();
    assert_eq!(client.send(&datagram).unwrap(), datagram.len());
    let mut echo = vec![0; 65_536];
    let length = client.recv(&mut echo).unwrap();
    assert!(echo[..length] == datagram, "{length} bytes came back for {}", datagram.len());
}

#[rstest]
#[case::echo_fifo(FIFO, &["path.in", "path.out"])]
#[case::echo_unix(UNIX, &["path"])]
#[case::echo_unix_dgram(UNIX_DGRAM, &["path"])]
#[case::echo_unix_epoll(UNIX_EPOLL, &["path"])]
#[case::echo_unix_seqpacket(UNIX_SEQPACKET, &["path"])]
fn ready_line_comes_after_the_path_exists(#[case] program: &str, #[case] made: &[&str]) {
    if skips_missing_mechanism(program) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (_server, ready) = Server::start(program, &folder, "path");
    assert_eq!(ready, "path");
    assert_eq!(names_in(&folder), made);
}

#[rstest]
#[case::echo_unix(UNIX, Type::STREAM)]
#[case::echo_unix_dgram(UNIX_DGRAM, Type::DGRAM)]
#[case::echo_unix_epoll(UNIX_EPOLL, Type::STREAM)]
#[case::echo_unix_seqpacket(UNIX_SEQPACKET, Type::SEQPACKET)]
fn abstract_name_is_served(#[case] program: &str, #[case] kind: Type) {
    let folder = TempDir::new().unwrap();
    let name = format!("echospec-test-{}-{}", name(program), process::id());
    let address = format!("@{name}");
    if std::env::consts::OS != "linux" {
        let refusal = one_line().and(starts_with("unsupported"));
        run(program, &folder, &[&address]).code(77).stdout("").stderr(refusal);
        return testing::skip("only Linux has abstract names");
    }
    let (_server, ready) = Server::start(program, &folder, &address);
    assert_eq!(ready, address);
    assert!(names_in(&folder).is_empty());

    let mut client = Socket::new(Domain::UNIX, kind, None).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    if kind == Type::DGRAM {
        // The server sends an echo to a name only.
        client.bind(&SockAddr::unix(format!("\0{name}-client")).unwrap()).unwrap();
    }
    client.connect(&SockAddr::unix(format!("\0{name}")).unwrap()).unwrap();
    client.write_all(b"abc").unwrap();
    let mut echo = [0; 3];
    client.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"abc");
}

#[rstest]
#[case::echo_fifo(FIFO, "path")]
#[case::echo_tcp(TCP, "127.0.0.1:0")]
#[case::echo_tcp_epoll(TCP_EPOLL, "127.0.0.1:0")]
#[case::echo_tcp_fork(TCP_FORK, "127.0.0.1:0")]
#[case::echo_tcp_iterative(TCP_ITERATIVE, "127.0.0.1:0")]
#[case::echo_udp(UDP, "127.0.0.1:0")]
#[case::echo_unix(UNIX, "path")]
#[case::echo_unix_dgram(UNIX_DGRAM, "path")]
#[case::echo_unix_epoll(UNIX_EPOLL, "path")]
#[case::echo_unix_seqpacket(UNIX_SEQPACKET, "path")]
fn signal_ends_a_server_and_its_path_is_removed(
    #[case] program: &str,
    #[case] address: &str,
    #[values(Signal::SIGTERM, Signal::SIGINT)] signal: Signal,
) {
    if skips_missing_mechanism(program) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (mut server, _) = Server::start(program, &folder, address);
    assert_ended_by(signal, server.end_with(signal));
    assert!(names_in(&folder).is_empty(), "left behind: {:?}", names_in(&folder));
}

#[rstest]
#[case::echo_fork(FORK)]
#[case::echo_pipe(PIPE)]
fn signal_ends_a_filter_and_its_children(
    #[case] program: &str,
    #[values(Signal::SIGTERM, Signal::SIGINT)] signal: Signal,
) {
    let mut server = Server::spawn(&mut Command::new(program));
    // Its input stays open, so that only the signal can end it.
    let mut input = server.child.stdin.take().unwrap();
    input.write_all(b"it runs\n").unwrap();
    assert_eq!(server.line(), "it runs");
    assert_ended_by(signal, server.end_with(signal));
}

#[rstest]
fn signal_ends_a_server_whose_socket_was_passed(#[values(Signal::SIGTERM, Signal::SIGINT)] signal: Signal) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut command = Command::new("sh");
    // The shell has the same process id as the server that it executes.
    command.args(["-c", "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\"", TCP_ACTIVATED]);
    command.fd_mappings(vec![FdMapping { parent_fd: listener.into(), child_fd: 3 }]).unwrap();
    let mut server = Server::spawn(&mut command);
    assert_eq!(server.ready_address(TCP_ACTIVATED), address.to_string());
    assert_echoes_a_few_bytes(&address.to_string());
    assert_ended_by(signal, server.end_with(signal));
}

fn real_address(ready: &str) -> SocketAddr {
    let address: SocketAddr = ready.parse().unwrap();
    assert_ne!(address.port(), 0, "port 0 is not a real port");
    address
}

fn assert_echoes_a_few_bytes(address: &str) {
    let mut client = TcpStream::connect_timeout(&real_address(address), DEADLINE).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.write_all(b"abc").unwrap();
    let mut echo = [0; 3];
    client.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"abc");
}
