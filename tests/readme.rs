//! The README shows real output: every console block is run, every table is drawn anew, and compared.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use echospec::checks::AREAS;
use echospec::demo::{DEMOS, Demo};
use echospec::sys::Tap;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

#[test]
fn every_console_block_shows_what_is_printed_today() {
    let text = readme();
    let blocks: Vec<&str> =
        text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 3, "the README shows too little");
    for block in blocks.into_iter().filter(|block| can_be_shown(block)) {
        let (command, shown) = block.split_once('\n').unwrap();
        let words = shlex::split(command.strip_prefix("$ echospec ").expect(command)).unwrap();
        // What a command keeps goes with this.
        let place = tempfile::tempdir().unwrap();
        symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"), place.path().join("docs")).unwrap();
        let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
        let run = run.args(words).env("TMPDIR", place.path()).env("PATH", path()).current_dir(&place);
        let run = run.output().unwrap();
        let printed = [run.stdout, run.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(
            matches(&lines(shown), &lines(&printed)),
            "{command} prints:\n{printed}\nthe README shows:\n{shown}"
        );
    }
}

/// Where a process is blocked only Linux tells, and packets are for the privileged.
fn can_be_shown(block: &str) -> bool {
    let tells = env::consts::OS == "linux" || !block.contains("blocked in");
    tells && (Tap::can_open().is_ok() || !block.starts_with("$ echospec capture"))
}

/// The programs that were just built come first.
fn path() -> OsString {
    let built = Path::new(env!("CARGO_BIN_EXE_echospec")).parent().unwrap().to_owned();
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([built].into_iter().chain(env::split_paths(&others))).unwrap()
}

/// Numbers change from run to run, and with them the width of columns.
fn lines(text: &str) -> Vec<String> {
    text.trim().lines().map(normal).collect()
}

fn normal(line: &str) -> String {
    let mut out = String::new();
    for letter in line.chars() {
        let letter = if letter.is_ascii_digit() { '0' } else { letter };
        let repeated = matches!(letter, '0' | ' ' | '─') && out.ends_with(letter);
        if !repeated {
            out.push(letter);
        }
    }
    // Each kernel version has its own name for the place.
    match out.split_once("blocked in ") {
        Some((before, place)) => {
            let rest = place.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
            format!("{before}blocked in {rest}").trim().to_owned()
        }
        None => out.trim().to_owned(),
    }
}

/// A line that holds only `…` stands for any number of lines.
fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|skip| matches(rest, &printed[skip..]))
        }
        Some((first, rest)) => printed.first() == Some(first) && matches(rest, &printed[1..]),
    }
}

#[test]
fn the_table_of_checks_is_the_list_of_checks() {
    let text = readme();
    for area in AREAS {
        let title = format!("**{}**: {}", area.name, area.says);
        assert!(text.contains(&title), "the README lacks: {title}");
        for check in area.checks {
            let kinds = check.kinds().join(", ");
            let row = format!("| `{}` | {} | {kinds} | {} |", check.id, check.level, check.says);
            assert!(text.contains(&row), "the README lacks this row:\n{row}");
        }
    }
    let rows =
        text.lines().filter(|line| AREAS.iter().any(|area| line.starts_with(&format!("| `{}/", area.name))));
    assert_eq!(
        rows.count(),
        AREAS.iter().map(|area| area.checks.len()).sum::<usize>(),
        "a row without a check"
    );
}

#[test]
fn the_table_of_demos_is_the_list_of_demos() {
    let text = readme();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `just demo-")).collect();
    let row = |demo: &&Demo| format!("| `just demo-{}` | {} |", demo.name, demo.says.replace('|', "\\|"));
    assert_eq!(rows, DEMOS.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn the_chart_is_drawn_from_the_comparison_that_is_shown() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let place = tempfile::tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_echospec"));
    run.args(["compare", "--from"]).arg(docs.join("comparison.json")).arg("--svg").arg(place.path());
    assert!(run.output().unwrap().status.success());
    let [shown, drawn] =
        [&docs, place.path()].map(|it| fs::read_to_string(it.join("overview-same.svg")).unwrap());
    assert!(shown == drawn, "draw it anew: echospec compare --from docs/comparison.json --svg docs");
}

#[test]
fn every_bundled_server_is_in_the_table_of_servers() {
    let text = readme();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin")).unwrap() {
        let path = entry.unwrap().path();
        // The rest of a server that is more than one file.
        if path.is_dir() {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let sentence = source.lines().next().unwrap().trim_start_matches("//! ");
        let row = format!("| `{name}` | {sentence} |");
        assert!(text.contains(&row), "the README lacks this row:\n{row}");
    }
}

#[test]
fn an_ellipsis_stands_for_any_number_of_lines() {
    let all = lines("a\nb 12\nc");
    assert!(matches(&lines("a\nb 7\nc"), &all));
    assert!(matches(&lines("a\n…\nc"), &all));
    assert!(!matches(&lines("a\nc"), &all));
}
