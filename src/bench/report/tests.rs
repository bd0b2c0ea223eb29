//! Compares every format of a fixed comparison with the files in `golden/`.
//!
//! After an intended change, `BLESS=1 cargo test --lib bench::report` writes the files. Read the difference before you
//! commit it.

use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

use anstream::StripStream;
use rstest::rstest;

use super::sample::sample_comparison;
use super::{Comparison, TableOptions, draw_charts, write_csv, write_json, write_markdown, write_table};

fn terminal(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    write_table(comparison, TableOptions::default(), out)
}

fn ascii(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    write_table(comparison, TableOptions { ascii: true, machine: true }, out)
}

fn latency(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(draw_charts(comparison)[0].svg.as_bytes())
}

/// Writes a few measurements of a comparison for a test, because all are written in the same way.
fn some_measurements(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let measurements = comparison.measurements.iter().step_by(15).cloned().collect();
    write_json(&Comparison { measurements, ..comparison.clone() }, out)
}

type Format = fn(&Comparison, &mut dyn Write) -> io::Result<()>;

#[rstest]
#[case::terminal("terminal.txt", terminal)]
#[case::ascii("ascii.txt", ascii)]
#[case::markdown("markdown.md", write_markdown)]
#[case::csv("figures.csv", write_csv)]
#[case::json("figures.json", some_measurements)]
#[case::chart("latency-same.svg", latency)]
fn writes_the_golden_file(#[case] file: &str, #[case] write: Format) {
    let mut bytes = Vec::new();
    write(&sample_comparison("mine"), &mut StripStream::new(&mut bytes as &mut dyn Write)).unwrap();
    let written = String::from_utf8(bytes).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bench/report/golden").join(file);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert_eq!(written, fs::read_to_string(&path).unwrap(), "{}", path.display());
}

#[test]
fn terminal_lines_have_at_most_100_columns() {
    let mut bytes = Vec::new();
    terminal(&sample_comparison("mine"), &mut StripStream::new(&mut bytes as &mut dyn Write)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn charts_are_well_formed_with_any_name() {
    let strange = "<a href='x'>&\u{1b}[31m]]>\u{202e}";
    let all = draw_charts(&sample_comparison(strange));
    let files: Vec<_> = all.iter().map(|chart| chart.file.as_str()).collect();
    let kinds = ["latency", "throughput", "cpu", "overview"];
    let expected: Vec<_> =
        ["same", "cross"].iter().flat_map(|place| kinds.map(|kind| format!("{kind}-{place}.svg"))).collect();
    assert_eq!(files, expected);
    for chart in all {
        let document = roxmltree::Document::parse(&chart.svg).unwrap();
        let named = document.descendants().filter(|node| node.attribute("class") == Some("name"));
        assert!(named.filter(|node| node.text().is_some_and(|text| text.starts_with("<a href"))).count() > 0);
        assert!(!chart.svg.contains(['\u{1b}', '\u{202e}']), "{}", chart.file);
    }
}
