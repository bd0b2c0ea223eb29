//! Writes `docs/servers.md` and `docs/stdio-servers.md`: servers that do not speak echo, and their results for frequent
//! questions.

use std::fs;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use echospec::outcome::Outcome;

use crate::matrix::Row;
use crate::record::{self, Candidate, List};
use crate::root;

/// A page of servers and questions.
#[derive(Debug)]
pub struct Page {
    /// The file, relative to the root of the repository.
    path: &'static str,
    list: List,
    head: &'static str,
    questions: &'static [Question],
    /// The beginning of the ids of the checks that it counts as passed.
    counted: &'static str,
}

/// The servers in `fixtures/peers.toml`.
pub const SERVERS: Page =
    Page { path: "docs/servers.md", list: List::Peers, head: HEAD, questions: &QUESTIONS, counted: "" };

/// The servers in `fixtures/stdio-peers.toml`.
pub const STDIO_SERVERS: Page = Page {
    path: "docs/stdio-servers.md",
    list: List::Stdio,
    head: STDIO_HEAD,
    questions: &STDIO_QUESTIONS,
    counted: "stdio/",
};

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
    /// Writes the row and the deviations of one server into the page, and leaves the others as they are. A run that
    /// was interrupted, or that the record does not expect, changes nothing.
    pub fn update(&self, server: &Candidate, row: &Row) -> Result<()> {
        static WRITING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if !row.is_whole() {
            println!("{} keeps the row of {}: its run is not whole, or not as expected", self.path, row.name);
            return Ok(());
        }
        let path = root().join(self.path);
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let names = record::names_with_protocol(self.list)?;
        let page = self.merge(&old, &names, row, &version(&server.version));
        fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns the page with the rows and deviations of `old`, but those of `row` instead of its server's. Servers
    /// that are not among `names` have left the record, and lose theirs.
    fn merge(&self, old: &str, names: &[String], row: &Row, version: &str) -> String {
        let table = self.table_head();
        // Rows under other questions say nothing.
        let old = if old.contains(&table) { old } else { "" };
        let mut page = String::from(self.head) + &table;
        let mut deviations = String::new();
        for name in names {
            if *name == row.name {
                page += &self.line(row, version);
                row.on_record.iter().for_each(|line| deviations += &format!("- {line}\n"));
                continue;
            }
            let of_row = format!("| {name} |");
            let of_deviation = format!("- {name}: ");
            for line in old.lines() {
                if line.starts_with(&of_row) {
                    page += &format!("{line}\n");
                } else if line.starts_with(&of_deviation) {
                    deviations += &format!("{line}\n");
                }
            }
        }
        page + "\n## Deviations and their reasons\n\n" + &deviations
    }

    /// Returns the questions, and the head of the table.
    fn table_head(&self) -> String {
        let questions = self.questions.iter().enumerate().map(|(number, question)| {
            format!("{}. {} (`{}`)\n", number + 1, capitalized(question.head), question.check)
        });
        let numbers: Vec<_> = (1..=self.questions.len()).map(|number| number.to_string()).collect();
        let columns = "---|".repeat(self.questions.len());
        questions.collect::<String>()
            + &format!("\n| server | version | {} | passed |\n|---|---|{columns}---|\n", numbers.join(" | "))
    }

    fn line(&self, row: &Row, version: &str) -> String {
        let cells: Vec<_> = self.questions.iter().map(|question| question.cell(row)).collect();
        format!("| {} | {version} | {} | {} |\n", row.name, cells.join(" | "), self.passed(row))
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

Servers that do not speak echo, and what each answered in a run of all its checks. `cargo xtask peers --only ': ' --table` writes this
page. Each server runs as `fixtures/peers.toml` states, with the defaults of its package unless the command or the file there says
otherwise. *Limited* is allowed, and worth knowing. A dash means that the question does not apply, or cannot be asked.
[Back to the checks](checks.md).

";

const STDIO_QUESTIONS: [Question; 12] = [
    yes("writes messages of its protocol alone to standard output", "stdio/protocol-only"),
    yes("ends at the end of its input", "stdio/ends-at-eof"),
    yes("exits with status 0 then", "stdio/status-at-eof"),
    yes("answers what was asked before the end of its input", "stdio/answers-before-eof"),
    yes("delivers answers that the kernel cannot hold", "stdio/delivers-long-output"),
    yes("ends when its client closes both directions at once", "stdio/ends-with-client"),
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

    #[test]
    fn every_server_with_a_protocol_has_a_row() {
        for page in [SERVERS, STDIO_SERVERS] {
            let text = fs::read_to_string(root().join(page.path)).unwrap();
            let table = page.table_head();
            assert!(text.starts_with(&format!("{}{table}", page.head)), "the head of {} is old", page.path);
            for name in record::names_with_protocol(page.list).unwrap() {
                assert!(text.contains(&format!("| {name} |")), "{} has no row for {name}", page.path);
            }
        }
    }

    #[test]
    fn update_changes_the_row_of_one_server() {
        let names = ["redis: new", "redis: one", "redis: one unix"].map(str::to_owned);
        let row = |name: &str, deviation: &str| Row {
            name: name.into(),
            on_record: vec![format!("{name}: warn a/b: {deviation}")],
            ..Row::default()
        };
        let first = SERVERS.merge("", &names, &row("redis: one", "slow"), "1.0");
        let second = SERVERS.merge(&first, &names, &row("redis: one unix", "odd"), "1.0");
        let third = SERVERS.merge(&second, &names, &row("redis: one", "late"), "2.0");
        assert!(third.contains("| redis: one | 2.0 | ") && third.contains("| redis: one unix | 1.0 | "));
        let deviations = "\n\n- redis: one: warn a/b: late\n- redis: one unix: warn a/b: odd\n";
        assert!(third.ends_with(deviations), "{third}");
        let left = SERVERS.merge(&third, &names[..1], &row("redis: new", "new"), "3.0");
        assert!(!left.contains("redis: one") && left.contains("| redis: new | 3.0 |"), "{left}");
    }

    #[test]
    fn every_question_is_asked_by_a_check() {
        for Question { check, .. } in QUESTIONS.iter().chain(&STDIO_QUESTIONS) {
            assert!(echospec::checks::all_checks().any(|it| it.id == *check), "no check is called {check}");
        }
    }
}
