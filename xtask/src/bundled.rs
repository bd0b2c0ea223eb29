//! The bundled servers, found by their sources. The head of each names the commands that check it, or the demo
//! that shows it, and checks that a server does not pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use echospec::server::{Spec, bundled_specs};

use crate::record::{Candidate, Deviation, Ids, JOBS};
use crate::root;

/// Returns the commands that check the bundled servers, such as `echospec check pipe -- echo-pipe`.
pub fn commands() -> Result<Vec<String>> {
    let is_command = |line: &&str| line.starts_with("echospec check ");
    let commands = |text: &String| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("//! "));
        lines.filter(is_command).map(str::to_owned).collect::<Vec<_>>()
    };
    Ok(sources()?.values().flat_map(commands).collect())
}

/// Returns the deviations that the source of a bundled server names. `command` is one of [`commands`].
pub fn deviations(command: &str) -> Result<Vec<Deviation>> {
    let names_command = |text: &&String| text.lines().any(|line| line.strip_prefix("//! ") == Some(command));
    let sources = sources()?;
    let text = sources.values().find(names_command).context("no bundled server names this command")?;
    Ok(text.lines().filter_map(deviation).collect())
}

/// Returns every bundled server with every way to check it, in order of their names.
pub fn candidates() -> Result<Vec<Candidate>> {
    let mut found = candidates_in(&sources()?)?;
    name_transports(&mut found);
    Ok(found)
}

/// Returns every bundled server that listens on a port, over IPv6.
pub fn candidates_over_ipv6() -> Result<Vec<Candidate>> {
    let mut sources = sources()?;
    for text in sources.values_mut() {
        *text =
            text.replace(" check tcp -- ", " check tcp6 -- ").replace(" check udp -- ", " check udp6 -- ");
    }
    let mut found = candidates_in(&sources)?;
    found.retain(|candidate| ["tcp6", "udp6"].contains(&candidate.spec.transport().name));
    Ok(found)
}

fn candidates_in(sources: &BTreeMap<PathBuf, String>) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for (source, text) in sources {
        let plans = bundled_specs(text).with_context(|| format!("in {}", source.display()))?;
        let is_excused = ["//! echospec demo ", "//! Not checked: "].iter().any(|words| text.contains(words));
        ensure!(!plans.is_empty() || is_excused, "{} does not say how it is checked", source.display());
        let known: Vec<_> = text.lines().filter_map(deviation).collect();
        found
            .extend(plans.into_iter().map(|spec| Candidate { deviations: known.clone(), ..candidate(spec) }));
    }
    Ok(found)
}

/// Adds the transport to the names of servers that are checked over several.
fn name_transports(candidates: &mut [Candidate]) {
    let names: Vec<_> = candidates.iter().map(|candidate| candidate.name.clone()).collect();
    for candidate in candidates {
        if names.iter().filter(|&name| *name == candidate.name).count() > 1 {
            candidate.name = format!("{} over {}", candidate.name, candidate.spec.transport().name);
        }
    }
}

/// Returns the source of each bundled server: a file, or in a folder `main.rs` and the files named as servers, which share
/// its modules.
fn sources() -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    for path in entries(&root().join("src/bin"))? {
        let in_folder = if path.is_dir() { entries(&path)? } else { vec![path] };
        for source in in_folder {
            let name = source.file_name().unwrap_or_default().to_string_lossy();
            if name == "main.rs" || name.starts_with("echo-") {
                let text = fs::read_to_string(&source)?;
                found.insert(source, text);
            }
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(fs::read_dir(folder)?.map(|entry| entry.map(|it| it.path())).collect::<io::Result<_>>()?)
}

fn candidate(spec: Spec) -> Candidate {
    let program = spec.command_line().split(' ').next().unwrap_or_default().to_owned();
    let start = spec.start().name();
    let name = if start == "bind" { program } else { format!("{program} ({start})") };
    Candidate { name, spec, version: Vec::new(), deviations: Vec::new(), retries: 0, jobs: JOBS }
}

/// Returns the deviation that a line of a source file names: `//! Deviates: CHECK: REASON`.
fn deviation(line: &str) -> Option<Deviation> {
    let (check, reason) = line.strip_prefix("//! Deviates: ")?.split_once(": ")?;
    Some(Deviation {
        check: Ids::One(check.to_owned()),
        outcomes: vec!["warn".to_owned()],
        reason: reason.to_owned(),
        sometimes: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_the_deviations_of_its_source() {
        assert_eq!(deviations("echospec check tcp -- echo-tcp {addr}").unwrap().len(), 0);
        let known = deviations("echospec check tcp -- echo-tcp-reuseport {addr}").unwrap();
        assert!(known[0].check.iter().eq(["port/exclusive"]), "{known:?}");
        assert!(deviations("echospec check tcp -- echo-nothing").is_err());
    }

    #[test]
    fn servers_that_listen_on_a_port_have_ipv6() {
        let found = candidates_over_ipv6().unwrap();
        let has = |name: &str, transport: &str| {
            found.iter().any(|it| it.name == name && it.spec.transport().name == transport)
        };
        assert!(has("echo-tcp", "tcp6") && has("echo-udp", "udp6"), "{found:?}");
        assert!(found.iter().all(|it| it.spec.transport().name.ends_with('6')), "{found:?}");
    }
}
