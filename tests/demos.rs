//! Every demo, run by the program itself.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use echospec::demo::DEMOS;
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use testing as _;

const ECHOSPEC: &str = env!("CARGO_BIN_EXE_echospec");

/// A demo takes about one second. This limit only ends a hang.
const DEADLINE: Duration = Duration::from_secs(30);

fn demo(name: &str) -> Command {
    demo_of(Path::new(ECHOSPEC), name)
}

fn demo_of(program: &Path, name: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["demo", name]).timeout(DEADLINE);
    command
}

#[test]
fn pipe_shows_a_full_pipe_and_its_end_of_file() {
    demo("pipe")
        .assert()
        .success()
        .stdout(contains("A's descriptor 1 and B's descriptor 0 are the two ends of one pipe"))
        .stdout(contains("bytes arrived in order; none was lost"))
        .stdout(contains("A has exited by itself, with exit status 0"))
        .stdout(contains("A was killed by its own write"))
        .stdout(contains("the client does not get end of file from B"));
}

#[test]
fn fork_shows_the_pipe_ends_and_the_reaped_child() {
    demo("fork")
        .assert()
        .success()
        .stdout(contains("each of the two pipes between them has one write end and one read end"))
        .stdout(contains("\"hello, child\" came back through the child"))
        .stdout(contains("the child has exited, and the kernel still lists it as a child of the"))
        .stdout(contains("the child is no longer in the process table"));
}

/// Returns a predicate for output that contains `text`, wherever lines are wrapped.
fn says(text: &str) -> impl Predicate<str> {
    let wanted = text.to_owned();
    predicate::function(move |output: &str| {
        output.split_whitespace().collect::<Vec<_>>().join(" ").contains(&wanted)
    })
}

#[test]
fn socket_shows_every_call_and_two_descriptors_with_one_port() {
    demo("socket")
        .assert()
        .success()
        .stdout(says("the server now has two descriptors for two sockets"))
        .stdout(says("both have the same local address and port"))
        .stdout(says("\"hello, socket\" came back, byte for byte"))
        .stdout(says("the server serves the next client on the same port"))
        .stdout(calls_or_reason());
}

/// Returns a predicate for output that shows every call, or the reason why none can be shown. The demo itself verifies
/// their order.
fn calls_or_reason() -> impl Predicate<str> {
    let calls = [
        r"server +socket\(.* = 3",
        r"server +bind\(3, ",
        r"server +listen\(3, ",
        r"client +connect\(3, ",
        r"server +accept4?\(3, ",
        r#"client +(sendto|write)\(3, "hello, socket"#,
        r#"server +(sendto|write)\(4, "hello, socket"#,
        r"client +shutdown\(3, SHUT_WR\) = 0",
        r#"server +(recvfrom|read)\(4, "".* = 0"#,
        r"server +close\(4\)",
        r"client +close\(3\)",
    ];
    let seen = calls.map(|call| predicate::str::is_match(call).unwrap());
    predicate::function(move |output: &str| {
        seen.iter().all(|call| call.eval(output)) || output.contains("cannot be shown here")
    })
}

#[test]
fn socket_says_that_strace_is_missing() {
    demo("socket")
        .env("PATH", "/nonexistent")
        .assert()
        .success()
        .stdout(says("cannot be shown here: strace is not installed."))
        .stdout(says("the server now has two descriptors for two sockets"));
}

#[test]
fn socket_says_that_strace_is_not_permitted() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Fails like the real one where ptrace(2) is forbidden.
    std::os::unix::fs::symlink("/bin/false", folder.path().join("strace")).unwrap();
    demo("socket")
        .env("PATH", folder.path())
        .assert()
        .success()
        .stdout(says("this system does not permit strace"))
        .stdout(says("the server has only its listening socket left"));
}

#[test]
fn greeting_shows_a_greeting_and_a_deadlock() {
    demo("greeting")
        .assert()
        .success()
        .stdout(says("the client reads \"hello from the server\", and has not sent a byte"))
        .stdout(says("then it reads end of file"))
        .stdout(says("no byte arrives"));
}

#[test]
fn many_clients_shows_distinct_four_tuples() {
    let assert = demo("many-clients")
        .assert()
        .success()
        .stdout(says("the server has four sockets, all with the same local address and port"))
        .stdout(on_linux("client 1 and client 2 both come from port"))
        .stdout(on_linux("exactly one thread waits for each of the server's sockets"))
        .stdout(says("the two children serve different connections"));
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    if std::env::consts::OS == "linux" {
        let held: Vec<_> =
            text.lines().filter(|line| line.contains("ESTABLISHED") && line.contains("server, ")).collect();
        let remotes: HashSet<_> = held.iter().map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!((held.len(), remotes.len()), (3, 3), "{text}");
        let addresses = remotes.iter().flatten().filter(|remote| remote.starts_with("127.0.0.2:"));
        assert_eq!(addresses.count(), 1, "{text}");
    }
}

#[test]
fn half_close_shows_data_after_the_fin() {
    demo("half-close")
        .assert()
        .success()
        .stdout(says("came back after the client's FIN, in order"))
        .stdout(says("and then the client reads end of file"))
        .stdout(on_linux("FIN_WAIT2"))
        .stdout(on_linux("CLOSE_WAIT"));
}

#[test]
fn reset_loses_data_only_if_some_was_unread() {
    demo("reset")
        .assert()
        .success()
        .stdout(says("bytes arrived, and then end of file"))
        .stdout(on_linux("the server's end still exists without a process"))
        .stdout(on_linux("the client's read(2) has failed with ECONNRESET"))
        .stdout(on_linux("not even TIME_WAIT"));
}

#[test]
fn time_wait_needs_so_reuseaddr_to_bind_again() {
    demo("time-wait")
        .assert()
        .success()
        .stdout(says("bind(2) fails with EADDRINUSE"))
        .stdout(says("again, at once"))
        .stdout(on_linux("the client's end is in TIME_WAIT"))
        .stdout(on_linux("with the server's own port"));
}

#[test]
fn udp_truncates_a_datagram_and_leaks_old_bytes() {
    demo("udp")
        .assert()
        .success()
        .stdout(says("the server has one socket for both clients"))
        .stdout(says("the client sent \"hello world\", and gets back \"hello\""))
        .stdout(says("buffer [h][i][l][l][o]"))
        .stdout(says("the second client sent \"hi\", and gets back \"hillo\""));
}

#[test]
fn unix_shows_credentials_and_a_passed_descriptor() {
    demo("unix")
        .assert()
        .success()
        .stdout(says("its mode is 0600"))
        .stdout(on_linux("the process is the server"))
        .stdout(says("the user is the user who has started this demo"))
        .stdout(says("now only the worker holds the connection, under a number of its own"))
        .stdout(says("the client gets back \"hello, worker\""));
}

#[test]
fn activation_restarts_a_server_while_a_client_waits() {
    demo("activation")
        .assert()
        .success()
        .stdout(says("and the server's descriptor 3 are the same socket, and it"))
        .stdout(on_linux("ESTABLISHED no process"))
        .stdout(says("the client that connected without a server gets its answer"))
        .stdout(says("the next client's connect(2) fails with ECONNREFUSED"));
}

/// Returns a predicate for output that contains `text` on Linux. Other systems do not show it.
fn on_linux(text: &'static str) -> impl Predicate<str> {
    let elsewhere = std::env::consts::OS != "linux";
    says(text).or(predicate::function(move |_: &str| elsewhere))
}

#[test]
fn every_demo_has_a_just_recipe() {
    let recipes = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("justfile")).unwrap();
    for demo in DEMOS {
        let recipe = format!("demo-{0} *ARGS:\n    cargo run --quiet -- demo {0} ", demo.name);
        assert!(recipes.contains(&recipe), "the justfile lacks a recipe for {}", demo.name);
    }
}

#[rstest]
fn every_demo_succeeds_in_80_columns(#[values(false, true)] ascii: bool) {
    for known in DEMOS {
        let mut command = demo(known.name);
        let output = if ascii { command.arg("--ascii") } else { &mut command }.assert().success();
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        let wide = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{}", known.name);
        assert!(!text.contains('\x1b'), "the output is no terminal, so it has no colours");
        assert!(text.is_ascii() || !ascii, "{}", known.name);
        assert!(text.ends_with("verified on this machine, just now.\n"), "{text}");
    }
}

#[test]
fn a_false_claim_fails_the_demo_and_is_named() {
    // Links, not copies: a program that is being written cannot be executed (ETXTBSY).
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("echospec");
    fs::hard_link(ECHOSPEC, &program).unwrap();
    // echo-fork echoes too, but through a child, and so it holds two more pipes.
    fs::hard_link(env!("CARGO_BIN_EXE_echo-fork"), folder.path().join("echo-pipe")).unwrap();

    demo_of(&program, "pipe")
        .env("ECHOSPEC_TIMEOUT_SCALE", "0.4")
        .assert()
        .code(1)
        .stderr(contains("the demo 'pipe' makes a claim that does not hold on this system"))
        .stderr(contains("expected  A and B hold only their three standard descriptors"))
        .stderr(contains("actual").and(contains("4=pipe").or(contains("3=pipe"))));
}

#[test]
fn an_unknown_name_is_a_usage_error_that_lists_all_demos() {
    let known = DEMOS.iter().map(|demo| demo.name).collect::<Vec<_>>().join(", ");
    demo("piep").assert().code(2).stderr(contains(known));
}
