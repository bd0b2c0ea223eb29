//! `cargo xtask ci`: everything that must pass before a change lands. Each step is a command of its own.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{check_targets, root};

/// A command, and the environment variables that are set for it.
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
    (&["cargo", "xtask", "public-api"], &[]),
    // Among them is fixtures/tests/broken_twins.rs, which does all that `cargo xtask mutants` does.
    (&["cargo", "test", "--locked", "--workspace"], &[]),
    (&["cargo", "test", "--locked", "--manifest-path", "fixtures/dependent/Cargo.toml"], &[]),
    (&["cargo", "xtask", "scenarios"], &[]),
    (&["cargo", "xtask", "test-all", "--require-peers"], &[]),
];

pub fn run() -> Result<bool> {
    for (words, environment) in STEPS {
        if step(words, environment)? != Some(0) {
            return Ok(false);
        }
    }
    // A target that is not installed here is left to hosted CI.
    Ok(check_targets::Args::default().check()?.failed.is_empty())
}

/// Runs one step and returns its exit status.
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
