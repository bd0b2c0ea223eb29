//! The results on several Linuxes: printed one after another, and written to the table.

use std::time::Instant;

use anyhow::{Result, bail, ensure};

use super::linuxes::{LINUXES, USUAL};
use super::machines::MACHINES;
use super::servers_on::Results;
use super::table;

/// The results so far.
#[derive(Debug, Default)]
pub struct Rows {
    /// The first results, if the others are compared with them.
    usual: Option<Results>,
    /// Whether only the quick checks are run.
    quick: bool,
    rows: Vec<(&'static str, String)>,
    failures: usize,
    unavailable: usize,
}

impl Rows {
    pub fn new(quick: bool) -> Rows {
        Rows { quick, ..Rows::default() }
    }

    /// Runs the checks on the Linux of this name, prints the results, and compares the following ones with them.
    pub fn add_usual(&mut self, name: &'static str, run: impl FnOnce() -> Result<Results>) -> Result<()> {
        self.usual = Some(self.add(name, run)?);
        Ok(())
    }

    /// Runs the checks on the Linux of this name, and prints the results.
    pub fn add(&mut self, name: &'static str, run: impl FnOnce() -> Result<Results>) -> Result<Results> {
        let began = Instant::now();
        let results = run()?;
        let seconds = began.elapsed().as_secs();
        if let Some(reason) = &results.unavailable {
            println!("skipped {name}: {reason}");
            self.unavailable += 1;
            return Ok(results);
        }
        let word = if results.failures.is_empty() { "ok" } else { "FAILED" };
        let Results { kernel, servers, passed, failures, .. } = &results;
        println!("{word:6}  {name} ({kernel}): {servers} servers, {passed} checks passed ({seconds} s)");
        failures.iter().for_each(|failure| println!("        {failure}"));
        let reasons = results.reasons(self.usual.as_ref().unwrap_or(&Results::default()));
        println!("        not run: {reasons}");
        self.failures += failures.len();
        let only = if self.quick { " (quick)" } else { "" };
        let row = format!("| {name} | {kernel} | {servers} | {passed}{only} | {seconds} | {reasons} |\n");
        self.rows.push((name, row));
        Ok(results)
    }

    /// Prints the totals, and writes the table if `to_table`. Returns whether nothing failed.
    pub fn finish(self, to_table: bool) -> Result<bool> {
        let Rows { rows, failures, unavailable, .. } = self;
        println!("scenarios: {} Linuxes, {unavailable} not available here, {failures} failures", rows.len());
        ensure!(!rows.is_empty(), "nothing was run");
        if to_table {
            if failures + unavailable > 0 {
                bail!(
                    "a table is written only of results without failures, on a machine that can be each Linux"
                );
            }
            table::write(&rows, &names())?;
        }
        Ok(failures == 0)
    }
}

/// Returns the names in the order of the table.
pub fn names() -> Vec<&'static str> {
    let linuxes = LINUXES.iter().map(|linux| linux.name);
    let machines = MACHINES.iter().map(|machine| machine.name);
    [USUAL.name].into_iter().chain(linuxes).chain(machines).collect()
}
