//! Every demo, told unattended by the program itself.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use echospec::demo::DEMOS;
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;

const ECHOSPEC: &str = env!("CARGO_BIN_EXE_echospec");

/// A demo takes about one second; this only bounds a hang.
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
fn the_pipe_demo_shows_one_pipe_full_ended_and_never_ending() {
    demo("pipe")
        .assert()
        .success()
        .stdout(contains("A's descriptor 1 and B's descriptor 0 are the two ends of one pipe"))
        .stdout(contains("bytes came out in order: none was lost"))
        .stdout(contains("A ended by itself, with exit status 0"))
        .stdout(contains("it was the write that ended it"))
        .stdout(contains("no end of file comes out of B"));
}

#[test]
fn the_fork_demo_shows_who_holds_which_end_and_who_is_reaped() {
    demo("fork")
        .assert()
        .success()
        .stdout(contains("each of the two pipes in between has one write end and one read end"))
        .stdout(contains("\"hello, child\" came back by way of the child"))
        .stdout(contains("the child has ended, and the kernel still lists it as the parent's"))
        .stdout(contains("the child's number is in the process table no more"));
}

/// Lines may be broken between any words.
fn says(text: &str) -> impl Predicate<str> {
    let wanted = text.to_owned();
    predicate::function(move |story: &str| {
        story.split_whitespace().collect::<Vec<_>>().join(" ").contains(&wanted)
    })
}

#[test]
fn the_socket_demo_shows_each_call_and_two_descriptors_with_one_port() {
    demo("socket")
        .assert()
        .success()
        .stdout(says("the server now has two descriptors for two sockets"))
        .stdout(says("both have the same local address and port"))
        .stdout(says("\"hello, socket\" came back, byte for byte"))
        .stdout(says("the next client is served at the same port"))
        .stdout(calls_or_why_none());
}

/// The order is the demo's own claim; which side is first to return from a call that both wait in is chance.
fn calls_or_why_none() -> impl Predicate<str> {
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
    predicate::function(move |story: &str| {
        seen.iter().all(|call| call.eval(story)) || story.contains("cannot be shown here")
    })
}

#[test]
fn the_socket_demo_says_so_where_there_is_no_strace() {
    demo("socket")
        .env("PATH", "/nonexistent")
        .assert()
        .success()
        .stdout(says("cannot be shown here: strace is not installed."))
        .stdout(says("the server now has two descriptors for two sockets"));
}

#[test]
fn the_socket_demo_says_so_where_strace_may_not_trace() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Refuses as the real one does where ptrace(2) is forbidden.
    std::os::unix::fs::symlink("/bin/false", folder.path().join("strace")).unwrap();
    demo("socket")
        .env("PATH", folder.path())
        .assert()
        .success()
        .stdout(says("this system does not permit strace"))
        .stdout(says("the server has its listening socket left, and no other"));
}

#[test]
fn the_greeting_demo_shows_a_server_that_begins_and_two_that_wait() {
    demo("greeting")
        .assert()
        .success()
        .stdout(says("the client reads \"hello from the server\", and has not sent a byte"))
        .stdout(says("then it reads end of file"))
        .stdout(says("nothing comes, and nothing would"));
}

#[test]
fn the_many_clients_demo_shows_distinct_four_tuples_and_who_serves_which() {
    let assert = demo("many-clients")
        .assert()
        .success()
        .stdout(says("the server has four sockets, all with the same local address and port"))
        .stdout(on_linux("client 1 and client 2 both come from port"))
        .stdout(on_linux("each of the server's sockets has exactly one thread that waits for it"))
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
fn the_half_close_demo_shows_data_behind_the_fin() {
    demo("half-close")
        .assert()
        .success()
        .stdout(says("came back after the client's FIN, in order"))
        .stdout(says("and then the client reads end of file"))
        .stdout(on_linux("FIN_WAIT2"))
        .stdout(on_linux("CLOSE_WAIT"));
}

#[test]
fn the_reset_demo_loses_data_only_where_something_was_unread() {
    demo("reset")
        .assert()
        .success()
        .stdout(says("bytes arrived, and then end of file"))
        .stdout(on_linux("the server's end lives on without any process"))
        .stdout(on_linux("the client's read(2) has failed with ECONNRESET"))
        .stdout(on_linux("not even TIME_WAIT"));
}

#[test]
fn the_time_wait_demo_is_refused_the_port_without_the_option_alone() {
    demo("time-wait")
        .assert()
        .success()
        .stdout(says("bind(2) fails with EADDRINUSE"))
        .stdout(says("again, at once"))
        .stdout(on_linux("the client's end is in TIME_WAIT"))
        .stdout(on_linux("with the server's own port"));
}

#[test]
fn the_udp_demo_cuts_a_datagram_and_leaks_a_tail() {
    demo("udp")
        .assert()
        .success()
        .stdout(says("the server has one socket for both clients"))
        .stdout(says("the client sent \"hello world\", and gets back \"hello\""))
        .stdout(says("buffer [h][i][l][l][o]"))
        .stdout(says("the second client sent \"hi\", and gets back \"hillo\""));
}

#[test]
fn the_unix_demo_knows_its_peer_and_uses_a_descriptor_in_another_process() {
    demo("unix")
        .assert()
        .success()
        .stdout(says("its mode is 0600"))
        .stdout(on_linux("the process is the server"))
        .stdout(says("the user is the one who has started this demo"))
        .stdout(says("the worker alone holds the connection now, under a number of its own"))
        .stdout(says("\"hello, worker\" comes back to the client"));
}

#[test]
fn the_activation_demo_restarts_a_server_under_a_waiting_client() {
    demo("activation")
        .assert()
        .success()
        .stdout(says("and the server's descriptor 3 are one socket, and it"))
        .stdout(on_linux("ESTABLISHED no process"))
        .stdout(says("the client that came while there was no server gets its answer"))
        .stdout(says("the next client's connect(2) is refused"));
}

/// Of what only Linux shows, other systems are not asked.
fn on_linux(text: &'static str) -> impl Predicate<str> {
    let elsewhere = std::env::consts::OS != "linux";
    says(text).or(predicate::function(move |_: &str| elsewhere))
}

#[test]
fn every_demo_has_a_recipe() {
    let recipes = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("justfile")).unwrap();
    for demo in DEMOS {
        let recipe = format!("demo-{0} *ARGS:\n    cargo run --quiet -- demo {0} ", demo.name);
        assert!(recipes.contains(&recipe), "the justfile lacks a recipe for {}", demo.name);
    }
}

#[rstest]
fn every_demo_tells_its_story_to_the_end_in_80_columns(#[values(false, true)] ascii: bool) {
    for known in DEMOS {
        let mut command = demo(known.name);
        let output = if ascii { command.arg("--ascii") } else { &mut command }.assert().success();
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        let wide = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{}", known.name);
        assert!(!text.contains('\x1b'), "no colours, for this is no terminal");
        assert!(text.is_ascii() || !ascii, "{}", known.name);
        assert!(text.ends_with("verified on this machine, just now.\n"), "{text}");
    }
}

#[test]
fn a_story_that_is_not_so_fails_and_names_what_was_expected() {
    // Links and no copies: a program that is just being written cannot be executed (ETXTBSY).
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("echospec");
    fs::hard_link(ECHOSPEC, &program).unwrap();
    // It echoes from 0 to 1 as well, but by way of a child, and so holds two pipes more.
    fs::hard_link(env!("CARGO_BIN_EXE_echo-fork"), folder.path().join("echo-pipe")).unwrap();

    demo_of(&program, "pipe")
        .env("ECHOSPEC_TIMEOUT_SCALE", "0.4")
        .assert()
        .code(1)
        .stderr(contains("the demo 'pipe' claims what is not so here"))
        .stderr(contains("expected  each holds just its three standard descriptors"))
        .stderr(contains("actual").and(contains("4=pipe").or(contains("3=pipe"))));
}

#[test]
fn an_unknown_demo_is_a_mistake_and_the_known_ones_are_named() {
    let known = DEMOS.iter().map(|demo| demo.name).collect::<Vec<_>>().join(", ");
    demo("piep").assert().code(2).stderr(contains(known));
}
