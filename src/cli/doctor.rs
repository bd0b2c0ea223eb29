//! `echospec doctor`: what this machine lacks, what that limits, and how to fix it.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::exit;
use crate::doctor::{Diagnosis, PROBES, Probe};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the findings as one JSON array.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let findings: Vec<Diagnosis> = PROBES.iter().map(Probe::diagnose).collect();
    let mut out = anstream::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &findings).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(ExitCode::from(exit::ALL_AS_EXPECTED));
    }
    for Diagnosis { name, healthy, found, affects, help } in &findings {
        let (word, colour) = if *healthy { ("ok", AnsiColor::Green) } else { ("limited", AnsiColor::Yellow) };
        let style: Style = colour.on_default();
        writeln!(out, "{style}{word:>8}{style:#}  {name}: {found}")?;
        if !healthy {
            writeln!(out, "          affects: {affects}\n          help: {help}")?;
        }
    }
    let limited = findings.iter().filter(|finding| !finding.healthy).count();
    let conclusion = match limited {
        0 => "Every check and every comparison can run here.".into(),
        number => {
            let all = findings.len();
            format!(
                "{number} of {all} limited; affected checks end as unsupported, and affected comparisons have warnings."
            )
        }
    };
    writeln!(out, "\n{conclusion}")?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}
