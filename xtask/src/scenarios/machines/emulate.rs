//! Runs the programs in an emulated machine: a kernel, and an archive with the programs and `init.sh`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::accelerator::Accelerator;
use super::archive::Archive;
use super::list::Emulator;
use super::packages::Packages;
use crate::bundled;
use crate::run_report::RunReport;
use crate::scenarios::servers_on::Results;

/// The first process of the machine.
const INIT: &str = include_str!("init.sh");

/// The number of servers that are checked at the same time, and of processors.
const WORKERS: u32 = 2;

/// The seconds after which the machine is ended: far more than a run takes.
const TIME_LIMIT: &str = "14400";

/// The programs, the commands and the packages of one emulated machine.
pub struct Run<'a> {
    pub emulator: &'a Emulator,
    pub packages: &'a Packages<'a>,
    /// The folder of the programs, and their names.
    pub programs: (&'a Path, BTreeSet<&'a str>),
    pub commands: &'a [String],
    pub options: &'a str,
}

impl Run<'_> {
    /// Boots the machine, prints a line for each server, and returns the results that the console shows.
    pub fn results(&self) -> Result<Results> {
        let place = TempDir::new_in("/tmp")?;
        let kernel = self.packages.kernel(self.emulator, place.path())?;
        let archive = self.archive(place.path())?;
        let accelerator = self.emulator.accelerator();
        let mut machine = Machine(self.start(accelerator, &kernel, &archive)?);
        let console = machine.0.stdout.take().context("the emulator has no output")?;
        let mut results = Results::default();
        let mut last = String::new();
        for line in BufReader::new(console).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).trim_end().to_owned();
            match Line::read(&line)? {
                Line::Kernel(release) => results.kernel = format!("{release} ({})", accelerator.name),
                Line::Report(number, mut run) => {
                    let command = self.commands.get(number).context("a report of an unknown server")?;
                    run.accept(&bundled::deviations(command)?);
                    println!("        {command}: {} passed", run.passed);
                    run.failures.iter().for_each(|failure| println!("            {failure}"));
                    results.add(&[], command, run);
                }
                Line::Failure(number, text) => {
                    let command = self.commands.get(number).context("a failure of an unknown server")?;
                    println!("        {command}: {text}");
                    results.failures.push(format!("{command}: {text}"));
                }
                Line::End => return Ok(results),
                Line::Other => last = line,
            }
        }
        bail!("the machine ended early; the last line of its console: {last}")
    }

    fn start(&self, accelerator: &Accelerator, kernel: &Path, archive: &Path) -> Result<Child> {
        let Emulator { program, options, console, .. } = self.emulator;
        let line = format!(
            "console={console} quiet loglevel=1 panic=-1 WORKERS={WORKERS} ECHOSPEC_TIMEOUT_SCALE={} OPTIONS={}",
            accelerator.timeout_scale, self.options
        );
        let processors = WORKERS.to_string();
        // The machine ends with this process, also if a signal ends that.
        Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "timeout", "--foreground", TIME_LIMIT, program])
            .args(*options)
            .args(accelerator.options)
            .args(["-smp", &processors, "-m", "3072"])
            .args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"])
            .args(["-append", &line, "-kernel"])
            .arg(kernel)
            .arg("-initrd")
            .arg(archive)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {program}"))
    }

    /// Writes everything that the machine has into an archive.
    fn archive(&self, place: &Path) -> Result<PathBuf> {
        let path = place.join("archive");
        let mut archive = Archive::new(BufWriter::new(File::create(&path)?));
        for folder in ["bin", "programs"] {
            archive.add_directory(folder)?;
        }
        archive.add_copy("bin/busybox", &self.packages.busybox(self.emulator, place)?)?;
        let (folder, names) = &self.programs;
        for name in names {
            archive.add_copy(&format!("programs/{name}"), &folder.join(name))?;
        }
        archive.add_file("init", INIT.as_bytes())?;
        let lines: String = self.commands.iter().map(|line| format!("{line}\n")).collect();
        archive.add_file("commands", lines.as_bytes())?;
        archive.finish()?;
        Ok(path)
    }
}

/// An emulator that runs. Dropping it ends it.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        // timeout(1) passes the signal on. It fails if the machine has ended.
        if let Ok(pid) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.0.wait();
    }
}

/// A line of the console.
#[derive(Debug)]
enum Line {
    Kernel(String),
    Report(usize, RunReport),
    Failure(usize, String),
    End,
    Other,
}

impl Line {
    fn read(line: &str) -> Result<Line> {
        let Some(line) = line.strip_prefix('@') else { return Ok(Line::Other) };
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let "kernel" | "end" = word {
            return Ok(if word == "end" { Line::End } else { Line::Kernel(rest.to_owned()) });
        }
        let (number, text) = rest.split_once(' ').with_context(|| format!("no number: {line}"))?;
        let number = number.parse().with_context(|| format!("no number: {line}"))?;
        if word == "report" {
            return RunReport::read(text).map(|run| Line::Report(number, run));
        }
        Ok(Line::Failure(number, format!("{word} {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_console_are_told_apart() {
        let read = |line: &str| format!("{:?}", Line::read(line).unwrap());
        assert_eq!(read("[    0.1] Booting Linux"), "Other");
        assert_eq!(read("@kernel 6.12.1 aarch64"), "Kernel(\"6.12.1 aarch64\")");
        assert_eq!(read("@status 3 137 killed"), "Failure(3, \"status 137 killed\")");
        assert_eq!(read("@left 0 a b"), "Failure(0, \"left a b\")");
        assert!(matches!(Line::read(r#"@report 7 {"checks":[]}"#), Ok(Line::Report(7, _))));
        assert_eq!(read("@end"), "End");
        assert!(Line::read("@report seven").is_err());
    }
}
