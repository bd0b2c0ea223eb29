//! The house rules of CONTRIBUTING.md as code. Each names the file and line, and what to do instead.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::root;

/// Rooms of `src` from the bottom up: a file imports from its own floor's room and from lower floors.
const FLOORS: &[&[&str]] = &[
    &["sys", "check", "outcome", "text", "requirement", "payload"],
    &["deadline", "trace"],
    &["protocol", "wire"],
    &["transport", "diagram"],
    &["server"],
    &["checks", "bench"],
    &["runner"],
    &["report", "demo", "fds", "doctor", "expectations", "config"],
    &["cli"],
];

/// A file longer than this holds more than one idea.
const LONGEST: usize = 350;

/// A minimal server is read from top to bottom.
const LONGEST_SERVER: usize = 150;

pub fn run() -> Result<bool> {
    let findings = findings()?;
    findings.iter().for_each(|finding| println!("{finding}"));
    println!("tidy: {} findings", findings.len());
    Ok(findings.is_empty())
}

/// Everything that breaks a rule.
fn findings() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in ["src", "xtask/src", "tests", "fixtures/src", "fixtures/tests"] {
        for path in rust_files(&root().join(folder))? {
            let text = fs::read_to_string(&path)?;
            let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().into_owned();
            found.extend(inspect(&Source { name: &name, text: &text }));
        }
    }
    Ok(found)
}

struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

fn inspect(source: &Source<'_>) -> Vec<String> {
    let mut found = lines(source);
    found.extend(length(source));
    found.extend(naming(source));
    found
}

/// Rules that a single line can break.
fn lines(source: &Source<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let broken = RULES.iter().filter(|rule| (rule.breaks)(source.name, code));
        found.extend(broken.map(|rule| format!("{}:{}: {}", source.name, number + 1, rule.says)));
        if let Some(upper) = imports_upward(source.name, code) {
            found.push(format!(
                "{}:{}: imports from {upper}, which is on a higher floor",
                source.name,
                number + 1
            ));
        }
    }
    found
}

struct Rule {
    says: &'static str,
    breaks: fn(&str, &str) -> bool,
}

const RULES: &[Rule] = &[
    Rule {
        says: "a sleep: wait for the event instead",
        breaks: |name, code| !is_rule_book(name) && code.contains("thread::sleep"),
    },
    Rule {
        says: "platform code belongs in src/sys or src/bin",
        breaks: |name, code| !is_rule_book(name) && !may_ask_system(name) && code.contains("target_os"),
    },
    Rule {
        says: "unsafe belongs in src/sys",
        breaks: |name, code| !is_rule_book(name) && !may_be_unsafe(name) && code.contains("unsafe {"),
    },
    Rule {
        says: "a minimal server imports nothing of ours",
        breaks: |name, code| name.starts_with("src/bin/") && code.contains("echospec::"),
    },
    Rule {
        says: "an ignored test is no test",
        breaks: |name, code| !is_rule_book(name) && code.contains("#[ignore"),
    },
];

fn is_rule_book(name: &str) -> bool {
    name == "xtask/src/tidy.rs"
}

fn may_ask_system(name: &str) -> bool {
    ["src/sys/", "src/bin/", "fixtures/"].iter().any(|room| name.starts_with(room))
}

/// fork(2) is unsafe in Rust, and some servers are about nothing else.
fn may_be_unsafe(name: &str) -> bool {
    may_ask_system(name)
}

fn imports_upward(name: &str, code: &str) -> Option<&'static str> {
    let own = floor(room(name)?)?;
    let mut rooms =
        FLOORS.iter().enumerate().flat_map(|(floor, rooms)| rooms.iter().map(move |room| (floor, *room)));
    rooms.find(|(floor, room)| *floor > own && mentions(code, room)).map(|(_, room)| room)
}

fn mentions(code: &str, room: &str) -> bool {
    let path = format!("crate::{room}");
    code.match_indices(&path).any(|(place, _)| {
        let next = code[place + path.len()..].chars().next();
        !next.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// The room that a file of `src` is in: its first folder, or its own name.
fn room(name: &str) -> Option<&str> {
    let inner = name.strip_prefix("src/")?;
    Some(inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs"))
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn length(source: &Source<'_>) -> Option<String> {
    let server = source.name.starts_with("src/bin/");
    let (most, lines) = (if server { LONGEST_SERVER } else { LONGEST }, source.text.lines().count());
    (lines > most)
        .then(|| format!("{}: {lines} lines, more than {most}: what is its second idea?", source.name))
}

fn naming(source: &Source<'_>) -> Option<String> {
    let stem = Path::new(source.name).file_stem()?.to_str()?;
    let vague = ["util", "utils", "helper", "helpers", "manager", "common", "misc"].contains(&stem);
    vague.then(|| format!("{}: '{stem}' says nothing of what lives here", source.name))
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(name: &str, text: &str) -> Vec<String> {
        inspect(&Source { name, text })
    }

    #[test]
    fn the_house_keeps_its_own_rules() {
        assert_eq!(findings().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_import_that_points_up_is_found() {
        assert_eq!(broken("src/server/mod.rs", "use crate::runner::run;\n").len(), 1);
        assert!(broken("src/runner.rs", "use crate::server::Server;\n").is_empty());
        assert!(broken("src/sys/mod.rs", "use crate::serverless::X;\n").is_empty());
    }

    #[test]
    fn every_rule_can_be_broken() {
        assert_eq!(broken("src/runner.rs", "thread::sleep(long);\n").len(), 1);
        assert_eq!(broken("src/runner.rs", "#[cfg(target_os = \"macos\")]\n").len(), 1);
        assert_eq!(broken("src/runner.rs", "unsafe { fork() }\n").len(), 1);
        assert_eq!(broken("src/bin/echo-x.rs", "use echospec::sys;\n").len(), 1);
        assert_eq!(broken("tests/a.rs", "#[ignore]\n").len(), 1);
        assert_eq!(broken("src/bin/echo-x.rs", &"\n".repeat(LONGEST_SERVER + 1)).len(), 1);
        assert_eq!(broken("src/helper.rs", "\n").len(), 1);
    }
}
