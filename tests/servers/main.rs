//! The bundled servers as programs: arguments, errors, readiness and exit.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use echospec::sys;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::prelude::*;
use predicates::str::{contains, is_match, starts_with};
use rstest::rstest;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

mod mechanisms;
mod refusals;
mod serving;

const FIFO: &str = env!("CARGO_BIN_EXE_echo-fifo");
const FORK: &str = env!("CARGO_BIN_EXE_echo-fork");
const MQUEUE: &str = env!("CARGO_BIN_EXE_echo-mqueue");
const PIPE: &str = env!("CARGO_BIN_EXE_echo-pipe");
const SHM: &str = env!("CARGO_BIN_EXE_echo-shm");
const SIGNAL: &str = env!("CARGO_BIN_EXE_echo-signal");
const SPIN: &str = env!("CARGO_BIN_EXE_echo-spin");
const SPLICE: &str = env!("CARGO_BIN_EXE_echo-splice");
const SYSV_MQ: &str = env!("CARGO_BIN_EXE_echo-sysv-mq");
const TCP: &str = env!("CARGO_BIN_EXE_echo-tcp");
const TCP_ACTIVATED: &str = env!("CARGO_BIN_EXE_echo-tcp-activated");
const TCP_EPOLL: &str = env!("CARGO_BIN_EXE_echo-tcp-epoll");
const TCP_FORK: &str = env!("CARGO_BIN_EXE_echo-tcp-fork");
const TCP_ITERATIVE: &str = env!("CARGO_BIN_EXE_echo-tcp-iterative");
const TCP_REUSEPORT: &str = env!("CARGO_BIN_EXE_echo-tcp-reuseport");
const TCP_URING: &str = env!("CARGO_BIN_EXE_echo-tcp-uring");
const UDP: &str = env!("CARGO_BIN_EXE_echo-udp");
const UDP_BATCH: &str = env!("CARGO_BIN_EXE_echo-udp-batch");
const UNIX: &str = env!("CARGO_BIN_EXE_echo-unix");
const UNIX_DGRAM: &str = env!("CARGO_BIN_EXE_echo-unix-dgram");
const UNIX_EPOLL: &str = env!("CARGO_BIN_EXE_echo-unix-epoll");
const UNIX_SEQPACKET: &str = env!("CARGO_BIN_EXE_echo-unix-seqpacket");

/// A time limit that only a hanging server reaches.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns `echo-tcp` for `/…/echo-tcp`.
fn name(server: &str) -> &str {
    Path::new(server).file_name().unwrap().to_str().unwrap()
}

/// A running server. It is killed at the end of its test.
struct Server {
    child: Child,
    /// The lines of standard output and standard error, in order.
    lines: Receiver<String>,
}

impl Server {
    fn spawn(command: &mut Command) -> Server {
        let (output, input) = os_pipe::pipe().unwrap();
        command.stdin(Stdio::piped()).stdout(input.try_clone().unwrap()).stderr(input);
        // The tests may have inherited ignored signals, as under `nohup cargo test &`.
        sys::set_child_attributes(command, sys::ChildAttributes::default());
        let child = command.spawn().unwrap();
        // The command holds the write end of the pipe: close it, or there would be no end of file.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Server { child, lines }
    }

    /// Starts `program` in `folder`. Returns it with the address from its ready line.
    fn start(program: &str, folder: &TempDir, address: &str) -> (Server, String) {
        let server = Server::spawn(Command::new(program).arg(address).current_dir(folder));
        let address = server.ready_address(program);
        (server, address)
    }

    /// Returns the address from the line `ready NAME ADDRESS`; NAME is that of `program` without `echo-`.
    fn ready_address(&self, program: &str) -> String {
        let line = self.line();
        let words: Vec<&str> = line.split(' ').collect();
        let ["ready", kind, address] = words[..] else {
            panic!("not of the form `ready NAME ADDRESS`: {line:?}")
        };
        assert_eq!(name(program).strip_prefix("echo-"), Some(kind), "{line:?}");
        address.to_owned()
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("the server prints a line")
    }

    /// Sends `signal`, and waits until the server and its children have exited.
    fn end_with(&mut self, signal: Signal) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
        assert!(sys::wait_for_exit(pid, DEADLINE).unwrap(), "{signal} has not ended the server");
        let after = self.lines.recv_timeout(DEADLINE);
        assert_eq!(
            after,
            Err(RecvTimeoutError::Disconnected),
            "another line, or a child that has not exited"
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn assert_ended_by(signal: Signal, status: ExitStatus) {
    assert!(status.success() || status.signal() == Some(signal as i32), "after {signal}: {status}");
}

/// Returns the names in `folder`, sorted.
fn names_in(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs a program in `folder` until it exits.
fn run(program: &str, folder: &TempDir, arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(program).args(arguments).current_dir(folder).timeout(DEADLINE).assert()
}

fn one_line() -> impl Predicate<str> {
    is_match(r"\A[^\n]+\n\z").unwrap()
}

/// Asserts that `program` fails with an error that names `address`.
fn assert_refused(program: &str, folder: &TempDir, address: &str) {
    run(program, folder, &[address]).code(1).stdout("").stderr(starts_with("Error: ").and(contains(address)));
}

/// Skips the test if this system lacks the mechanism of `program`: macOS has no SOCK_SEQPACKET. Then the program must
/// say so and exit with 77.
fn skips_missing_mechanism(program: &str) -> bool {
    if program != UNIX_SEQPACKET || Socket::new(Domain::UNIX, Type::SEQPACKET, None).is_ok() {
        return false;
    }
    run(program, &TempDir::new().unwrap(), &["socket"])
        .code(77)
        .stdout("")
        .stderr(one_line().and(starts_with("unsupported")));
    testing::skip("this system has no SOCK_SEQPACKET");
    true
}

/// Skips the test if `address` is one of IPv6, and this system cannot bind ::1.
fn skips_missing_ipv6(address: &str) -> bool {
    let is_missing = address.starts_with('[') && UdpSocket::bind("[::1]:0").is_err();
    if is_missing {
        testing::skip("::1 cannot be bound here");
    }
    is_missing
}
