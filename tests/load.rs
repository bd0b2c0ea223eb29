//! `echospec load` from outside: figures, wrong servers, mistakes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use assert_cmd::Command;
use echospec::deadline::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::str::contains;
use rstest::rstest;
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

fn load(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.arg("load").args(arguments);
    command
}

/// Runs a load with `arguments`, which must exit with `code`. Returns its JSON.
fn run(code: i32, options: &[&str], server: &[&str]) -> Value {
    let short = ["--warm-up", "0s", "--json", "-"];
    let output = load(&[options, &short, server].concat()).assert().code(code).get_output().clone();
    json(&output)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

const ECHO_TCP: &str = env!("CARGO_BIN_EXE_echo-tcp");
const ECHO_UNIX: &str = env!("CARGO_BIN_EXE_echo-unix");

#[test]
fn counts_and_verifies_every_request() {
    let server = ["--", ECHO_TCP, "{addr}"];
    let results = run(0, &["tcp", "-c", "7", "-t", "2", "-n", "1001", "-d", "1m"], &server);
    assert_eq!(results["requests"], 1001);
    assert_eq!(results["connected"], 7);
    assert_eq!(results["bytes"], 1001 * 64);
    assert_eq!(results["unanswered"], 0);
    assert_eq!(results["wrong_replies"], 0);
    let latency = |name: &str| results["latency_ns"][name].as_f64().unwrap();
    assert!(latency("min") <= latency("p50"));
    assert!(latency("p50") <= latency("p99") && latency("p99") <= latency("max"));
    assert!(results["client"]["cpu_us_per_request"].as_f64().unwrap() > 0.0);
}

#[rstest]
#[case::long_requests(&["unix", "-c", "3", "-n", "50", "--size", "300K"], ECHO_UNIX)]
#[case::one_byte(&["tcp", "-c", "2", "-n", "50", "--size", "1"], ECHO_TCP)]
#[case::new_connections(&["tcp", "-c", "3", "-n", "50", "--churn"], ECHO_TCP)]
#[case::open_loop(&["tcp", "-c", "3", "-n", "50", "--rate", "1000"], ECHO_TCP)]
#[case::open_loop_of_new_connections(&["unix", "-c", "3", "-n", "50", "--rate", "1000", "--churn"], ECHO_UNIX)]
#[case::slow_ramp(&["tcp", "-c", "5", "-n", "50", "--ramp", "50ms"], ECHO_TCP)]
fn reaches_the_number_of_requests(#[case] options: &[&str], #[case] server: &str) {
    let options = [options, &["-d", "1m"]].concat();
    assert_eq!(run(0, &options, &["--", server, "{addr}"])["requests"], 50);
}

/// Serves each client on a loopback port with `answer`, which changes what is sent back.
fn serve(answer: impl Fn(&mut Vec<u8>) + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve_one = move |mut client: TcpStream| {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = client.read(&mut buffer) {
            let mut reply = buffer[..length].to_vec();
            answer(&mut reply);
            if reply.is_empty() || client.write_all(&reply).is_err() {
                return;
            }
        }
    };
    thread::spawn(move || {
        listener.incoming().flatten().for_each(|client| drop(thread::spawn(move || serve_one(client))));
    });
    address
}

/// Swaps the byte at offset 20 with the next one that differs: random neighbours can be equal.
fn swap_bytes(reply: &mut [u8]) {
    let other = (21..reply.len()).find(|&offset| reply[offset] != reply[20]).unwrap();
    reply.swap(20, other);
}

#[rstest]
#[case::wrong_byte(|reply: &mut Vec<u8>| reply[40] ^= 1, "wrong_reply", "at byte 40 of the reply")]
#[case::swapped_bytes(|reply: &mut Vec<u8>| swap_bytes(reply), "wrong_reply", "at byte 20 of the reply")]
#[case::extra_bytes(|reply: &mut Vec<u8>| reply.extend(b"more"), "wrong_reply", "no request asked for: `more`")]
#[case::closed(|reply: &mut Vec<u8>| reply.clear(), "end_of_file", "instead of replying")]
fn finds_a_wrong_server(#[case] answer: fn(&mut Vec<u8>), #[case] kind: &str, #[case] text: &str) {
    let address = serve(answer);
    let results = run(1, &["tcp", "--connect", &address, "-c", "2", "-d", "1m"], &[]);
    let errors = &results["errors"][kind];
    // Each connection is given up after its third failure.
    assert_eq!(errors["count"], 6, "{results:#}");
    assert!(errors["first"].as_str().unwrap().contains(text), "{errors}");
    assert_eq!(results["requests"], 0);
}

#[rstest]
#[case::no_server(&["tcp"], "--connect <ADDRESS>")]
#[case::messages(&["udp", "--", ECHO_TCP, "{addr}"], "over tcp, tcp6, unix, unix-abstract, not udp")]
#[case::no_connections(&["tcp", "-c", "0", "--", ECHO_TCP, "{addr}"], "200000")]
#[case::more_threads_than_connections(&["tcp", "-c", "1", "-t", "2", "--", ECHO_TCP, "{addr}"], "a thread needs a connection")]
#[case::strange_time(&["tcp", "-d", "ten", "--", ECHO_TCP, "{addr}"], "such as 500ms, 10s or 2m")]
#[case::strange_rate(&["tcp", "--rate", "0", "--", ECHO_TCP, "{addr}"], "requests a second")]
#[case::size_without_payload(&["tcp", "--protocol", "http", "--size", "5", "--", ECHO_TCP, "{addr}"], "leave out --size")]
#[case::foreign_host(&["tcp", "--connect", "192.0.2.1:80"], "--i-own 192.0.2.1")]
fn explains_mistakes_in_the_arguments(#[case] arguments: &[&str], #[case] hint: &str) {
    load(arguments).assert().code(2).stdout("").stderr(contains(hint));
}

#[test]
fn names_the_address_that_refuses() {
    // No other program can listen at the address while this socket is bound to it.
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    bound.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = bound.local_addr().unwrap().as_socket().unwrap().to_string();
    load(&["tcp", "--connect", &address]).assert().code(3).stdout("").stderr(contains(&address));
}

/// Delays a server: the fault that a test plants.
fn pause(time: Duration) {
    let _ = until(time, || Ok(None::<()>));
}

/// Starts an echo server for one client, which stops for 100 ms before every 200th reply.
fn serve_with_pauses() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve_one = |mut client: TcpStream| {
        let mut request = [0; 64];
        for number in 1.. {
            if client.read_exact(&mut request).is_err() {
                return;
            }
            if number % 200 == 0 {
                pause(Duration::from_millis(100));
            }
            if client.write_all(&request).is_err() {
                return;
            }
        }
    };
    thread::spawn(move || listener.incoming().flatten().for_each(serve_one));
    address
}

/// A closed loop sends nothing while the server pauses, so 5 of 1,000 requests see a pause. At 1,000 requests a second,
/// 50 requests are due in the first half of each pause, and wait for 50 ms or more, however fast the machine is.
#[test]
fn open_loop_shows_the_pauses_that_a_closed_loop_hides() {
    let address = serve_with_pauses();
    let run_with = |more: &[&str]| {
        let options = ["tcp", "--connect", &address, "-c", "1", "-n", "1000", "-d", "1m"];
        run(0, &[&options[..], more].concat(), &[])
    };
    let (closed, open) = (run_with(&[]), run_with(&["--rate", "1000"]));
    let latency = |results: &Value, name: &str| results["latency_ns"][name].as_u64().unwrap();
    assert!(latency(&closed, "max") >= 99_000_000 && latency(&open, "max") >= 99_000_000);
    assert!(latency(&open, "p90") >= 50_000_000, "{open:#}");
    assert!(latency(&closed, "p90") < latency(&open, "p90"), "{closed:#} {open:#}");
}

#[test]
fn compares_replies_that_do_not_repeat_the_request() {
    let address = serve(|reply: &mut Vec<u8>| {
        *reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec();
    });
    let options = ["tcp", "--connect", &address, "--protocol", "http", "-c", "2", "-n", "100", "-d", "1m"];
    let results = run(0, &options, &[]);
    assert_eq!(results["bytes"], 100 * 43);
    assert_eq!(results["size"], 0);
}

/// Answers an HTTP request with its X-Request-Id, or with another one if `is_wrong`.
fn answer_with_id(message: &mut Vec<u8>, is_wrong: bool) {
    let request = String::from_utf8_lossy(message).into_owned();
    let id = request.lines().find_map(|line| line.strip_prefix("X-Request-Id: ")).unwrap();
    // No token has capital letters.
    let id = if is_wrong { "A".repeat(id.len()) } else { id.to_owned() };
    *message = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{id}\n", id.len() + 1).into_bytes();
}

const REPEATS_ID: [&str; 4] = ["--protocol", "http", "--set", "reply={token}\n"];

#[test]
fn compares_replies_that_repeat_the_token_alone() {
    let address = serve(|message: &mut Vec<u8>| answer_with_id(message, false));
    let options = ["tcp", "--connect", &address, "-c", "3", "-n", "100", "-d", "1m"];
    assert_eq!(run(0, &[&options[..], &REPEATS_ID].concat(), &[])["requests"], 100);
}

#[test]
fn finds_the_token_of_another_request() {
    static ANSWERED: AtomicUsize = AtomicUsize::new(0);
    let address = serve(|message: &mut Vec<u8>| {
        answer_with_id(message, ANSWERED.fetch_add(1, Ordering::Relaxed) == 20);
    });
    let options = ["tcp", "--connect", &address, "-c", "3", "-n", "100", "-d", "1m"];
    let results = run(1, &[&options[..], &REPEATS_ID].concat(), &[]);
    let errors = &results["errors"]["wrong_reply"];
    assert_eq!(errors["count"], 1, "{results:#}");
    assert!(errors["first"].as_str().unwrap().contains("expected the token"), "{errors}");
}

#[test]
fn takes_the_end_of_the_stream_for_the_end_of_a_reply() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello");
        }
    });
    let options = ["tcp", "--connect", &address, "--protocol", "http", "-c", "2", "-n", "50", "-d", "1m"];
    assert_eq!(run(0, &options, &[])["requests"], 50);
}

#[test]
fn finds_a_wrong_status() {
    let address =
        serve(|reply: &mut Vec<u8>| *reply = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_vec());
    let options = ["tcp", "--connect", &address, "--protocol", "http", "-c", "1", "-d", "1m"];
    let results = run(1, &options, &[]);
    assert_eq!(results["wrong_replies"], 3, "{results:#}");
}

#[test]
fn interrupted_run_reports_the_results_so_far() {
    let mut run = process::Command::new(env!("CARGO_BIN_EXE_echospec"))
        .args(["load", "tcp", "-c", "2", "-d", "1m", "--interim", "100ms", "--json", "-"])
        .args(["--", ECHO_TCP, "{addr}"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let is_measuring = |line: &str| line.contains("requests/s");
    while !is_measuring(&lines.next().expect("an interim result").unwrap()) {}
    kill(Pid::from_raw(i32::try_from(run.id()).unwrap()), Signal::SIGINT).unwrap();
    let rest = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let mut text = String::new();
    run.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let results: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(results["interrupted"], true);
    assert_eq!(results["errors"]["other"]["count"], 0);
    assert!(rest.join().unwrap().iter().any(|line| line.contains("the results so far")));
}

#[test]
fn draws_the_latency_over_time() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("latency.svg");
    load(&["tcp", "-c", "2", "-d", "300ms", "--plot", file.to_str().unwrap(), "--", ECHO_TCP, "{addr}"])
        .assert()
        .code(0);
    let text = fs::read_to_string(&file).unwrap();
    let picture = roxmltree::Document::parse(&text).unwrap();
    let lines = picture.descendants().filter(|node| node.has_tag_name("polyline"));
    assert_eq!(lines.count(), 3);
}

#[test]
fn finds_the_knee() {
    // Each request waits for the one before it: at most one reply in 2 ms, whatever the machine.
    let address = serve(|_| pause(Duration::from_millis(2)));
    let output = load(&["tcp", "--connect", &address, "-c", "1", "-d", "300ms", "--warm-up", "0s"])
        .args(["--find-knee", "--rate", "100", "--p99-limit", "60m", "--json", "-"])
        .output()
        .unwrap();
    let results = json(&output);
    let steps = results["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .all(|step| step["broken"].is_string() == (step["rate"].as_f64() > results["knee"].as_f64()))
    );
    assert!(results["knee"].as_f64().is_none_or(|knee| knee <= 500.0 / 0.98), "{results:#}");
}
