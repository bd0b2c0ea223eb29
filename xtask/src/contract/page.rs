//! The contract as a table: in the terminal, and in `docs/systems.md`.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::provision::Provision;
use super::{Row, SYSTEMS};
use crate::root;

const PAGE: &str = "docs/systems.md";

/// The names of [`SYSTEMS`] as the head of a table.
const HEAD: [&str; SYSTEMS.len()] = ["Linux", "macOS", "FreeBSD", "others"];

/// Returns the contract as a table for a terminal.
pub fn text_table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["function"].into_iter().chain(HEAD).chain(["why not"]));
    for row in rows {
        table.add_row(
            [format!("{}::{}", row.module, row.name)].into_iter().chain(words(row)).chain([reasons(row)]),
        );
    }
    table
}

/// Returns a word for how each system provides a function.
fn words(row: &Row) -> [String; SYSTEMS.len()] {
    std::array::from_fn(|system| match &row.provisions[system] {
        None => "absent".to_owned(),
        Some(Provision::Own) => "own".to_owned(),
        Some(Provision::Shared(folder)) => (*folder).to_owned(),
        Some(Provision::Lacking(_)) => "–".to_owned(),
        Some(Provision::Silent) => "silent".to_owned(),
    })
}

/// Returns the reasons of the systems that lack a function, each reason once.
fn reasons(row: &Row) -> String {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for (system, provision) in HEAD.iter().zip(&row.provisions) {
        let Some(Provision::Lacking(reason)) = provision else { continue };
        match found.iter_mut().find(|(known, _)| known == reason) {
            Some((_, systems)) => systems.push(system),
            None => found.push((reason, vec![system])),
        }
    }
    match &found[..] {
        [(reason, _)] => (*reason).to_owned(),
        several => {
            let parts: Vec<_> =
                several.iter().map(|(reason, systems)| format!("{}: {reason}", systems.join(", "))).collect();
            parts.join("; ")
        }
    }
}

/// Returns the generated parts of the page: their names and their text.
fn parts(rows: &[Row]) -> Result<[(&'static str, String); 2]> {
    let mut contract = format!("| function | {} | why not |\n|---|---|---|---|---|---|\n", HEAD.join(" | "));
    for row in rows {
        let cells = words(row).join(" | ");
        writeln!(contract, "| `{}::{}` | {cells} | {} |", row.module, row.name, reasons(row))?;
    }
    let mut verified = "| function of macOS | verified |\n|---|---|\n".to_owned();
    for row in rows {
        if let Some(how) = &row.verified {
            writeln!(verified, "| `{}::{}` | {} |", row.module, row.name, how.trim_end_matches('.'))?;
        }
    }
    Ok([("contract", contract), ("verified", verified)])
}

/// Returns the page with its generated parts made anew.
fn renew(text: &str, rows: &[Row]) -> Result<String> {
    let mut text = text.to_owned();
    for (name, part) in parts(rows)? {
        let start = format!("<!-- generated: {name} -->\n");
        let (before, rest) = text.split_once(&start).with_context(|| format!("{PAGE} lacks {start}"))?;
        let (_, after) = rest.split_once("<!-- end -->").with_context(|| format!("{name} has no end"))?;
        text = format!("{before}{start}{part}<!-- end -->{after}");
    }
    Ok(text)
}

/// Writes the tables into the page.
pub fn update(rows: &[Row]) -> Result<()> {
    let page = root().join(PAGE);
    let text = fs::read_to_string(&page)?;
    Ok(fs::write(page, renew(&text, rows)?)?)
}

/// Panics if the page shows another contract than the code.
#[cfg(test)]
pub fn assert_current(rows: &[Row]) {
    let text = fs::read_to_string(root().join(PAGE)).unwrap();
    assert!(renew(&text, rows).unwrap() == text, "{PAGE} is out of date: cargo xtask contract --update");
}
