//! One self-contained HTML page: servers and checks as a table, and each finding with its timeline.
//!
//! The page loads nothing. Everything that comes from a server is escaped by the template engine, and the script reads it
//! as text only. Without the script the page is complete: a timeline is a list, which the script draws as a diagram.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use self::causes::{Cause, causes};
pub use self::comparison::ComparisonSection;
use super::Format;
use super::marked::{Piece, mark_first_wrong_byte};
use super::record::{CheckFinished, NotRun, RunRecord, TimelineStep, not_run};
use crate::outcome::Outcome;
use crate::runner::Summary;
use crate::server::Rehearsal;
use crate::text::count_with_noun;

mod causes;
mod comparison;

pub const FORMAT: Format =
    Format { name: "html", summary: "one HTML page, with a diagram of each finding", render };

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The number of steps that the HTML report shows from the beginning of a timeline, and from its end.
const STEPS: usize = 25;

fn render(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    render_with(runs, &[], out)
}

/// Writes the page about recorded runs and saved comparisons.
pub fn render_with(
    runs: &[RunRecord],
    comparisons: &[ComparisonSection],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    engine.set_syntax(syntax.map_err(io::Error::other)?);
    engine.add_template("page", PAGE).map_err(io::Error::other)?;
    let page = Value::from(Serde(Page::of(runs)));
    let comparisons: Vec<_> = comparisons.iter().map(ComparisonSection::with_images).collect();
    let comparisons = Value::from(Serde(comparisons));
    let template = engine.get_template("page").map_err(io::Error::other)?;
    template
        .render_captured_to(context! { page, comparisons, style => STYLE, script => SCRIPT }, out)
        .map(drop)
        .map_err(io::Error::other)
}

/// The content of the HTML report, as its template receives it.
#[derive(Serialize)]
struct Page<'a> {
    title: String,
    totals: String,
    /// Whether every server of the report was checked to the end, and no check failed.
    is_ok: bool,
    areas: Vec<Area<'a>>,
    servers: Vec<ServerRow<'a>>,
    causes: Vec<CauseSection<'a>>,
    /// Whether any check of any server was not run.
    has_not_run: bool,
    outcomes: Vec<&'static str>,
}

/// An area of checks, shown as a group of columns in the HTML report.
#[derive(Serialize)]
struct Area<'a> {
    name: &'a str,
    checks: Vec<&'a CheckFinished>,
}

/// One server, shown as a row of the HTML report's table.
#[derive(Serialize)]
struct ServerRow<'a> {
    title: &'a str,
    /// The title without the directory of the server's program, for the head of a column.
    short_title: &'a str,
    command: &'a str,
    about: String,
    verdict: String,
    is_ok: bool,
    rehearsal: String,
    differences: &'a [String],
    summary: Summary,
    seconds: String,
    cells: Vec<Cell>,
    not_run: Vec<NotRun<'a>>,
}

/// The result of one check of one server, shown as a cell of the HTML report's table.
#[derive(Serialize)]
struct Cell {
    outcome: &'static str,
    letter: &'static str,
    millis: u64,
    /// The number of the report's section about this finding, if there is one.
    finding: Option<usize>,
}

/// Findings of one server that look like one fault, shown together in the HTML report.
#[derive(Serialize)]
struct CauseSection<'a> {
    server: &'a str,
    /// The event that the findings have in common. Empty for a single finding.
    summary: String,
    findings: Vec<FindingSection<'a>>,
}

/// A check that did not pass, shown as a section of the HTML report.
#[derive(Serialize)]
struct FindingSection<'a> {
    number: usize,
    server: &'a str,
    check: &'a CheckFinished,
    outcome: &'static str,
    fields: Vec<Field>,
    steps: Vec<&'a TimelineStep>,
    left_out: usize,
}

/// One field of a finding's explanation in the HTML report.
#[derive(Serialize)]
struct Field {
    name: &'static str,
    pieces: Vec<Piece>,
    is_block: bool,
}

impl<'a> Page<'a> {
    fn of(runs: &'a [RunRecord]) -> Page<'a> {
        let areas = areas(runs);
        let mut causes = Vec::new();
        let servers: Vec<_> = runs.iter().map(|run| ServerRow::of(run, &areas, &mut causes)).collect();
        let outcomes = present_outcomes(runs);
        let failed = servers.iter().filter(|server| !server.is_ok).count();
        let checks = runs.iter().map(|run| run.checks.len()).sum();
        Page {
            title: match runs {
                [run] => format!("{} · echospec", run.title()),
                _ => format!("{} · echospec", count_with_noun(runs.len(), "server")),
            },
            totals: format!(
                "{}, {}, {}; {}",
                count_with_noun(runs.len(), "server"),
                count_with_noun(checks, "check"),
                count_with_noun(count_findings(&causes), "finding"),
                if failed == 0 {
                    "no failure".into()
                } else {
                    format!("{} not ok", count_with_noun(failed, "server"))
                },
            ),
            is_ok: failed == 0,
            has_not_run: servers.iter().any(|server| !server.not_run.is_empty()),
            areas,
            servers,
            causes,
            outcomes,
        }
    }
}

/// Returns the checks of all runs by area for the HTML report, each check once, in the order of the runs.
fn areas(runs: &[RunRecord]) -> Vec<Area<'_>> {
    let mut areas: Vec<Area<'_>> = Vec::new();
    for check in runs.iter().flat_map(|run| &run.checks) {
        let index = areas.iter().position(|area| area.name == check.area()).unwrap_or_else(|| {
            areas.push(Area { name: check.area(), checks: Vec::new() });
            areas.len() - 1
        });
        let area = &mut areas[index];
        if !area.checks.iter().any(|known| known.check == check.check) {
            area.checks.push(check);
        }
    }
    areas
}

fn present_outcomes(runs: &[RunRecord]) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = Vec::new();
    for check in runs.iter().flat_map(RunRecord::findings) {
        if !words.contains(&check.outcome.word()) {
            words.push(check.outcome.word());
        }
    }
    words
}

impl<'a> ServerRow<'a> {
    fn of(run: &'a RunRecord, areas: &[Area<'a>], sections: &mut Vec<CauseSection<'a>>) -> ServerRow<'a> {
        let server = &run.started.server;
        let mut before = count_findings(sections);
        let mut numbers = Vec::new();
        for cause in causes(run) {
            numbers.extend((before + 1..).zip(&cause.checks).map(|(number, check)| (&check.check, number)));
            sections.push(CauseSection::of(run, cause, before));
            before = count_findings(sections);
        }
        let ids = areas.iter().flat_map(|area| area.checks.iter().map(|check| &check.check));
        let cells = ids.map(|id| {
            let check = run.checks.iter().find(|check| check.check == *id);
            let number = numbers.iter().find(|(known, _)| *known == id).map(|(_, number)| *number);
            check.map_or_else(Cell::absent, |check| Cell::of(check, number))
        });
        ServerRow {
            cells: cells.collect(),
            title: run.title(),
            short_title: without_directory(run.title()),
            not_run: not_run(&run.checks),
            command: &server.command,
            about: format!(
                "{}, {}, protocol {}, seed {}, {}",
                server.transport, server.start, server.protocol, run.started.seed, run.started.system
            ),
            verdict: run.verdict(),
            is_ok: run.is_ok(),
            rehearsal: server.rehearsal.as_ref().map(Rehearsal::summary).unwrap_or_default(),
            differences: server.differences(),
            summary: run.summary(),
            seconds: format!("{:.1}", run.seconds()),
        }
    }
}

/// Returns the command `title` without the directory of its program.
fn without_directory(title: &str) -> &str {
    let program = title.split(' ').next().unwrap_or_default();
    title.get(program.rfind('/').map_or(0, |slash| slash + 1)..).unwrap_or(title)
}

impl Cell {
    fn absent() -> Cell {
        Cell { outcome: "absent", letter: "", millis: 0, finding: None }
    }

    fn of(check: &CheckFinished, finding: Option<usize>) -> Cell {
        let letter = letter(check.outcome);
        Cell { outcome: check.outcome.word(), letter, millis: check.took_millis.round() as u64, finding }
    }
}

impl<'a> CauseSection<'a> {
    /// Creates the section of `cause`. `before` findings of the report come before it.
    fn of(run: &'a RunRecord, cause: Cause<'a>, before: usize) -> CauseSection<'a> {
        let numbered = (before + 1..).zip(cause.checks);
        CauseSection {
            server: run.title(),
            summary: cause.summary,
            findings: numbered.map(|(number, check)| FindingSection::of(number, run, check)).collect(),
        }
    }
}

fn count_findings(causes: &[CauseSection<'_>]) -> usize {
    causes.iter().map(|cause| cause.findings.len()).sum()
}

/// Returns the letter for an outcome in the HTML report's table.
fn letter(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "·",
        Outcome::Fail => "F",
        Outcome::Warn => "w",
        Outcome::Info => "i",
        Outcome::Skipped | Outcome::Unsupported => "–",
        Outcome::Timeout => "T",
        Outcome::Crash => "C",
        Outcome::Leak => "L",
        Outcome::Broken => "?",
        Outcome::Flaky => "f",
        Outcome::Xfail => "x",
        Outcome::Xpass => "X",
    }
}

impl<'a> FindingSection<'a> {
    fn of(number: usize, run: &'a RunRecord, check: &'a CheckFinished) -> FindingSection<'a> {
        let (steps, left_out) = shown_steps(&check.timeline);
        let field = |(name, text): (&'static str, String)| Field {
            name,
            is_block: text.contains('\n') || matches!(name, "again" | "printed"),
            pieces: mark_first_wrong_byte(&text),
        };
        FindingSection {
            number,
            server: run.title(),
            check,
            outcome: check.outcome.word(),
            fields: check.fields().into_iter().map(field).collect(),
            steps,
            left_out,
        }
    }
}

/// Returns the first and the last steps of a timeline, and how many lie between.
fn shown_steps(steps: &[TimelineStep]) -> (Vec<&TimelineStep>, usize) {
    let left_out = steps.len().saturating_sub(2 * STEPS);
    let is_shown = |index: usize| index < STEPS || index >= STEPS + left_out;
    let shown = steps.iter().enumerate().filter(|(index, _)| is_shown(*index));
    (shown.map(|(_, step)| step).collect(), left_out)
}
