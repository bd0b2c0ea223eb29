//! `echospec repro` from outside, and the scenes that it writes.

use std::fs;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

fn echospec(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echospec"));
    command.args(arguments);
    command
}

#[test]
fn repro_shows_every_step_and_keeps_the_directory() {
    let place = tempfile::tempdir().unwrap();
    let server = env!("CARGO_BIN_EXE_echo-unix");
    let mut repro = echospec(&["repro", "echo/one-byte", "unix", "--", server, "{path}"]);
    let steps = [
        "the server is launched as process",
        "is ready at",
        "client 1 connects",
        "client 1 sends 1 byte: \"x\"",
        "client 1 receives 1 byte: \"x\"",
        "client 1 closes",
        "gets SIGTERM",
        "has ended: exit status 0",
        "pass  echo/one-byte",
    ];
    let output = repro.env("TMPDIR", place.path()).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    let places: Vec<_> = steps.iter().map(|step| text.find(step)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{text}");
    // In /tmp, if TMPDIR is too long for a socket's path.
    let kept = text.lines().find_map(|line| line.strip_prefix("kept: ")).expect(&text);
    fs::remove_dir_all(kept).expect("the directory is kept");
    echospec(&["repro", "no/such", "pipe", "--", "cat"]).assert().code(2);
    echospec(&["repro", "port/many-clients", "pipe", "--", "cat"]).assert().code(4);
}

#[test]
fn repro_writes_a_scene_that_runs_on_the_same_server() {
    let place = tempfile::tempdir().unwrap();
    let scene = place.path().join("half-close.scene");
    let [file, server] = [scene.to_str().unwrap(), env!("CARGO_BIN_EXE_echo-tcp")];
    let repro = |words: &[&str], code: i32| {
        let run = echospec(words).env("TMPDIR", place.path()).assert().code(code).get_output().clone();
        let text = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
        let kept = text.lines().find_map(|line| line.strip_prefix("kept: ")).expect(&text);
        fs::remove_dir_all(kept).expect("the directory is kept");
        text
    };
    let printed = repro(&["repro", "echo/half-close", "tcp", "--scene", file, "--", server, "{addr}"], 0);
    assert!(printed.contains("scene: "), "{printed}");
    let text = fs::read_to_string(&scene).unwrap();
    assert!(text.contains("    a ends its direction\n    a receives reply\n    a receives end\n"), "{text}");
    echospec(&["scene", "check", file]).assert().success();
    echospec(&["run", file, "--", server, "{addr}"]).assert().success();
    let server = env!("CARGO_BIN_EXE_echo-udp");
    let printed =
        repro(&["repro", "echo/message-boundaries", "udp", "--scene", file, "--", server, "{addr}"], 3);
    let wanted = "cannot be written as a scene: its clients send messages, and not a stream";
    assert!(printed.contains(wanted), "{printed}");
}

#[test]
fn repro_writes_a_scene_of_a_protocol() {
    let place = tempfile::tempdir().unwrap();
    let scene = place.path().join("one-byte.scene");
    let [file, server] = [scene.to_str().unwrap(), env!("CARGO_BIN_EXE_echo-tcp")];
    let words = [
        "repro",
        "life/survives-stop-and-continue",
        "tcp",
        "--protocol",
        "line",
        "--scene",
        file,
        "--",
        server,
        "{addr}",
    ];
    let output = echospec(&words).env("TMPDIR", place.path()).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    let kept = text.lines().find_map(|line| line.strip_prefix("kept: ")).expect(&text);
    fs::remove_dir_all(kept).expect("the directory is kept");
    let recorded = fs::read_to_string(&scene).unwrap();
    assert!(recorded.contains("\nprotocol line\n"), "{recorded}");
    echospec(&["run", file, "--", server, "{addr}"]).assert().success();
}

#[test]
fn a_scene_names_its_server() {
    let place = tempfile::tempdir().unwrap();
    let scene = place.path().join("my.scene");
    let server = env!("CARGO_BIN_EXE_echo-unix");
    let unix = format!(
        "transport unix\nparameter where = path\ncommand '{server}' {{{{where}}}}\na connects\na exchanges a message\n"
    );
    let inetd =
        "start inetd\ncommand cat\na connects\na exchanges a message\na ends its direction\na receives end\n";
    let line = format!(
        "protocol line\ncommand '{}' {{addr}}\na connects\na sends half a request\na sends the rest\na receives reply\n",
        env!("CARGO_BIN_EXE_echo-tcp")
    );
    for text in [&unix, inetd, &line] {
        fs::write(&scene, text).unwrap();
        echospec(&["run", scene.to_str().unwrap()]).assert().success();
    }
    // The command line takes precedence.
    fs::write(&scene, format!("command false\n{}", inetd.replace("start inetd\ncommand cat\n", ""))).unwrap();
    let server = env!("CARGO_BIN_EXE_echo-tcp");
    echospec(&["run", scene.to_str().unwrap(), "--", server, "{addr}"]).assert().success();
    echospec(&["run", scene.to_str().unwrap()]).assert().failure();
}

#[test]
fn explain_shows_the_scene_of_a_check() {
    let shown = contains("Scene").and(contains("\n      a ends its direction\n"));
    echospec(&["explain", "echo/half-close"]).assert().success().stdout(shown);
    echospec(&["explain", "load/idle"]).assert().success().stdout(contains("Scene").not());
}

#[test]
fn repro_records_system_calls() {
    if let Err(error) = std::process::Command::new("strace").arg("-V").output() {
        return testing::skip(format!("strace: {error}"));
    }
    let place = tempfile::tempdir().unwrap();
    let mut repro = echospec(&["repro", "echo/one-byte", "pipe", "--strace", "--", "cat"]);
    let output = repro.env("TMPDIR", place.path()).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    let file = text.lines().find_map(|line| line.strip_prefix("system calls: ")).expect(&text);
    let calls = fs::read_to_string(file).unwrap();
    assert!(calls.contains("read(0, \"x\"") && calls.contains("write(1, \"x\""), "{calls}");
}
