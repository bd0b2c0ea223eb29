//! `cargo xtask ci`: everything that must hold before a change lands, each step as a developer would type it.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::root;

/// One step: its command and, where it differs from the command's own, the environment.
type Step = (&'static [&'static str], &'static [(&'static str, &'static str)]);

const STEPS: &[Step] = &[
    (&["cargo", "fmt", "--all", "--check"], &[]),
    (
        &[
            "cargo",
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    ),
    (
        &[
            "cargo",
            "clippy",
            "--locked",
            "--package",
            "echospec",
            "--lib",
            "--no-default-features",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    ),
    (&["cargo", "doc", "--locked", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")]),
    (&["cargo", "xtask", "tidy"], &[]),
    (&["cargo", "test", "--locked", "--workspace"], &[]),
    (&["cargo", "test", "--locked", "--manifest-path", "fixtures/dependent/Cargo.toml"], &[]),
    (&["cargo", "xtask", "scenarios"], &[]),
    (&["cargo", "xtask", "mutants"], &[]),
    (&["cargo", "xtask", "test-all", "--require-peers"], &[]),
];

/// Clippy for the systems that cannot be run here, where the script for it stands beside the checkout.
const EVERYWHERE: &str = "../shared/cross/clippy-everywhere.sh";

/// What that script answers where the other systems' standard libraries are not to be had.
const NOT_TO_BE_HAD: i32 = 3;

pub fn run() -> Result<bool> {
    for (words, environment) in STEPS {
        if step(words, environment)? != Some(0) {
            return Ok(false);
        }
    }
    everywhere()
}

fn everywhere() -> Result<bool> {
    let skipped = "clippy for macOS and FreeBSD is left to hosted CI";
    if !root().join(EVERYWHERE).is_file() {
        println!("== {EVERYWHERE} is absent: {skipped}");
        return Ok(true);
    }
    let status = step(&[EVERYWHERE], &[])?;
    if status == Some(NOT_TO_BE_HAD) {
        println!("== SKIPPED: no standard library for them here: {skipped}");
    }
    Ok(matches!(status, Some(0 | NOT_TO_BE_HAD)))
}

/// Runs one step and answers its exit status.
fn step(words: &[&str], environment: &[(&str, &str)]) -> Result<Option<i32>> {
    let line = words.join(" ");
    println!("== {line}");
    let began = Instant::now();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).envs(environment.iter().copied()).current_dir(root());
    let status = command.status().with_context(|| format!("cannot run {line}"))?;
    let word = if status.success() { "ok" } else { "FAILED" };
    println!("== {word} in {:.0} s: {line}", began.elapsed().as_secs_f64());
    Ok(status.code())
}
