//! `cargo xtask scenarios`: the tests under conditions that a user's shell, service manager or CI may set, and the
//! bundled servers on other Linuxes.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::{portable, servers, target_folder};
use checkout::Checkout;
use condition::{Condition, conditions};
use linuxes::{LINUXES, USUAL};
use machines::{MACHINES, Packages};
use rows::Rows;
use selection::Selection;
use servers_on::Programs;

mod checkout;
mod condition;
mod linuxes;
mod machines;
mod rows;
mod selection;
mod servers_on;
mod table;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run the tests under each condition alone, instead of under all that go together at once
    #[arg(long)]
    each: bool,
    /// Run all tests of the workspace, not only the tests that start processes
    #[arg(long)]
    all: bool,
    /// Check the bundled servers on other Linuxes, instead of the tests under conditions
    #[arg(long, group = "others", conflicts_with_all = ["each", "all"])]
    linuxes: bool,
    /// Check the bundled servers, linked statically, on other processors and kernels, which qemu emulates
    #[arg(long, group = "others", conflicts_with_all = ["each", "all"])]
    machines: bool,
    /// The folder with packages of Debian for --machines [default: packages, in cargo's target folder]
    #[arg(long, value_name = "FOLDER", requires = "machines")]
    packages: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Write each row of results without failures to docs/systems.md: other Linuxes or machines
    #[arg(long, requires = "others")]
    table: bool,
    /// Run only the conditions, Linuxes or machines whose name contains TEXT; `portable` runs the code for macOS on Linux
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

pub fn run(args: &Args) -> Result<bool> {
    if args.only == portable::NAME {
        return portable::run();
    }
    if args.linuxes {
        on_linuxes(args)
    } else if args.machines {
        on_machines(args)
    } else {
        under_conditions(args)
    }
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
    let programs = Programs::copy(&args.selection)?;
    let mut rows = Rows::new(&args.selection, args.table);
    rows.add_usual(USUAL.name, || programs.run_on(&USUAL))?;
    for linux in &chosen {
        rows.add(linux.name, || programs.run_on(linux))?;
    }
    rows.finish()
}

fn on_machines(args: &Args) -> Result<bool> {
    let chosen: Vec<_> = MACHINES.iter().filter(|it| it.name.contains(&args.only)).collect();
    ensure!(!chosen.is_empty(), "no machine's name contains '{}'", args.only);
    let folder = args.packages.clone().unwrap_or_else(|| target_folder().join("packages"));
    let mut rows = Rows::new(&args.selection, args.table);
    for machine in &chosen {
        rows.add(machine.name, || machine.run(&Packages(&folder), &args.selection))?;
    }
    rows.finish()
}
