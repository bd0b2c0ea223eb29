//! The results on several Linuxes: printed one after another, and written to the table.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::linuxes::{LINUXES, USUAL};
use super::machines::MACHINES;
use super::selection::Selection;
use super::servers_on::Results;
use super::table;

/// The results so far.
#[derive(Debug, Default)]
pub struct Rows {
    /// The first results, if the others are compared with them.
    usual: Option<Results>,
    /// The note that follows the number of checks.
    note: String,
    /// Whether each row is written to the table.
    to_table: bool,
    rows: usize,
    failures: usize,
    unavailable: usize,
}

impl Rows {
    pub fn new(selection: &Selection, to_table: bool) -> Rows {
        Rows { note: selection.note(), to_table, ..Rows::default() }
    }

    /// Runs the checks on the Linux of this name, prints the results, and compares the following ones with them.
    pub fn add_usual(&mut self, name: &'static str, run: impl FnOnce() -> Result<Results>) -> Result<()> {
        self.usual = Some(self.add(name, run)?);
        Ok(())
    }

    /// Runs the checks on the Linux of this name, prints the results, and writes the row if nothing failed.
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
        let note = &self.note;
        let row = format!("| {name} | {kernel} | {servers} | {passed}{note} | {seconds} | {reasons} |\n");
        self.rows += 1;
        if self.to_table && results.failures.is_empty() {
            table::write(&[(name, row)], &names())?;
        }
        Ok(results)
    }

    /// Prints the totals. Returns whether nothing failed.
    pub fn finish(self) -> Result<bool> {
        let Rows { rows, failures, unavailable, .. } = self;
        println!("scenarios: {rows} Linuxes, {unavailable} not available here, {failures} failures");
        ensure!(rows > 0, "nothing was run");
        Ok(failures == 0)
    }
}

/// Returns the names in the order of the table.
pub fn names() -> Vec<&'static str> {
    let linuxes = LINUXES.iter().map(|linux| linux.name);
    let machines = MACHINES.iter().map(|machine| machine.name);
    [USUAL.name].into_iter().chain(linuxes).chain(machines).collect()
}
