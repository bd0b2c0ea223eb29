//! `echospec capture`: the packets in the file, and the summary. A test is skipped if packets cannot be captured or
//! tshark is not installed.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use echospec::deadline::{until, wait};
use echospec::sys::PacketCapture;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

const ECHOSPEC: &str = env!("CARGO_BIN_EXE_echospec");
const TCP: &str = env!("CARGO_BIN_EXE_echo-tcp");
const UDP: &str = env!("CARGO_BIN_EXE_echo-udp");

fn capture(file: &Path, command: &[&str]) -> Command {
    let mut capture = Command::new(ECHOSPEC);
    capture.arg("capture").arg("--all").arg(file).arg("--").args(command).stdin(Stdio::null());
    capture
}

/// Returns the command that checks `server` with the checks that match `only`.
fn check<'a>(transport: &'a str, only: &[&'a str], server: &'a str) -> Vec<&'a str> {
    let only = only.iter().flat_map(|glob| ["--only", glob]);
    [ECHOSPEC, "check", transport].into_iter().chain(only).chain(["--", server, "{addr}"]).collect()
}

fn may_capture() -> bool {
    let tap = PacketCapture::check_permission();
    if let Err(error) = &tap {
        testing::skip(echospec::wire::explain_capture_error(error));
    }
    tap.is_ok()
}

/// Returns the number of packets in `file` that match, or `None` if tshark is not installed. Fails if tshark reports a
/// problem with the file.
fn tshark(file: &Path, filter: &str) -> Option<usize> {
    let Ok(output) = Command::new("tshark").arg("-n").arg("-r").arg(file).args(["-Y", filter]).output()
    else {
        testing::skip("tshark is not installed");
        return None;
    };
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !problem.contains("cut short"), "{problem}");
    Some(output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count())
}

struct Capture {
    summary: String,
    file: PathBuf,
    _place: TempDir,
}

impl Capture {
    fn from_output(output: &Output, file: PathBuf, place: TempDir) -> Capture {
        let summary = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(output.status.success(), "{}{summary}", String::from_utf8_lossy(&output.stdout));
        Capture { summary, file, _place: place }
    }

    fn of(command: &[&str]) -> Capture {
        let place = TempDir::new().unwrap();
        let file = place.path().join("run.pcapng");
        let output = capture(&file, command).output().unwrap();
        Capture::from_output(&output, file, place)
    }

    fn conversations(&self) -> impl Iterator<Item = &str> {
        self.summary.lines().filter(|line| line.starts_with("TCP ") || line.starts_with("UDP "))
    }

    /// Returns the number before `word` in the last line.
    fn total(&self, word: &str) -> usize {
        let line = self.summary.lines().find(|line| line.contains(" packets of ")).expect(&self.summary);
        let part = line.split([',', ':']).find(|part| part.ends_with(&format!(" {word}")));
        part.and_then(|part| part.split_whitespace().next()?.parse().ok()).expect(line)
    }

    /// Returns the addresses of client and server of each conversation.
    fn address_pairs(&self) -> impl Iterator<Item = &str> {
        self.conversations().map(|line| line.split_once(": ").expect(line).0)
    }

    /// Returns the ports of the servers.
    fn ports(&self) -> Vec<u16> {
        let port =
            |line: &str| line.split(" → ").nth(1)?.split(": ").next()?.rsplit_once(':')?.1.parse().ok();
        self.conversations().map(|line| port(line).expect(line)).collect()
    }
}

#[test]
fn tshark_counts_the_same_flags_as_the_summary() {
    if !may_capture() {
        return;
    }
    let only = ["port/same-four-tuple", "port/many-clients", "echo/half-close", "life/survives-reset"];
    let capture = Capture::of(&check("tcp", &only, TCP));
    let counts = [
        ("SYN", "tcp.flags.syn == 1 && tcp.flags.ack == 0"),
        ("SYN-ACK", "tcp.flags.syn == 1 && tcp.flags.ack == 1"),
        ("FIN", "tcp.flags.fin == 1"),
        ("RST", "tcp.flags.reset == 1"),
    ];
    for (word, filter) in counts {
        assert!(capture.total(word) > 0, "no {word}:\n{}", capture.summary);
        let Some(number) = tshark(&capture.file, filter) else { return };
        assert_eq!(capture.total(word), number, "{word}\n{}", capture.summary);
    }
    assert!(capture.conversations().count() >= capture.total("SYN-ACK"), "{}", capture.summary);
    let reset = "SYN, SYN-ACK, ACK; 300 bytes there, 300 bytes back; RST from the client";
    assert_eq!(
        capture.conversations().filter(|line| line.ends_with(reset)).count(),
        5,
        "{}",
        capture.summary
    );
}

#[test]
fn tshark_counts_the_same_datagrams_as_the_summary() {
    if !may_capture() {
        return;
    }
    let capture =
        Capture::of(&check("udp", &["echo/one-byte", "echo/stale-tail", "echo/reply-address"], UDP));
    let answered = capture
        .conversations()
        .filter(|line| line.contains("1 datagram (12 bytes) there, 1 datagram (12 bytes) back"));
    assert_eq!(answered.count(), 1, "{}", capture.summary);
    let Some(all) = tshark(&capture.file, "udp") else { return };
    let kept = capture.summary.lines().find_map(|line| line.split_once(" packets of ")).unwrap().0;
    assert_eq!(kept, all.to_string(), "{}", capture.summary);
}

/// Meanwhile another program uses a port of the range that echospec takes its ports from, and another run captures too.
#[test]
fn packets_of_other_programs_are_not_recorded() {
    if !may_capture() {
        return;
    }
    let listener =
        (20_000..32_000).rev().find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).unwrap();
    let stranger = listener.local_addr().unwrap();
    let done = AtomicBool::new(false);
    let (one, two) = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let mut client = TcpStream::connect(stranger).unwrap();
                let (mut server, _) = listener.accept().unwrap();
                client.write_all(b"not yours").unwrap();
                server.read_exact(&mut [0; 9]).unwrap();
                // Without a pause so many packets pass that the kernel drops some: those of a run, too.
                wait(&mut [], Duration::from_millis(1)).unwrap();
            }
        });
        let only = ["port/many-clients", "echo/ping-pong"];
        let other = scope.spawn(|| Capture::of(&check("tcp", &["port/many-clients", "echo/ping-pong"], TCP)));
        let one = Capture::of(&check("tcp", &only, TCP));
        let two = other.join();
        done.store(true, Ordering::SeqCst);
        (one, two.unwrap())
    });
    for capture in [&one, &two] {
        assert!(!capture.ports().is_empty());
        assert!(!capture.summary.contains(&format!(":{} ", stranger.port())), "{}", capture.summary);
        assert!(!capture.ports().contains(&stranger.port()), "{}", capture.summary);
        if let Some(number) = tshark(&capture.file, &format!("tcp.port == {}", stranger.port())) {
            assert_eq!(number, 0);
        }
    }
    // A run may use a port that the other has released, so the client's port is compared as well.
    let is_shared = |pair: &str| two.address_pairs().any(|other| other == pair);
    assert!(!one.address_pairs().any(is_shared), "{}\n{}", one.summary, two.summary);
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    if !may_capture() {
        return;
    }
    let place = TempDir::new().unwrap();
    let file = place.path().join("nothing.pcapng");
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)] {
        let output = capture(&file, &["sh", "-c", script]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{script}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("has reported no port"), "{text}");
    }
    if let Some(number) = tshark(&file, "frame") {
        assert_eq!(number, 0);
    }
    let output = capture(&file, &["./no-such-program"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot run ./no-such-program"));
    assert!(!file.exists(), "a file was left behind");
    let output = capture(&place.path().join("absent/file"), &["true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"));
}

#[test]
fn an_interrupted_capture_leaves_a_valid_file() {
    if !may_capture() {
        return;
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let place = TempDir::new().unwrap();
        let file = place.path().join("run.pcapng");
        let mut command = capture(&file, &check("tcp", &["echo/*", "port/*", "load/*"], TCP));
        // A process group of its own, as a shell makes it: Ctrl-C reaches the whole group.
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.find(|line| line.as_ref().unwrap().contains("pass")).unwrap().unwrap();
        killpg(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        lines.for_each(drop);
        let status = child.wait().unwrap();
        let code = (signal != Signal::SIGKILL).then_some(128 + signal as i32);
        assert_eq!(status.code(), code, "{signal}");
        if let Some(number) = tshark(&file, "tcp") {
            assert!(number > 0, "nothing was recorded before {signal}");
        }
    }
}

/// The error says what is missing and how to fix it, as `doctor` does.
#[test]
fn without_the_capability_the_error_says_how_to_fix_it() {
    const UNPRIVILEGED: u32 = 65_534;
    let place = TempDir::new().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("echospec");
    fs::copy(ECHOSPEC, &program).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        if nix::unistd::geteuid().is_root() {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        // A child that another test forks may still have the copy open for writing (ETXTBSY).
        until(Duration::from_secs(10), || Ok(command.output().ok())).unwrap()
    };
    let Some(failed) = run(&["capture", "/nowhere/file", "--", "true"]) else {
        return testing::skip(format!("an unprivileged user may not run {}", program.display()));
    };
    let text = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(3), "{text}");
    let lacking =
        if std::env::consts::OS == "linux" { "CAP_NET_RAW is lacking" } else { "no packet sockets" };
    assert!(text.contains(lacking) && text.contains(echospec::requirement::PACKET_CAPTURE.help), "{text}");
    let doctor = String::from_utf8(run(&["doctor"]).unwrap().stdout).unwrap();
    assert!(
        doctor.contains(lacking) && doctor.contains(echospec::requirement::PACKET_CAPTURE.help),
        "{doctor}"
    );
}
