//! The client of a measurement and whoever launches it: what one asks and the other answers.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use echospec::bench::client::serve;
use echospec::bench::comparison::{Measure, Placement};
use echospec::bench::placement::Site;
use echospec::bench::session::job::{Answer, Job, Task};
use echospec::bench::session::{Ending, Manner, hold};
use echospec::deadline::Deadlines;
use echospec::server::{Spec, Start};
use echospec::transport::{Address, Transport, Tuning, WaitMode};
use rstest::rstest;
use tempfile::TempDir;

const BRIEF: Duration = Duration::from_millis(5);

fn task(measure: Measure, size: usize, rate: Option<f64>) -> Task {
    Task { measure, size, rate, warm_up: Duration::from_millis(1), timed: BRIEF }
}

/// What a client that is not a process of its own answers to `tasks`, with its server at `address`.
fn answers(address: SocketAddr, tasks: &[Task]) -> Vec<Answer> {
    let scratch = TempDir::new().unwrap();
    let job = Job {
        transport: "tcp".into(),
        address: Address::Inet(address),
        lent: false,
        server: i32::try_from(std::process::id()).unwrap(),
        scratch: scratch.path().to_owned(),
        processor: None,
        waiting: WaitMode::Block,
        tuning: Tuning::default(),
        shared: false,
        seed: 7,
        count: false,
        tasks: tasks.to_vec(),
    };
    let mut output = Vec::new();
    serve(&serde_json::to_vec(&job).unwrap()[..], &mut output).unwrap();
    let lines = output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// A server of one client after the other, which has `spoil` look at every piece, and ends with the test.
fn server(mut spoil: impl FnMut(usize, &mut Vec<u8>) + Send + 'static) -> SocketAddr {
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
fn every_task_is_answered_in_a_line_of_its_own() {
    let tasks = [
        task(Measure::RoundTrip, 64, None),
        task(Measure::RoundTrip, 100_000, None),
        task(Measure::RoundTrip, 64, Some(1000.0)),
        task(Measure::Throughput, 4096, None),
        // A message is longer than what is under way.
        task(Measure::Throughput, 8 << 20, None),
        task(Measure::Connections, 64, None),
    ];
    let answers = answers(server(|_, _| ()), &tasks);
    assert_eq!(answers.len(), tasks.len());
    for (task, answer) in tasks.iter().zip(&answers) {
        let Answer::Measured(sample) = answer else { panic!("{task:?}: {answer:?}") };
        assert!(sample.figure > 0.0 && sample.messages > 0 && sample.seconds > 0.0, "{task:?}: {sample:?}");
        assert_eq!(sample.histogram.is_none(), task.measure == Measure::Throughput, "{task:?}");
        assert_eq!(sample.lateness.is_some(), task.rate.is_some(), "{task:?}");
    }
}

#[rstest]
fn a_wrong_byte_ends_the_client_with_the_place_of_the_byte(
    #[values(Measure::RoundTrip, Measure::Throughput)] measure: Measure,
) {
    // The first conversation begins at byte 4099 of the stream.
    let spoils = |place: usize, piece: &mut Vec<u8>| {
        if let Some(byte) = 10_000_usize.checked_sub(place).and_then(|at| piece.get_mut(at)) {
            *byte ^= 0x20;
        }
    };
    let long = Task { timed: Duration::from_secs(60), ..task(measure, 64, None) };
    match &answers(server(spoils), &[long, long])[..] {
        [Answer::Wrong(what)] => assert!(what.starts_with("at byte 14099: "), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::one_too_many(|_: usize, piece: &mut Vec<u8>| piece.push(b'!'), "")]
#[case::an_older_message(stale(), "at byte ")]
fn what_is_not_due_is_wrong(
    #[case] spoil: impl FnMut(usize, &mut Vec<u8>) + Send + 'static,
    #[case] beginning: &str,
) {
    let long = Task { timed: Duration::from_secs(60), ..task(Measure::RoundTrip, 64, None) };
    match &answers(server(spoil), &[long])[..] {
        [Answer::Wrong(what)] => assert!(what.starts_with(beginning), "{what}"),
        other => panic!("{other:?}"),
    }
}

/// Answers with the message before.
fn stale() -> impl FnMut(usize, &mut Vec<u8>) + Send {
    let mut last = vec![0; 64];
    move |_, piece| std::mem::swap(&mut last, piece)
}

#[test]
fn a_job_that_is_none_is_refused() {
    for text in ["", "{}", "nonsense"] {
        assert!(serve(text.as_bytes(), Vec::new()).is_err(), "{text}");
    }
}

/// A client program that does as `script` says.
fn client(place: &TempDir, script: &str) -> PathBuf {
    let path = place.path().join("client");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn session(client: &Path, command: &[&str]) -> Result<Vec<Answer>, Ending> {
    let spec = Spec::new(Transport::named("pipe").unwrap(), Start::Bind, command.iter().copied()).unwrap();
    let site = Site { placement: Placement::Free, client: None, server: None, waiting: WaitMode::Block };
    let (tuning, deadlines) = (Tuning::default(), Deadlines::scaled(0.4));
    let manner = Manner { client, tuning: &tuning, deadlines, seed: 7, count: false };
    hold(&spec, &site, &[task(Measure::RoundTrip, 64, None)], &manner)
}

#[rstest]
#[case::dies("echo oh no >&2; exit 9", "exit status 9")]
#[case::talks_nonsense("echo 42 is the answer", "42 is the answer")]
fn a_client_that_does_not_do_its_work_is_told_of(#[case] script: &str, #[case] hint: &str) {
    let place = TempDir::new().unwrap();
    match session(&client(&place, script), &["cat"]) {
        Err(Ending::Failed(text)) => assert!(text.contains(hint), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_that_never_answers_is_ended_and_called_a_timeout() {
    let place = TempDir::new().unwrap();
    match session(&client(&place, "exec sleep 1000"), &["cat"]).as_deref() {
        Ok([Answer::Broken(how)]) => assert!(how.starts_with("timeout: nothing moved"), "{how}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_processes_are_fresh_and_real() {
    let echospec = Path::new(env!("CARGO_BIN_EXE_echospec"));
    assert!(matches!(session(echospec, &["cat"]).as_deref(), Ok([Answer::Measured(_)])));
}
