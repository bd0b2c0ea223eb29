//! `echospec doctor`: what this machine lacks, what that limits, and how to fix it.

use std::io::Write;
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
        serde_json::to_writer_pretty(&mut out, &findings)?;
        writeln!(out)?;
        return Ok(ExitCode::from(exit::OK));
    }
    for Diagnosis { name, healthy, found, without, mend } in &findings {
        let (word, colour) = if *healthy { ("ok", AnsiColor::Green) } else { ("limited", AnsiColor::Yellow) };
        let style: Style = colour.on_default();
        writeln!(out, "{style}{word:>8}{style:#}  {name}: {found}")?;
        if !healthy {
            writeln!(out, "          not to be told or done: {without}\n          to mend it: {mend}")?;
        }
    }
    let limited = findings.iter().filter(|finding| !finding.healthy).count();
    let verdict = match limited {
        0 => "Every check and every comparison can run here.".into(),
        number => {
            let all = findings.len();
            format!(
                "{number} of {all} limited; what a check then lacks it calls unsupported, and a comparison warns of \
                 what makes its figures doubtful."
            )
        }
    };
    writeln!(out, "\n{verdict}")?;
    Ok(ExitCode::from(exit::OK))
}
