//! The library inside another program.

use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use echospec::{LaunchOptions, Server, Spec, Start, Transport, sys};
use testing as _;

#[test]
fn a_server_without_guard_and_subreaper_takes_its_orphans_with_it() {
    let options = LaunchOptions { guard: false, subreaper: false, ..LaunchOptions::default() };
    // The shell's child is in the background, and an orphan once the shell has been replaced by cat and exited.
    let script = "sleep 1000 & exec cat";
    let spec = Spec::new(Transport::PIPE, Start::Bind, ["sh", "-c", script]).unwrap();
    let mut server = Server::launch(&spec, options).unwrap();
    let mut client = server.connect().unwrap();
    client.exchange(b"hello").unwrap();
    let processes = server.processes().unwrap_or_default();
    assert!(processes.len() == 2 || std::env::consts::OS != "linux", "{processes:?}");
    client.shut_down_write().unwrap();
    server.instance().unwrap().wait(LaunchOptions::default().deadlines.exit()).unwrap();
    drop(server);
    let left = |process: &echospec::inspect::Process| sys::executable(process.pid).is_some();
    assert!(!processes.iter().any(left), "left: {processes:?}");
}

#[test]
fn a_server_inherits_no_descriptor_of_the_host() {
    let (reader, writer) = os_pipe::pipe().unwrap();
    // os_pipe marks its descriptors close-on-exec. This copy is not marked.
    let careless = nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_DUPFD(100)).unwrap();
    let listed = Command::new("ls").arg("/dev/fd").stdout(Stdio::piped()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().any(|line| line == careless.to_string()), "std's child inherits it: {listed}");
    let spec = Spec::new(Transport::PIPE, Start::Bind, ["cat"]).unwrap();
    let mut server = Server::launch(&spec, LaunchOptions::default()).unwrap();
    let mut client = server.connect().unwrap();
    client.exchange(b"hello").unwrap();
    let pid = server.pid().unwrap();
    // Other systems have no close_range(2) that marks descriptors.
    if std::env::consts::OS == "linux" {
        let held = server.descriptors(pid).unwrap();
        let numbers: Vec<_> = held.iter().map(|descriptor| descriptor.number).collect();
        assert_eq!(numbers, [0, 1, 2], "beside {} and {careless}", writer.as_raw_fd());
    }
}
