//! Writes `docs/servers.md` and `docs/stdio-servers.md`: servers that do not speak echo, and their results for frequent
//! questions.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use echospec::outcome::Outcome;

use crate::matrix::Row;
use crate::record::Candidate;
use crate::root;

/// A page of servers and questions.
#[derive(Debug)]
pub struct Page {
    /// The file, relative to the root of the repository.
    path: &'static str,
    head: &'static str,
    questions: &'static [Question],
    /// The beginning of the ids of the checks that it counts as passed.
    counted: &'static str,
}

/// The servers in `fixtures/peers.toml`.
pub const SERVERS: Page = Page { path: "docs/servers.md", head: HEAD, questions: &QUESTIONS, counted: "" };

/// The servers in `fixtures/stdio-peers.toml`.
pub const STDIO_SERVERS: Page =
    Page { path: "docs/stdio-servers.md", head: STDIO_HEAD, questions: &STDIO_QUESTIONS, counted: "stdio/" };

/// A question of a page: its text, the check that answers it, and the answers for a pass and a failure.
#[derive(Debug)]
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

impl Page {
    /// Writes the page from the `rows` of a run of `servers`.
    pub fn write(&self, servers: &[Candidate], rows: &[Row]) -> Result<()> {
        let path = root().join(self.path);
        let mut page = String::from(self.head);
        for (number, question) in self.questions.iter().enumerate() {
            page += &format!("{}. {} (`{}`)\n", number + 1, capitalized(question.head), question.check);
        }
        let numbers: Vec<_> = (1..=self.questions.len()).map(|number| number.to_string()).collect();
        page += &format!("\n| server | version | {} | passed |\n", numbers.join(" | "));
        page += &format!("|---|---|{}---|\n", "---|".repeat(self.questions.len()));
        for row in rows {
            let server = servers.iter().find(|server| server.name == row.name);
            let version = server.map_or(String::new(), |server| version(&server.version));
            let cells: Vec<_> = self.questions.iter().map(|question| question.cell(row)).collect();
            page += &format!("| {} | {version} | {} | {} |\n", row.name, cells.join(" | "), self.passed(row));
        }
        page += "\n## Deviations and their reasons\n\n";
        for line in rows.iter().flat_map(|row| &row.on_record) {
            page += &format!("- {line}\n");
        }
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns how many checks have passed, of those that count and could run.
    fn passed(&self, row: &Row) -> String {
        let counted: Vec<_> =
            row.results.iter().filter(|result| result.check.id.starts_with(self.counted)).collect();
        let count =
            |wanted: &dyn Fn(Outcome) -> bool| counted.iter().filter(|result| wanted(result.outcome)).count();
        let passed = count(&|outcome| matches!(outcome, Outcome::Pass | Outcome::Info));
        let asked = count(&|outcome| !matches!(outcome, Outcome::Unsupported | Outcome::Skipped));
        format!("{passed} of {asked}")
    }
}

const HEAD: &str = "\
# Servers on record

Servers that do not speak echo, and what they answered in one run. `cargo xtask peers --only ': ' --table` writes this page.
Each server runs as `fixtures/peers.toml` states, with the defaults of its package unless the command or the file there says
otherwise. *Limited* is allowed, and worth knowing. A dash means that the question does not apply, or cannot be asked. *Passed* counts the checks of the area `stdio`.
[How to check your own server](stdio.md).

";

const STDIO_QUESTIONS: [Question; 12] = [
    yes("writes messages of its protocol alone to standard output", "stdio/protocol-only"),
    yes("ends at the end of its input", "stdio/ends-at-eof"),
    yes("exits with status 0 then", "stdio/status-at-eof"),
    yes("answers what was asked before the end of its input", "stdio/answers-before-eof"),
    yes("delivers answers that a pipe cannot hold", "stdio/delivers-long-output"),
    yes("ends when both pipes are closed at once", "stdio/ends-with-client"),
    yes("ends with the process that its client named", "stdio/ends-with-client-process"),
    yes("ends at the goodbye of its protocol", "stdio/ends-at-goodbye"),
    yes("ends at SIGINT", "stdio/ends-on-sigint"),
    yes("ends at SIGTERM and SIGINT while it works", "stdio/ends-while-at-work"),
    yes("serves when standard error fails", "stdio/failing-stderr"),
    yes("serves when its standard error is not read", "stdio/unread-stderr"),
];

const STDIO_HEAD: &str = "\
# Servers on standard input and output on record

MCP servers, language servers and others, and what they answered in one run. `cargo xtask peers --stdio --table` writes this page,
and installs most of these servers at pinned versions. Each runs as `fixtures/stdio-peers.toml` states. *Limited* is allowed, and worth
knowing. A dash means that the question does not apply, or cannot be asked. *Passed* counts the checks of the area `stdio`.
[How to check your own server](stdio.md).

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
    use crate::record::{self, List};

    #[test]
    fn every_server_with_a_protocol_has_a_row() {
        for (page, list) in [(SERVERS, List::Peers), (STDIO_SERVERS, List::Stdio)] {
            let text = fs::read_to_string(root().join(page.path)).unwrap();
            for name in record::names_with_protocol(list).unwrap() {
                assert!(text.contains(&format!("| {name} |")), "{} has no row for {name}", page.path);
            }
        }
    }

    #[test]
    fn every_question_is_asked_by_a_check() {
        for Question { check, .. } in QUESTIONS.iter().chain(&STDIO_QUESTIONS) {
            assert!(echospec::checks::all_checks().any(|it| it.id == *check), "no check is called {check}");
        }
    }
}
