//! Writes the results of a comparison.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::CliError;
use super::args::Args;
use crate::bench::change::Changes;
use crate::bench::comparison::Comparison;
use crate::bench::report::{
    TableOptions, draw_charts, write_csv, write_differences, write_json, write_markdown, write_table,
};
use crate::bench::saved::{SavedComparison, SavedError};

type Format = fn(&Comparison, &mut dyn Write) -> io::Result<()>;

/// The reports of a comparison that the arguments request. Their files are opened before anything is measured.
pub(super) struct Output {
    files: Vec<(Format, Box<dyn Write>)>,
    /// The directory into which the charts are written.
    svg: Option<PathBuf>,
    save: Option<SavedComparison>,
    before: Option<Comparison>,
    threshold: f64,
    options: TableOptions,
    /// True if standard output receives a format for programs. The tables then go to standard error.
    piped: bool,
}

impl Output {
    pub fn prepare(args: &Args) -> anyhow::Result<Output> {
        let wanted: [(Format, _); 3] =
            [(write_json, &args.json), (write_csv, &args.csv), (write_markdown, &args.markdown)];
        let named: Vec<_> =
            wanted.iter().filter_map(|(write, path)| Some((*write, path.as_deref()?))).collect();
        let piped = named.iter().filter(|(_, path)| is_stdout(path)).count();
        if piped > 1 {
            return Err(
                CliError::usage("only one format goes to standard output; give the others a file").into()
            );
        }
        let mut files = Vec::new();
        for (write, path) in named {
            files.push((write, open(path)?));
        }
        if let Some(folder) = &args.svg {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create the directory {}", folder.display()))?;
        }
        let place =
            |name: &String| SavedComparison::named(name).map_err(|error| CliError::usage(error.to_string()));
        let save = args.save.as_ref().map(place).transpose()?;
        if let Some(save) = &save {
            save.check_writable()?;
        }
        let baseline = args.baseline.as_ref().map(place).transpose()?;
        let before =
            baseline.map(|it| it.load()).transpose().map_err(|error| CliError::usage(error.to_string()))?;
        let options = TableOptions { ascii: args.ascii, machine: args.machine };
        Ok(Output {
            files,
            svg: args.svg.clone(),
            save,
            before,
            threshold: args.threshold,
            options,
            piped: piped > 0,
        })
    }

    /// Writes all reports of a comparison. Returns whether the comparison has regressed since the baseline.
    pub fn write(mut self, comparison: &Comparison) -> anyhow::Result<bool> {
        for (write, file) in &mut self.files {
            write(comparison, file.as_mut())?;
            file.flush()?;
        }
        let changes = self.before.as_ref().map(|before| Changes::between(before, comparison, self.threshold));
        let (mut out, mut err) = (anstream::stdout(), anstream::stderr());
        let tables: &mut dyn Write = if self.piped { &mut err } else { &mut out };
        write_table(comparison, self.options, tables)?;
        if let Some(changes) = &changes {
            write_differences(changes, self.options, tables)?;
        }
        if let Some(folder) = &self.svg {
            draw(comparison, folder, tables)?;
        }
        if let Some(save) = self.save {
            match save.save(comparison) {
                Ok(()) => writeln!(tables, "\nsaved as {}", save.path().display())?,
                // The exit code already says so.
                Err(error @ SavedError::Interrupted(_)) => writeln!(tables, "\n{error}")?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(changes.is_some_and(|changes| changes.has_regression()))
    }
}

/// Writes every chart of a comparison into `folder`, and lists the files.
fn draw(comparison: &Comparison, folder: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let charts = draw_charts(comparison);
    for chart in &charts {
        let path = folder.join(&chart.file);
        fs::write(&path, &chart.svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let names = charts.iter().map(|chart| chart.file.as_str()).collect::<Vec<_>>();
    let names =
        if names.is_empty() { "nothing, because there are no results".into() } else { names.join(", ") };
    writeln!(out, "\ncharts in {}: {names}", folder.display())?;
    Ok(())
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if is_stdout(path) {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}
