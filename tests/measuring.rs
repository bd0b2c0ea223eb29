//! The client process of a session, and the harness that launches it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use echospec::bench::client::run_client;
use echospec::bench::comparison::{Measure, Placement};
use echospec::bench::placement::ResolvedPlacement;
use echospec::bench::session::job::{Job, Task, TaskResult};
use echospec::bench::session::{SessionError, SessionSettings, run_session};
use echospec::deadline::Deadlines;
use echospec::server::{Spec, Start};
use echospec::transport::{Address, ClientWaitMode, Transport, Tuning};
use rstest::rstest;
use tempfile::TempDir;
use testing as _;

const BRIEF: Duration = Duration::from_millis(5);

fn task(measure: Measure, size: usize, rate: Option<f64>) -> Task {
    Task { measure, size, rate, warm_up: Duration::from_millis(1), timed: BRIEF }
}

/// Runs a client in this process, with its server at `address`. Returns its results.
fn measure_tasks(address: SocketAddr, tasks: &[Task]) -> Vec<TaskResult> {
    let scratch = TempDir::new().unwrap();
    let job = Job {
        transport: "tcp".into(),
        address: Address::Inet(address),
        inherited: false,
        server: i32::try_from(std::process::id()).unwrap(),
        scratch: scratch.path().to_owned(),
        processor: None,
        waiting: ClientWaitMode::Block,
        tuning: Tuning::default(),
        shares_processor: false,
        seed: 7,
        count_calls: false,
        tasks: tasks.to_vec(),
    };
    let mut output = Vec::new();
    run_client(&serde_json::to_vec(&job).unwrap()[..], &mut output).unwrap();
    let lines = output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Starts an iterative server that passes every piece through `spoil`. Returns its address.
fn start_server(mut spoil: impl FnMut(usize, &mut Vec<u8>) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let (mut place, mut buffer) = (0, [0; 4096]);
            while let Ok(length @ 1..) = client.read(&mut buffer) {
                let mut piece = buffer[..length].to_vec();
                spoil(place, &mut piece);
                place += length;
                if client.write_all(&piece).is_err() {
                    break;
                }
            }
        }
    });
    address
}

#[test]
fn client_answers_each_task() {
    let tasks = [
        task(Measure::RoundTrip, 64, None),
        task(Measure::RoundTrip, 100_000, None),
        task(Measure::RoundTrip, 64, Some(1000.0)),
        task(Measure::Throughput, 4096, None),
        // The message is larger than the window.
        task(Measure::Throughput, 8 << 20, None),
        task(Measure::Connections, 64, None),
    ];
    let results = measure_tasks(start_server(|_, _| ()), &tasks);
    assert_eq!(results.len(), tasks.len());
    for (task, answer) in tasks.iter().zip(&results) {
        let TaskResult::Measured(sample) = answer else { panic!("{task:?}: {answer:?}") };
        assert!(sample.value > 0.0 && sample.messages > 0 && sample.seconds > 0.0, "{task:?}: {sample:?}");
        assert_eq!(sample.histogram.is_none(), task.measure == Measure::Throughput, "{task:?}");
        assert_eq!(sample.lateness.is_some(), task.rate.is_some(), "{task:?}");
    }
}

#[rstest]
fn client_stops_at_a_wrong_byte(#[values(Measure::RoundTrip, Measure::Throughput)] measure: Measure) {
    // The first conversation begins at byte 4099 of the stream.
    let spoils = |place: usize, piece: &mut Vec<u8>| {
        if let Some(byte) = 10_000_usize.checked_sub(place).and_then(|at| piece.get_mut(at)) {
            *byte ^= 0x20;
        }
    };
    let long = Task { timed: Duration::from_secs(60), ..task(measure, 64, None) };
    match &measure_tasks(start_server(spoils), &[long, long])[..] {
        [TaskResult::WrongBytes(what)] => assert!(what.starts_with("at byte 14099: "), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::extra_byte(|_: usize, piece: &mut Vec<u8>| piece.push(b'!'), "")]
#[case::stale_message(stale(), "at byte ")]
fn client_detects_unexpected_bytes(
    #[case] spoil: impl FnMut(usize, &mut Vec<u8>) + Send + 'static,
    #[case] beginning: &str,
) {
    let long = Task { timed: Duration::from_secs(60), ..task(Measure::RoundTrip, 64, None) };
    match &measure_tasks(start_server(spoil), &[long])[..] {
        [TaskResult::WrongBytes(what)] => assert!(what.starts_with(beginning), "{what}"),
        other => panic!("{other:?}"),
    }
}

/// Echoes the previous message.
fn stale() -> impl FnMut(usize, &mut Vec<u8>) + Send {
    let mut last = vec![0; 64];
    move |_, piece| std::mem::swap(&mut last, piece)
}

#[test]
fn client_rejects_an_invalid_job() {
    for text in ["", "{}", "nonsense"] {
        assert!(run_client(text.as_bytes(), Vec::new()).is_err(), "{text}");
    }
}

/// Writes a client program that runs `script`.
fn write_client(place: &TempDir, script: &str) -> PathBuf {
    let path = place.path().join("client");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn session(client: &Path, command: &[&str]) -> Result<Vec<TaskResult>, SessionError> {
    let spec = Spec::new(Transport::named("pipe").unwrap(), Start::Bind, command.iter().copied()).unwrap();
    let placement = ResolvedPlacement {
        placement: Placement::Free,
        client: None,
        server: None,
        waiting: ClientWaitMode::Block,
    };
    let (tuning, deadlines) = (Tuning::default(), Deadlines::scaled(0.4));
    let settings = SessionSettings { client, tuning: &tuning, deadlines, seed: 7, count_calls: false };
    run_session(&spec, &placement, &[task(Measure::RoundTrip, 64, None)], &settings)
}

#[rstest]
#[case::exits("echo oh no >&2; exit 9", "exit status 9")]
#[case::prints_nonsense("echo 42 is the answer", "42 is the answer")]
fn reports_a_failing_client(#[case] script: &str, #[case] hint: &str) {
    let place = TempDir::new().unwrap();
    match session(&write_client(&place, script), &["cat"]) {
        Err(SessionError::Failed(text)) => assert!(text.contains(hint), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn silent_client_is_a_timeout() {
    let place = TempDir::new().unwrap();
    match session(&write_client(&place, "exec sleep 1000"), &["cat"]).as_deref() {
        Ok([TaskResult::Failed(how)]) => assert!(how.starts_with("timeout: no progress"), "{how}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn measures_a_real_server_with_the_real_client() {
    let echospec = Path::new(env!("CARGO_BIN_EXE_echospec"));
    assert!(matches!(session(echospec, &["cat"]).as_deref(), Ok([TaskResult::Measured(_)])));
}
