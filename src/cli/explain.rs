//! `echospec explain`: one check in full.

use std::io::Write;
use std::process::ExitCode;

use anstyle::Style;

use super::list::required_start;
use super::{CliError, exit};
use crate::bench::method::METHOD;
use crate::checks::all_checks;
use crate::checks::systems::differences;
use crate::scene;
use crate::text::did_you_mean;

/// The page about the format of protocol files, which `echospec explain protocol` prints.
const FORMAT: &str = include_str!("../../docs/protocols.md");

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a check, such as echo/half-close; `compare`, for the method of comparisons; or `protocol`, for the format
    /// of protocol files.
    id: String,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.id == "compare" {
        write!(anstream::stdout(), "{METHOD}")?;
        return Ok(ExitCode::from(exit::ALL_AS_EXPECTED));
    }
    if args.id == "protocol" {
        write!(anstream::stdout(), "{FORMAT}")?;
        return Ok(ExitCode::from(exit::ALL_AS_EXPECTED));
    }
    let check = all_checks().find(|check| check.id == args.id).ok_or_else(|| unknown_id_error(&args.id))?;
    let mut out = anstream::stdout().lock();
    let bold = Style::new().bold();
    writeln!(out, "{bold}{}{bold:#} ({})\n\n{}.\n", check.id, check.level, check.sentence)?;
    for (name, text) in [
        ("Why", check.why.to_owned()),
        ("How", check.recipe.to_owned()),
        ("See", check.citations.join(" · ")),
        ("For", check.transport_groups().join(", ")),
        ("Start", required_start(check).to_owned()),
    ] {
        writeln!(out, "{bold}{name:<6}{bold:#}{text}")?;
    }
    for difference in differences(check.id) {
        writeln!(out, "{bold}{:<6}{bold:#}{}", "OS", difference.line())?;
    }
    if let Some(scene) = scene::catalogue::of_check(check.id) {
        writeln!(out, "\n{bold}Scene{bold:#} (the same check as a script for `echospec run`)\n")?;
        for line in scene.lines() {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

pub(super) fn unknown_id_error(id: &str) -> CliError {
    let hint = did_you_mean(id, all_checks().map(|check| check.id))
        .unwrap_or("`echospec list` names them all".into());
    CliError::usage(format!("no check is called '{id}'; {hint}"))
}
