//! Servers of message queues, signals and shared memory, and `echo-spin`: what they make, refuse and remove.

use echospec::sys::{MessageQueue, system_v_queue_exists};

use super::*;

fn is_linux() -> bool {
    std::env::consts::OS == "linux"
}

/// Skips the test on other systems than Linux. There `program` must say that it is unsupported.
fn skips_unsupported(program: &str, arguments: &[&str]) -> bool {
    if !is_linux() {
        let refusal = one_line().and(starts_with("unsupported"));
        run(program, &TempDir::new().unwrap(), arguments).code(77).stdout("").stderr(refusal);
        testing::skip("only Linux has this mechanism");
    }
    !is_linux()
}

#[rstest]
fn posix_queues_are_removed_at_exit(#[values(Signal::SIGTERM, Signal::SIGINT)] signal: Signal) {
    let name = format!("/echospec-test-{}-{}", process::id(), signal as i32);
    if skips_unsupported(MQUEUE, &[&name]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (mut server, ready) = Server::start(MQUEUE, &folder, &name);
    assert_eq!(ready, name);
    assert_refused(MQUEUE, &folder, &name);
    let made = || ["in", "out"].map(|end| MessageQueue::posix(&format!("{name}.{end}"), false).is_ok());
    assert_eq!(made(), [true, true]);
    assert_ended_by(signal, server.end_with(signal));
    assert_eq!(made(), [false, false]);
}

#[rstest]
fn system_v_queues_are_removed_at_exit(#[values(Signal::SIGTERM, Signal::SIGINT)] signal: Signal) {
    let key = 0x1e00_0000 + (i32::try_from(process::id()).unwrap() % 100_000) * 100 + signal as i32 * 2;
    if skips_unsupported(SYSV_MQ, &[&key.to_string()]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (mut server, ready) = Server::start(SYSV_MQ, &folder, &key.to_string());
    assert_eq!(ready, key.to_string());
    assert_refused(SYSV_MQ, &folder, &key.to_string());
    assert!(system_v_queue_exists(key) && system_v_queue_exists(key + 1));
    assert_ended_by(signal, server.end_with(signal));
    assert!(!system_v_queue_exists(key) && !system_v_queue_exists(key + 1));
}

#[rstest]
fn process_id_file_is_removed_at_exit(#[values(Signal::SIGTERM, Signal::SIGINT)] signal: Signal) {
    if skips_unsupported(SIGNAL, &["path"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (mut server, _) = Server::start(SIGNAL, &folder, "path");
    assert_refused(SIGNAL, &folder, "path");
    assert_eq!(names_in(&folder), ["path"]);
    assert_ended_by(signal, server.end_with(signal));
    assert!(names_in(&folder).is_empty());
}

#[rstest]
#[case::without_slash(MQUEUE, "no-slash")]
#[case::not_a_number(SYSV_MQ, "not-a-number")]
#[case::negative(SYSV_MQ, "-5")]
fn invalid_queue_name_is_an_error(#[case] program: &str, #[case] name: &str) {
    if !is_linux() {
        return testing::skip("only Linux has these queues");
    }
    assert_refused(program, &TempDir::new().unwrap(), name);
}

#[rstest]
#[case::echo_shm(SHM, "eventfd")]
#[case::echo_spin_stream(SPIN, "unix")]
#[case::echo_spin_datagram(SPIN, "unix-dgram")]
fn socket_is_removed_at_exit(#[case] program: &str, #[case] kind: &str) {
    let folder = TempDir::new().unwrap();
    let mut server = Server::spawn(Command::new(program).args([kind, "path"]).current_dir(&folder));
    assert_eq!(server.ready_address(program), "path");
    assert_eq!(names_in(&folder), ["path"]);
    assert_ended_by(Signal::SIGTERM, server.end_with(Signal::SIGTERM));
    assert!(names_in(&folder).is_empty());
}

#[rstest]
#[case::echo_shm(SHM, "eventfd")]
#[case::echo_spin_stream(SPIN, "unix")]
#[case::echo_spin_datagram(SPIN, "unix-dgram")]
fn regular_file_in_place_of_the_socket_is_not_changed(#[case] program: &str, #[case] kind: &str) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("path"), "precious").unwrap();
    run(program, &folder, &[kind, "path"]).code(1).stdout("").stderr(contains("path"));
    assert_eq!(fs::read_to_string(folder.path().join("path")).unwrap(), "precious");
}
