//! `echospec list`: all checks, drawn from the list of checks itself.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::exit;
use crate::checks::{AREAS, Check, all_checks};
use crate::outcome::Level;
use crate::transport::Capabilities;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the list as one JSON array.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    id: &'static str,
    level: Level,
    transports: Vec<&'static str>,
    start: &'static str,
    says: &'static str,
    why: &'static str,
    cites: &'static [&'static str],
    recipe: &'static str,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout().lock();
    if args.json {
        let entries: Vec<_> = all_checks().map(entry).collect();
        serde_json::to_writer_pretty(&mut out, &entries).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(ExitCode::from(exit::ALL_AS_EXPECTED));
    }
    for area in AREAS {
        writeln!(out, "{}: {}", area.name, area.summary)?;
        for check in area.checks {
            let kinds = check.transport_groups().join(" ");
            writeln!(out, "  {:<28} {:<6} {kinds}", check.id, check.level)?;
            writeln!(out, "      {}", check.sentence)?;
        }
    }
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

fn entry(check: &'static Check) -> Entry {
    Entry {
        id: check.id,
        level: check.level,
        transports: names(check),
        start: required_start(check),
        says: check.sentence,
        why: check.why,
        cites: check.citations,
        recipe: check.recipe,
    }
}

/// Returns the names of the transports that a check applies to.
fn names(check: &Check) -> Vec<&'static str> {
    check.transports().map(|transport| transport.name).collect()
}

/// Returns the way of starting a server (`--start`) that a check needs.
pub(super) fn required_start(check: &Check) -> &'static str {
    if check.requires.contains(Capabilities::PASSED_LISTENER) {
        "listen-fds"
    } else if check.requires.contains(Capabilities::PASSED_CONNECTION) {
        "inetd"
    } else if check.requires.contains(Capabilities::BINDS) {
        "bind"
    } else {
        "any"
    }
}
