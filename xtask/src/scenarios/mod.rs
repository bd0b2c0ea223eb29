//! `cargo xtask scenarios`: the tests under conditions that a user's shell, service manager or CI may set, and the
//! bundled servers on other Linuxes.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;

use crate::{portable, servers};
use checkout::Checkout;
use condition::{Condition, conditions};
use linuxes::{LINUXES, Linux, USUAL};
use servers_on::{Programs, Results};

mod checkout;
mod condition;
mod linuxes;
mod servers_on;
mod table;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run the tests under each condition alone, instead of under all that go together at once
    #[arg(long)]
    each: bool,
    /// Run all tests of the workspace, instead of those that start processes
    #[arg(long)]
    all: bool,
    /// Check the bundled servers on other Linuxes, instead of the tests under conditions
    #[arg(long, conflicts_with_all = ["each", "all"])]
    linuxes: bool,
    /// Run only the quick checks on other Linuxes
    #[arg(long, requires = "linuxes", conflicts_with = "table")]
    quick: bool,
    /// Write the results on other Linuxes to docs/systems.md
    #[arg(long, requires = "linuxes")]
    table: bool,
    /// Run only the conditions or Linuxes whose name contains TEXT; `portable` runs the code for macOS on Linux
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

pub fn run(args: &Args) -> Result<bool> {
    if args.only == portable::NAME {
        return portable::run();
    }
    if args.linuxes { on_linuxes(args) } else { under_conditions(args) }
}

fn under_conditions(args: &Args) -> Result<bool> {
    let chosen: Vec<_> =
        conditions(args.each).into_iter().filter(|it| it.name.contains(&args.only)).collect();
    ensure!(!chosen.is_empty(), "no condition's name contains '{}'", args.only);
    let mut failures = 0;
    for condition in &chosen {
        failures += run_tests(condition, args.all)?;
    }
    println!("scenarios: {} conditions, {failures} failures", chosen.len());
    Ok(failures == 0)
}

/// Runs the tests under `condition`. Returns how many programs of tests failed.
fn run_tests(condition: &Condition, all: bool) -> Result<usize> {
    let place = TempDir::new()?;
    let checkout = if condition.path_with_spaces { Checkout::with_spaces()? } else { Checkout::usual() };
    let mut failures = 0;
    for test in checkout.build(all)? {
        let began = Instant::now();
        let passed = condition.run(&test, &place)?;
        let word = if passed { "ok" } else { "FAILED" };
        println!("{word:6}  {}: {} ({:.0} s)", condition.name, test.name, began.elapsed().as_secs_f64());
        failures += usize::from(!passed);
    }
    Ok(failures)
}

fn on_linuxes(args: &Args) -> Result<bool> {
    servers::build()?;
    let chosen: Vec<_> = LINUXES.iter().filter(|it| it.name.contains(&args.only)).collect();
    ensure!(!chosen.is_empty(), "no Linux's name contains '{}'", args.only);
    let programs = Programs::copy(args.quick)?;
    let usual = check_on(&programs, &USUAL)?;
    let mut rows = vec![(USUAL.name, row(&USUAL, &usual, &usual))];
    let (mut failures, mut unavailable) = (usual.failures.len(), 0);
    for linux in &chosen {
        let results = check_on(&programs, linux)?;
        failures += results.failures.len();
        unavailable += usize::from(results.unavailable.is_some());
        rows.push((linux.name, row(linux, &results, &usual)));
        println!("        not run: {}", results.reasons(&usual));
    }
    println!("scenarios: {} Linuxes, {unavailable} not available here, {failures} failures", chosen.len());
    if args.table {
        if failures + unavailable > 0 {
            bail!("a table is written only of results without failures, on a machine that can be each Linux");
        }
        let names: Vec<_> = [USUAL.name].into_iter().chain(LINUXES.iter().map(|it| it.name)).collect();
        table::write(&rows, &names)?;
    }
    Ok(failures == 0)
}

/// Checks the bundled servers on `linux`, and prints the result.
fn check_on(programs: &Programs, linux: &Linux) -> Result<Results> {
    let began = Instant::now();
    let results = programs.run_on(linux)?;
    let seconds = began.elapsed().as_secs_f64();
    match &results.unavailable {
        Some(reason) => println!("skipped {}: {reason}", linux.name),
        None => {
            let word = if results.failures.is_empty() { "ok" } else { "FAILED" };
            let Results { servers, passed, .. } = results;
            println!("{word:6}  {}: {servers} servers, {passed} checks passed ({seconds:.0} s)", linux.name);
        }
    }
    results.failures.iter().for_each(|failure| println!("        {failure}"));
    Ok(results)
}

/// Returns the row of the table for `linux`.
fn row(linux: &Linux, results: &Results, usual: &Results) -> String {
    let Results { servers, passed, .. } = results;
    format!("| {} | {servers} | {passed} | {} |\n", linux.name, results.reasons(usual))
}
