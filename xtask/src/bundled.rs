//! The bundled servers, found by their sources. The head of each names the commands that check it, or the demo
//! that shows it, and checks that a server does not pass.

use std::fs;

use anyhow::{Context, Result, ensure};
use echospec::server::{Spec, bundled_specs};

use crate::record::{Candidate, Deviation, Ids, JOBS};
use crate::root;

/// Returns every bundled server with every way to check it, in order of their names.
pub fn candidates() -> Result<Vec<Candidate>> {
    let folder = root().join("src/bin");
    let mut entries: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.path();
        let source = if path.is_dir() { path.join("main.rs") } else { path };
        let text = fs::read_to_string(&source)?;
        let plans = bundled_specs(&text).with_context(|| format!("in {}", source.display()))?;
        let is_excused = ["//! echospec demo ", "//! Not checked: "].iter().any(|words| text.contains(words));
        ensure!(!plans.is_empty() || is_excused, "{} does not say how it is checked", source.display());
        let known: Vec<_> = text.lines().filter_map(deviation).collect();
        found
            .extend(plans.into_iter().map(|spec| Candidate { deviations: known.clone(), ..candidate(spec) }));
    }
    Ok(found)
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
