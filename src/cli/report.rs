//! `echospec report`, `diff` and `schema`: renders, compares and describes recorded runs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;

use super::exit;
use crate::report::record::{RunRecord, read, schema};
use crate::report::{FORMATS, Format, write_diff};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files that `check --events` wrote. Several are merged into one report.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The format of the report.
    #[arg(long, short, value_name = "FORMAT", default_value = "text", value_parser = format_parser())]
    format: Format,

    /// Write the report to FILE; '-' is standard output.
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  echospec check tcp --events run.ndjson -- ./my-server {addr}
  echospec report run.ndjson --format html --output report.html
  echospec report linux.ndjson macos.ndjson --format markdown";

#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// File of the earlier run.
    old: PathBuf,

    /// File of the later run.
    new: PathBuf,
}

/// Runs `echospec report`: renders recorded runs in one format.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runs = read_runs(&args.files)?;
    let mut out = create(&args.output)?;
    (args.format.render)(&runs, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

/// Runs `echospec diff`: compares two recorded runs. The exit code says whether a check newly fails.
pub fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let (old, new) = (read_runs([&args.old])?, read_runs([&args.new])?);
    let newly_failing = write_diff(&old, &new, &mut anstream::stdout())?;
    Ok(ExitCode::from(if newly_failing > 0 { exit::CHECK_FAILED } else { exit::ALL_AS_EXPECTED }))
}

/// Prints the JSON Schema of one line of the event stream.
pub fn print_schema() -> anyhow::Result<ExitCode> {
    writeln!(io::stdout(), "{:#}", schema())?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

/// Reads the recorded runs in `files`, in the order of the files.
pub(super) fn read_runs<P: AsRef<Path>>(
    files: impl IntoIterator<Item = P>,
) -> anyhow::Result<Vec<RunRecord>> {
    let mut runs = Vec::new();
    for file in files {
        runs.extend(RunRecord::group(read(file.as_ref())?));
    }
    Ok(runs)
}

/// Creates the report file at `path`; `-` is standard output.
pub(super) fn create(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(anstream::stdout()));
    }
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Returns the parser of an argument that names a report format.
fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(
        FORMATS.iter().map(|it| clap::builder::PossibleValue::new(it.name).help(it.summary)),
    )
    .try_map(|name| find_format(&name))
}

/// Finds the report format called `name`.
pub(super) fn find_format(name: &str) -> Result<Format, String> {
    FORMATS.iter().find(|format| format.name == name).copied().ok_or_else(|| {
        let names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        format!("no format is called '{name}'. Formats: {}", names.join(", "))
    })
}
