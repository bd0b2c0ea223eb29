//! The house rules of CONTRIBUTING.md as code. Each finding names the file and line, and what to do instead.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::root;
use modules::Crate;

mod imports;
mod modules;
mod reader;
mod source;
mod subjects;
mod words;

/// Folders of Rust files that the rules hold for.
const RUST_FOLDERS: &[&str] = &["src", "xtask/src", "tests", "fixtures/src", "fixtures/tests"];

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

/// Returns everything that breaks a rule.
fn findings() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in RUST_FOLDERS {
        for path in files(&root().join(folder), "rs")? {
            let text = fs::read_to_string(&path)?;
            found.extend(inspect(&Source { name: &relative(&path), text: &text }));
        }
    }
    found.extend(imports::between_rooms(&parse("src")?));
    for folder in ["src", "xtask/src", "fixtures/src"] {
        found.extend(imports::circles(&parse(folder)?, folder));
    }
    found.extend(subjects::findings());
    found.extend(words::findings()?);
    Ok(found)
}

/// Parses the crate in `folder`, without its programs.
fn parse(folder: &str) -> Result<Crate> {
    let mut sources = Vec::new();
    for path in files(&root().join(folder), "rs")? {
        let name = path.strip_prefix(root().join(folder)).unwrap_or(&path).to_string_lossy().into_owned();
        let is_program = name.starts_with("bin/") || name == "main.rs" && folder == "src";
        if !is_program {
            sources.push((name, fs::read_to_string(&path)?));
        }
    }
    Ok(Crate::parse(sources.iter().map(|(name, text)| (name.as_str(), text.as_str()))))
}

/// Returns the path of a file relative to the root of the repository.
fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
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
        says: "a module in another place than its name says: move the file",
        breaks: |name, code| !is_rule_book(name) && code.contains("#[path"),
    },
    Rule {
        says: "an ignored test is no test",
        breaks: |name, code| !is_rule_book(name) && code.contains("#[ignore"),
    },
];

fn is_rule_book(name: &str) -> bool {
    name.starts_with("xtask/src/tidy/")
}

fn may_ask_system(name: &str) -> bool {
    ["src/sys/", "src/bin/", "fixtures/"].iter().any(|room| name.starts_with(room))
}

/// fork(2) is unsafe in Rust, and some servers are about nothing else.
fn may_be_unsafe(name: &str) -> bool {
    may_ask_system(name)
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

/// Returns all files below `folder` with `extension`, sorted.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|it| it == extension) {
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
    fn repository_follows_the_rules() {
        assert_eq!(findings().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn every_rule_can_be_broken() {
        assert_eq!(broken("src/runner.rs", "thread::sleep(long);\n").len(), 1);
        assert_eq!(broken("src/runner.rs", "#[cfg(target_os = \"macos\")]\n").len(), 1);
        assert_eq!(broken("src/runner.rs", "unsafe { fork() }\n").len(), 1);
        assert_eq!(broken("src/bin/echo-x.rs", "use echospec::sys;\n").len(), 1);
        assert_eq!(broken("tests/a.rs", "#[ignore]\n").len(), 1);
        assert_eq!(broken("src/a.rs", "#[path = \"b.rs\"]\n").len(), 1);
        assert_eq!(broken("src/bin/echo-x.rs", &"\n".repeat(LONGEST_SERVER + 1)).len(), 1);
        assert_eq!(broken("src/helper.rs", "\n").len(), 1);
    }
}
