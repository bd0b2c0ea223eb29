//! Every demo, told unattended by the program itself.

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
        .stdout(contains("bytes came back in order: none was lost"))
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

#[test]
fn the_tcp_demo_tells_listener_and_connections_apart() {
    demo("tcp")
        .assert()
        .success()
        .stdout(contains("the server has three sockets with one local address and port"))
        .stdout(contains("two of them are connected, with different four-tuples"))
        .stdout(contains("the last words come back after the client's FIN"))
        .stdout(contains("the two children serve different connections"));
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
    fs::hard_link(env!("CARGO_BIN_EXE_echo-tcp"), folder.path().join("echo-pipe")).unwrap();

    demo_of(&program, "pipe")
        .env("ECHOSPEC_TIMEOUT_SCALE", "0.2")
        .assert()
        .code(1)
        .stderr(contains("the demo 'pipe' claims what is not so here"))
        .stderr(contains("expected  A's descriptor 1 and B's descriptor 0 are the two ends of one pipe"))
        .stderr(contains("actual").and(contains("zombie")));
}

#[test]
fn an_unknown_demo_is_a_mistake_and_the_known_ones_are_named() {
    let known = DEMOS.iter().map(|demo| demo.name).collect::<Vec<_>>().join(", ");
    demo("piep").assert().code(2).stderr(contains(known));
}
