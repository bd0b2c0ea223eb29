//! Errors of the bundled servers.

use super::*;

#[rstest]
#[case::echo_fifo(FIFO)]
#[case::echo_mqueue(MQUEUE)]
#[case::echo_shm(SHM)]
#[case::echo_signal(SIGNAL)]
#[case::echo_spin(SPIN)]
#[case::echo_sysv_mq(SYSV_MQ)]
#[case::echo_tcp(TCP)]
#[case::echo_tcp_epoll(TCP_EPOLL)]
#[case::echo_tcp_fork(TCP_FORK)]
#[case::echo_tcp_iterative(TCP_ITERATIVE)]
#[case::echo_tcp_reuseport(TCP_REUSEPORT)]
#[case::echo_tcp_uring(TCP_URING)]
#[case::echo_udp(UDP)]
#[case::echo_udp_batch(UDP_BATCH)]
#[case::echo_unix(UNIX)]
#[case::echo_unix_dgram(UNIX_DGRAM)]
#[case::echo_unix_epoll(UNIX_EPOLL)]
#[case::echo_unix_seqpacket(UNIX_SEQPACKET)]
fn missing_argument_prints_usage(#[case] program: &str) {
    let usage = starts_with(format!("usage: {} ", name(program)));
    run(program, &TempDir::new().unwrap(), &[]).code(2).stdout("").stderr(one_line().and(usage));
}

#[rstest]
#[case::echo_fifo_takes_one(FIFO, &["fifo", "more"])]
#[case::echo_fork_takes_none(FORK, &["more"])]
#[case::echo_mqueue_takes_one(MQUEUE, &["/echospec-test", "more"])]
#[case::echo_pipe_takes_none(PIPE, &["more"])]
#[case::echo_shm_takes_two(SHM, &["futex", "socket", "more"])]
#[case::echo_shm_knows_four_ways_to_wait(SHM, &["nap", "socket"])]
#[case::echo_signal_takes_one(SIGNAL, &["path", "more"])]
#[case::echo_spin_takes_two(SPIN, &["unix", "socket", "more"])]
#[case::echo_spin_knows_six_kinds(SPIN, &["carrier-pigeon", "socket"])]
#[case::echo_splice_takes_none(SPLICE, &["more"])]
#[case::echo_sysv_mq_takes_one(SYSV_MQ, &["4711", "more"])]
#[case::echo_tcp_takes_one(TCP, &["127.0.0.1:0", "more"])]
#[case::echo_tcp_activated_takes_none(TCP_ACTIVATED, &["more"])]
#[case::echo_tcp_epoll_takes_one(TCP_EPOLL, &["127.0.0.1:0", "more"])]
#[case::echo_tcp_fork_takes_one(TCP_FORK, &["127.0.0.1:0", "more"])]
#[case::echo_tcp_iterative_takes_one(TCP_ITERATIVE, &["127.0.0.1:0", "more"])]
#[case::echo_tcp_reuseport_takes_one(TCP_REUSEPORT, &["127.0.0.1:0", "more"])]
#[case::echo_tcp_uring_takes_one(TCP_URING, &["127.0.0.1:0", "more"])]
#[case::echo_udp_takes_one(UDP, &["127.0.0.1:0", "more"])]
#[case::echo_udp_batch_takes_one(UDP_BATCH, &["127.0.0.1:0", "more"])]
#[case::echo_unix_takes_one(UNIX, &["socket", "more"])]
#[case::echo_unix_dgram_takes_one(UNIX_DGRAM, &["socket", "more"])]
#[case::echo_unix_epoll_takes_one(UNIX_EPOLL, &["socket", "more"])]
#[case::echo_unix_seqpacket_takes_one(UNIX_SEQPACKET, &["socket", "more"])]
fn extra_argument_prints_usage(#[case] program: &str, #[case] arguments: &[&str]) {
    let folder = TempDir::new().unwrap();
    let usage = starts_with(format!("usage: {} ", name(program)));
    run(program, &folder, arguments).code(2).stdout("").stderr(one_line().and(usage));
    assert!(names_in(&folder).is_empty());
}

#[rstest]
#[case::echo_tcp(TCP)]
#[case::echo_tcp_epoll(TCP_EPOLL)]
#[case::echo_tcp_fork(TCP_FORK)]
#[case::echo_tcp_iterative(TCP_ITERATIVE)]
#[case::echo_tcp_uring(TCP_URING)]
#[case::echo_udp(UDP)]
fn invalid_address_is_an_error(#[case] program: &str) {
    assert_refused(program, &TempDir::new().unwrap(), "not-an-address");
}

#[rstest]
#[case::echo_tcp(TCP)]
#[case::echo_tcp_epoll(TCP_EPOLL)]
#[case::echo_tcp_fork(TCP_FORK)]
#[case::echo_tcp_iterative(TCP_ITERATIVE)]
#[case::echo_tcp_uring(TCP_URING)]
fn tcp_port_in_use_is_an_error(#[case] program: &str) {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_refused(program, &TempDir::new().unwrap(), &holder.local_addr().unwrap().to_string());
}

#[test]
fn udp_port_in_use_is_an_error() {
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_refused(UDP, &TempDir::new().unwrap(), &holder.local_addr().unwrap().to_string());
}

// A socket address has room for some 100 bytes of path. A FIFO has none, so only its name can be too long.
#[rstest]
#[case::echo_fifo_long_name(FIFO, &"x".repeat(300))]
#[case::echo_unix_of_200_bytes(UNIX, &"x".repeat(200))]
#[case::echo_unix_dgram_of_200_bytes(UNIX_DGRAM, &"x".repeat(200))]
#[case::echo_unix_epoll_of_200_bytes(UNIX_EPOLL, &"x".repeat(200))]
#[case::echo_unix_seqpacket_of_200_bytes(UNIX_SEQPACKET, &"x".repeat(200))]
#[case::echo_fifo_in_no_folder(FIFO, "no-such-folder/fifo")]
#[case::echo_unix_in_no_folder(UNIX, "no-such-folder/socket")]
#[case::echo_unix_dgram_in_no_folder(UNIX_DGRAM, "no-such-folder/socket")]
#[case::echo_unix_epoll_in_no_folder(UNIX_EPOLL, "no-such-folder/socket")]
#[case::echo_unix_seqpacket_in_no_folder(UNIX_SEQPACKET, "no-such-folder/socket")]
fn impossible_path_is_an_error(#[case] program: &str, #[case] path: &str) {
    if skips_missing_mechanism(program) {
        return;
    }
    let folder = TempDir::new().unwrap();
    assert_refused(program, &folder, path);
    assert!(names_in(&folder).is_empty());
}

#[rstest]
#[case::echo_fifo_input(FIFO, "path", "path.in")]
#[case::echo_fifo_output(FIFO, "path", "path.out")]
#[case::echo_unix(UNIX, "path", "path")]
#[case::echo_unix_dgram(UNIX_DGRAM, "path", "path")]
#[case::echo_unix_epoll(UNIX_EPOLL, "path", "path")]
#[case::echo_unix_seqpacket(UNIX_SEQPACKET, "path", "path")]
fn regular_file_at_the_path_is_not_changed(#[case] program: &str, #[case] path: &str, #[case] file: &str) {
    if skips_missing_mechanism(program) {
        return;
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(file), "precious").unwrap();
    assert_refused(program, &folder, path);
    assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), "precious");
    assert_eq!(names_in(&folder), [file]);
}

#[rstest]
#[case::echo_fifo(FIFO)]
#[case::echo_unix(UNIX)]
#[case::echo_unix_dgram(UNIX_DGRAM)]
#[case::echo_unix_epoll(UNIX_EPOLL)]
#[case::echo_unix_seqpacket(UNIX_SEQPACKET)]
fn path_of_a_running_server_is_an_error(#[case] program: &str) {
    if skips_missing_mechanism(program) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (mut holder, _) = Server::start(program, &folder, "path");
    let before = names_in(&folder);
    assert_refused(program, &folder, "path");
    assert_eq!(names_in(&folder), before);
    assert_ended_by(Signal::SIGTERM, holder.end_with(Signal::SIGTERM));
}

#[rstest]
#[case::no_variables("unset LISTEN_PID LISTEN_FDS", "no sockets were passed")]
#[case::zero_descriptors("export LISTEN_PID=$$ LISTEN_FDS=0", "no sockets were passed")]
#[case::other_process("export LISTEN_PID=1 LISTEN_FDS=1", "process 1 ")]
#[case::closed_descriptor("export LISTEN_PID=$$ LISTEN_FDS=1; exec 3<&-", "descriptor 3")]
#[case::descriptor_without_socket("export LISTEN_PID=$$ LISTEN_FDS=1; exec 3</dev/null", "descriptor 3")]
fn sockets_not_passed_are_an_error(#[case] prelude: &str, #[case] problem: &str) {
    let script = format!("{prelude}; exec \"$0\"");
    run("sh", &TempDir::new().unwrap(), &["-c", &script, TCP_ACTIVATED])
        .code(1)
        .stdout("")
        .stderr(starts_with("Error: ").and(contains(problem)));
}
