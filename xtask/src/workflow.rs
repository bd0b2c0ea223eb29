//! `cargo xtask workflow`: the steps of the workflows of hosted CI, run on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tempfile::TempDir;

use crate::root;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the steps, instead of running them
    #[arg(long)]
    list: bool,

    /// Run only the steps whose job or script contains TEXT
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

const FILES: &[&str] = &["ci.yml", "nightly.yml"];

/// Expressions, and their values on this machine, which stands for a hosted one with Linux.
const VALUES: &[(&str, &str)] = &[("runner.os == 'Linux' && '--require-peers' || ''", "--require-peers")];

/// Beginnings of scripts that cannot run here, and the reason of each.
const ELSEWHERE: &[(&str, &str)] = &[
    ("rustup ", "it installs a toolchain, and this machine has one"),
    ("cargo +nightly ", "it needs a nightly toolchain with Miri"),
    ("sudo apt-get ", "it installs packages, as .ci/run does"),
    ("sudo ", "it needs sudo(8)"),
];

#[derive(Debug, Deserialize)]
struct Workflow {
    jobs: BTreeMap<String, Job>,
}

#[derive(Debug, Deserialize)]
struct Job {
    #[serde(default)]
    env: BTreeMap<String, String>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    #[serde(default)]
    run: Option<String>,
    #[serde(default, rename = "if")]
    condition: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// A script of a step, and how it runs here.
#[derive(Debug)]
struct Script {
    job: String,
    text: String,
    environment: BTreeMap<String, String>,
    /// The reason why it cannot run here.
    elsewhere: Option<&'static str>,
}

pub fn run(args: &Args) -> Result<bool> {
    let mut scripts = Vec::new();
    for file in FILES {
        let path = root().join(".github/workflows").join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        scripts.extend(scripts_of(file, &text)?);
    }
    scripts.retain(|script| [&script.job, &script.text].iter().any(|text| text.contains(&args.only)));
    let (mut ran, mut failed) = (0, 0);
    for script in &scripts {
        let line = script.text.lines().next().unwrap_or_default();
        println!("== {}: {line}", script.job);
        if let Some(reason) = script.elsewhere {
            println!("== not run here: {reason}");
        } else if !args.list {
            ran += 1;
            failed += usize::from(!script.run()?);
        }
    }
    println!("workflow: {} steps, {ran} run, {failed} failed", scripts.len());
    Ok(failed == 0)
}

/// Returns the scripts of a workflow that runs on Linux.
fn scripts_of(file: &str, text: &str) -> Result<Vec<Script>> {
    let workflow: Workflow = serde_saphyr::from_str(text).with_context(|| format!("in {file}"))?;
    let mut found = Vec::new();
    for (name, job) in workflow.jobs {
        for step in job.steps {
            let Some(text) = &step.run else { continue };
            let job_name = format!("{file}: {name}");
            let environment = job.env.clone().into_iter().chain(step.env.clone());
            let environment = environment.map(|(name, value)| Ok((name, evaluate(&value)?)));
            found.push(Script {
                text: evaluate(text).with_context(|| job_name.clone())?,
                job: job_name,
                environment: environment.collect::<Result<_>>()?,
                elsewhere: elsewhere(&step)?,
            });
        }
    }
    Ok(found)
}

/// Returns the reason why a step cannot run here.
fn elsewhere(step: &Step) -> Result<Option<&'static str>> {
    match step.condition.as_deref() {
        None | Some("runner.os == 'Linux'" | "always()") => {}
        Some("runner.os == 'macOS'") => return Ok(Some("it is for macOS")),
        Some(condition) => bail!("an unknown condition: {condition}"),
    }
    let text = step.run.as_deref().unwrap_or_default();
    Ok(ELSEWHERE.iter().find(|(start, _)| text.starts_with(start)).map(|(_, reason)| *reason))
}

/// Replaces the expressions in `text` by their values.
fn evaluate(text: &str) -> Result<String> {
    let mut parts = text.split("${{ ");
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once(" }}").context("an expression without an end")?;
        let value = VALUES.iter().find(|(known, _)| *known == expression);
        let (_, value) = value.with_context(|| format!("an unknown expression: {expression}"))?;
        done = done + value + rest;
    }
    Ok(done)
}

impl Script {
    /// Runs the script as a hosted runner does. Returns whether it succeeded.
    fn run(&self) -> Result<bool> {
        let place = TempDir::new()?;
        let began = Instant::now();
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", &self.text]);
        bash.envs(&self.environment).env("GITHUB_STEP_SUMMARY", place.path().join("summary"));
        let status = bash.current_dir(root()).status().context("cannot run bash")?;
        let word = if status.success() { "ok" } else { "FAILED" };
        println!("== {word} in {:.0} s", began.elapsed().as_secs_f64());
        Ok(status.success())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn every_step_runs_here_or_has_a_reason() {
        for file in FILES {
            let text = fs::read_to_string(root().join(".github/workflows").join(file)).unwrap();
            let scripts = scripts_of(file, &text).unwrap();
            assert!(scripts.iter().any(|script| script.elsewhere.is_none()), "{file}");
        }
    }

    #[test]
    fn every_task_of_the_workflows_exists() {
        for file in FILES {
            let text = fs::read_to_string(root().join(".github/workflows").join(file)).unwrap();
            for script in scripts_of(file, &text).unwrap() {
                let tasks = script.text.lines().filter_map(|line| line.split_once("cargo xtask "));
                for (_, words) in tasks {
                    let words = ["xtask"].into_iter().chain(words.split_whitespace());
                    crate::Cli::try_parse_from(words).unwrap();
                }
            }
        }
    }

    #[test]
    fn unknown_expressions_and_conditions_are_refused() {
        assert_eq!(
            evaluate("a ${{ runner.os == 'Linux' && '--require-peers' || '' }} b").unwrap(),
            "a --require-peers b"
        );
        assert!(evaluate("${{ github.token }}").is_err());
        let workflow = "jobs:\n  a:\n    steps:\n      - run: b\n        if: c\n";
        assert!(scripts_of("x.yml", workflow).unwrap_err().to_string().contains("unknown condition"));
    }

    #[test]
    fn steps_for_other_machines_are_named() {
        let steps = "jobs:\n  a:\n    env:\n      X: 3\n    steps:\n      - uses: d\n      - run: sudo b\n      - run: |\n          c\n          d\n";
        let scripts = scripts_of("x.yml", steps).unwrap();
        assert_eq!(scripts[0].elsewhere, Some("it needs sudo(8)"));
        assert_eq!((scripts[1].elsewhere, &*scripts[1].text), (None, "c\nd\n"));
        assert_eq!(scripts[1].environment["X"], "3");
    }
}
