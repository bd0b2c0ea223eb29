//! `echospec report`, `diff` and `schema`: renders, compares and describes recorded runs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;

use super::{CliError, exit};
use crate::bench::comparison::Comparison;
use crate::bench::report::{TableOptions, draw_charts, write_table};
use crate::bench::saved::SavedComparison;
use crate::report::record::{RunRecord, read, schema};
use crate::report::{ComparisonSection, FORMATS, Format, HTML, render_page, write_diff};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files that `check --events` wrote. Several are merged into one report. With the format html, files that
    /// `compare --json` wrote as well.
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
  echospec report linux.ndjson macos.ndjson --format markdown
  echospec report run.ndjson comparison.json --format html --output report.html";

#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// File of the earlier run.
    old: PathBuf,

    /// File of the later run.
    new: PathBuf,
}

/// Runs `echospec report`: renders recorded runs in one format.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (comparisons, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.files.iter().partition(|file| is_comparison(file));
    if !comparisons.is_empty() && args.format.name != HTML.name {
        let text = format!(
            "{} is a comparison, which only the format html takes; `echospec compare` writes its own tables",
            comparisons[0].display()
        );
        return Err(CliError::usage(text).into());
    }
    let comparisons: Vec<ComparisonSection> =
        comparisons.into_iter().map(|file| section(&load(file)?)).collect::<anyhow::Result<_>>()?;
    let runs = read_runs(files)?;
    let mut out = create(&args.output)?;
    if comparisons.is_empty() {
        (args.format.render)(&runs, &mut out)?;
    } else {
        render_page(&runs, &comparisons, &mut out)?;
    }
    out.flush()?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

/// Whether a file begins as the JSON object that `echospec compare --json` writes, and not as an event stream.
fn is_comparison(file: &Path) -> bool {
    let mut start = String::new();
    let read =
        File::open(file).and_then(|file| io::Read::read_to_string(&mut io::Read::take(file, 64), &mut start));
    let object = start.trim_start().strip_prefix('{');
    read.is_ok() && object.is_some_and(|object| object.trim_start().starts_with("\"schema\""))
}

/// Reads a saved comparison.
fn load(file: &Path) -> anyhow::Result<Comparison> {
    // A name without a slash would be looked for among the saved baselines.
    Ok(SavedComparison::named(&Path::new(".").join(file).to_string_lossy())?.load()?)
}

/// Draws a comparison as the HTML report shows it.
fn section(comparison: &Comparison) -> anyhow::Result<ComparisonSection> {
    let mut tables = Vec::new();
    write_table(comparison, TableOptions { ascii: false, machine: true }, &mut tables)?;
    let plain = anstream::adapter::strip_bytes(&tables).into_vec();
    let names: Vec<&str> = comparison.candidates.iter().map(|it| it.name.as_str()).collect();
    let charts = draw_charts(comparison).into_iter();
    Ok(ComparisonSection {
        title: names.join(", "),
        charts: charts.map(|it| (it.file.trim_end_matches(".svg").replace('-', " "), it.svg)).collect(),
        tables: String::from_utf8_lossy(&plain).into_owned(),
    })
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
