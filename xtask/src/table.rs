//! Writes `docs/servers.md`: servers that do not speak echo, and their results for frequent questions.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use echospec::outcome::Outcome;

use crate::matrix::Row;
use crate::record::Candidate;
use crate::root;

/// The page, relative to the root of the repository.
const PAGE: &str = "docs/servers.md";

/// A question of the page: its text, the check that answers it, and the answers for a pass and a failure.
struct Question {
    head: &'static str,
    check: &'static str,
    pass: &'static str,
    failure: &'static str,
}

const QUESTIONS: [Question; 9] = [
    yes("starts again while old connections are in TIME_WAIT", "port/restart-in-time-wait"),
    no("leaves its listener to children", "fd/child-holds-no-listener"),
    yes("survives EMFILE without spinning", "load/out-of-descriptors"),
    yes("ends at its signal while a client is connected", "life/ends-on-sigterm"),
    yes("bounds what it buffers for a client that does not read", "load/bounded-buffering"),
    yes("serves others while one client does not read", "load/slow-client-blocks-none"),
    yes("serves with standard input, output and error closed", "life/closed-stdio"),
    yes("takes a burst of connections", "load/backlog"),
    yes("reloads without failing a client", "life/survives-reload"),
];

const fn yes(head: &'static str, check: &'static str) -> Question {
    Question { head, check, pass: "yes", failure: "**no**" }
}

const fn no(head: &'static str, check: &'static str) -> Question {
    Question { head, check, pass: "no", failure: "**yes**" }
}

/// Writes the page from the `rows` of a run of `servers`.
pub fn write(servers: &[Candidate], rows: &[Row]) -> Result<()> {
    let path = root().join(PAGE);
    let mut page = String::from(HEAD);
    for (number, question) in QUESTIONS.iter().enumerate() {
        page += &format!("{}. {} (`{}`)\n", number + 1, capitalized(question.head), question.check);
    }
    let numbers: Vec<_> = (1..=QUESTIONS.len()).map(|number| number.to_string()).collect();
    page += &format!("\n| server | version | {} | passed |\n", numbers.join(" | "));
    page += &format!("|---|---|{}---|\n", "---|".repeat(QUESTIONS.len()));
    for row in rows {
        let server = servers.iter().find(|server| server.name == row.name);
        let version = server.map_or(String::new(), |server| version(&server.version));
        let cells: Vec<_> = QUESTIONS.iter().map(|question| question.cell(row)).collect();
        page += &format!("| {} | {version} | {} | {} |\n", row.name, cells.join(" | "), passed(row));
    }
    page += "\n## Deviations and their reasons\n\n";
    for line in rows.iter().flat_map(|row| &row.on_record) {
        page += &format!("- {line}\n");
    }
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

const HEAD: &str = "\
# Servers on record

Servers that do not speak echo, and what they answered in one run. `cargo xtask peers --only ': ' --table` writes this page.
Each server runs as `fixtures/peers.toml` states, with the defaults of its package unless the command or the file there says
otherwise. *Limited* is allowed, and worth knowing. A dash means that the question does not apply, or cannot be asked. [Back to the checks](checks.md).

";

impl Question {
    fn cell(&self, row: &Row) -> &'static str {
        match row.results.iter().find(|result| result.check.id == self.check).map(|result| result.outcome) {
            Some(Outcome::Pass) => self.pass,
            Some(Outcome::Info) => "limited",
            None | Some(Outcome::Unsupported | Outcome::Skipped) => "–",
            Some(_) => self.failure,
        }
    }
}

/// Returns how many checks have passed, of those that could run.
fn passed(row: &Row) -> String {
    let count =
        |wanted: &dyn Fn(Outcome) -> bool| row.results.iter().filter(|result| wanted(result.outcome)).count();
    let passed = count(&|outcome| matches!(outcome, Outcome::Pass | Outcome::Info));
    let asked = count(&|outcome| !matches!(outcome, Outcome::Unsupported | Outcome::Skipped));
    format!("{passed} of {asked}")
}

/// Runs the version command of a server. Returns the first number with a dot that it prints.
fn version(command: &[String]) -> String {
    let Some((program, arguments)) = command.split_first() else { return String::new() };
    let Ok(output) = Command::new(program).args(arguments).output() else { return String::new() };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    numbers
        .find(|word| word.contains('.') && word.starts_with(|letter: char| letter.is_ascii_digit()))
        .unwrap_or_default()
        .trim_matches('.')
        .to_owned()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record;

    #[test]
    fn every_server_with_a_protocol_has_a_row() {
        let page = fs::read_to_string(root().join(PAGE)).unwrap();
        for name in record::names_with_protocol().unwrap() {
            assert!(page.contains(&format!("| {name} |")), "{PAGE} has no row for {name}");
        }
    }

    #[test]
    fn every_question_is_asked_by_a_check() {
        for Question { check, .. } in &QUESTIONS {
            assert!(echospec::checks::all_checks().any(|it| it.id == *check), "no check is called {check}");
        }
    }
}
