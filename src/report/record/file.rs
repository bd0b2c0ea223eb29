//! Event streams in files: one JSON object a line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::{Event, VERSION};
use crate::report::Reporter;

/// The maximum length of one line of an event stream, so that a file which holds no events cannot exhaust memory.
const MAX_LINE: u64 = 16 << 20;

/// Writes each event of a run as one line of JSON as soon as it happens.
pub struct Events<W> {
    out: W,
}

impl<W: Write> Events<W> {
    /// Creates an event stream that is written to `out`.
    pub fn new(out: W) -> Events<W> {
        Events { out }
    }
}

impl<W: Write> Reporter for Events<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, event)?;
        writeln!(self.out)?;
        self.out.flush()
    }
}

/// Reads the events of runs in the file at `path`. A last line that breaks off, as after a crash of the run, is
/// ignored.
///
/// # Errors
/// If the file cannot be read, or a line is no event of a version that this program knows.
pub fn read(path: &Path) -> anyhow::Result<Vec<Event>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        file.metadata().is_ok_and(|it| it.is_file()),
        "{} is not a regular file. Expected a file that `echospec check --events` wrote.",
        path.display()
    );
    read_from(BufReader::new(file)).with_context(|| format!("{}", path.display()))
}

fn read_from(mut input: impl BufRead) -> anyhow::Result<Vec<Event>> {
    let mut events = Vec::new();
    for number in 1.. {
        let mut line = Vec::new();
        let length = io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        let is_whole = line.ends_with(b"\n");
        match parse(&line) {
            Ok(event) => events.push(event),
            Err(_) if !is_whole && number > 1 => break,
            Err(error) => return Err(error.context(format!("line {number}"))),
        }
    }
    ensure!(!events.is_empty(), "it holds no events. Expected a file that `echospec check --events` wrote.");
    Ok(events)
}

fn parse(line: &[u8]) -> anyhow::Result<Event> {
    let value: Value = serde_json::from_slice(line).context(
        "this is no event. Expected one JSON object a line, as `echospec check --events` writes it",
    )?;
    if let Some(version) = value.get("version").and_then(Value::as_u64)
        && version > u64::from(VERSION)
    {
        bail!("the event stream has version {version}; this echospec reads up to version {VERSION}");
    }
    Ok(serde_json::from_value(value)?)
}

/// Returns the JSON Schema of one line of the event stream.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Event).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::record::CheckStarted;

    fn started(check: &str) -> Event {
        Event::CheckStarted(CheckStarted { check: check.into(), at_millis: 0.5 })
    }

    #[test]
    fn reads_what_it_wrote() {
        let (mut bytes, events) = (Vec::new(), [started("fd/no-leak"), started("a\n\u{202e}b")]);
        events.iter().for_each(|event| Events::new(&mut bytes).event(event).unwrap());
        assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), 2);
        assert_eq!(read_from(&bytes[..]).unwrap(), events);
    }

    #[test]
    fn ignores_a_line_that_breaks_off() {
        let mut bytes = Vec::new();
        Events::new(&mut bytes).event(&started("x")).unwrap();
        bytes.extend_from_slice(b"{\"event\":\"check-fin");
        assert_eq!(read_from(&bytes[..]).unwrap(), [started("x")]);
    }

    #[test]
    fn names_the_line_that_is_no_event() {
        let mut bytes = Vec::new();
        Events::new(&mut bytes).event(&started("x")).unwrap();
        bytes.extend_from_slice(b"hello\n");
        let error = format!("{:#}", read_from(&bytes[..]).unwrap_err());
        assert!(error.starts_with("line 2: this is no event"), "{error}");
    }

    #[test]
    fn refuses_a_later_version() {
        let line = format!("{{\"event\":\"run-started\",\"version\":{}}}\n", VERSION + 1);
        let error = format!("{:#}", read_from(line.as_bytes()).unwrap_err());
        assert!(error.contains("reads up to version"), "{error}");
    }
}
