//! The bundled servers, found by their sources: the head of each says by which commands it is checked. Of a program
//! that is no server it says which demo shows it.

use std::fs;

use anyhow::{Context, Result, ensure};
use echospec::server::{Spec, bundled_specs};

use crate::record::Candidate;
use crate::root;

/// Every bundled server with every way of checking it, in order of their names.
pub fn candidates() -> Result<Vec<Candidate>> {
    let folder = root().join("src/bin");
    let mut sources: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    sources.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    // The folder of a server of several files stands beside its first.
    for source in sources.iter().filter(|source| source.path().is_file()) {
        let text = fs::read_to_string(source.path())?;
        let plans = bundled_specs(&text).with_context(|| format!("in {}", source.path().display()))?;
        let is_excused = ["//! echospec demo ", "//! Not checked: "].iter().any(|words| text.contains(words));
        ensure!(
            !plans.is_empty() || is_excused,
            "{} does not say how it is checked",
            source.path().display()
        );
        found.extend(plans.into_iter().map(candidate));
    }
    Ok(found)
}

fn candidate(spec: Spec) -> Candidate {
    let program = spec.command_line().split(' ').next().unwrap_or_default().to_owned();
    let start = spec.start().name();
    let name = if start == "bind" { program } else { format!("{program} ({start})") };
    Candidate { name, spec, deviations: Vec::new(), second_looks: 0 }
}
