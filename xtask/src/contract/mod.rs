//! `cargo xtask contract`: every function of the contract in `src/sys/mod.rs`, with how each system provides it.
//!
//! The list is read from the code. A function that is absent in a system, that returns an empty answer without a reason,
//! or that can panic, is a finding. So is a function of macOS that does not say how it was verified.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use quote::ToTokens;

use crate::root;
use provision::Provision;
use source::Sources;

mod page;
mod provision;
mod source;

/// The folders of the systems, in the order of the table.
const SYSTEMS: [&str; 4] = ["linux", "macos", "freebsd", "unsupported"];

/// The folder whose functions say how they were verified, because its system is not at hand.
const VERIFIED: &str = "macos";

/// Code that panics, as the tokens of a function's body show it.
const PANICS: &[&str] =
    &["panic !", "todo !", "unimplemented !", "unreachable !", ". unwrap ()", ". expect ("];

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the tables in docs/systems.md
    #[arg(long)]
    update: bool,
}

/// A function, method or constant of the contract.
#[derive(Debug)]
pub struct Row {
    pub module: String,
    pub name: String,
    /// How each of [`SYSTEMS`] provides it; none where it is absent.
    pub provisions: [Option<Provision>; SYSTEMS.len()],
    /// How the function of macOS was verified.
    pub verified: Option<String>,
}

pub fn run(args: &Args) -> Result<bool> {
    let contract = Contract::read()?;
    if args.update {
        page::update(&contract.rows)?;
    }
    println!("{}", page::text_table(&contract.rows));
    contract.findings.iter().for_each(|finding| println!("{finding}"));
    println!("contract: {} functions, {} findings", contract.rows.len(), contract.findings.len());
    Ok(contract.findings.is_empty())
}

/// The rows of the contract, and what breaks its rules.
#[derive(Debug)]
struct Contract {
    rows: Vec<Row>,
    findings: Vec<String>,
}

impl Contract {
    fn read() -> Result<Contract> {
        Contract::of(&Sources::read(&root().join("src/sys"))?)
    }

    fn of(sources: &Sources) -> Result<Contract> {
        let rows: Vec<Row> =
            names(sources)?.iter().flat_map(|(module, name)| rows(sources, module, name)).collect();
        let mut findings: Vec<_> = rows.iter().flat_map(Row::findings).collect();
        findings.extend(sources.modules().filter(|(_, stem, _)| *stem != "tests").flat_map(panics));
        Ok(Contract { rows, findings })
    }
}

/// Returns each module and name that `src/sys/mod.rs` or a file of `unix` takes from the system, and each name that
/// it takes from `unix`.
fn names(sources: &Sources) -> Result<Vec<(String, String)>> {
    let contract = sources.module("", "mod").context("src/sys/mod.rs is missing")?;
    let of_unix = sources.modules().filter(|(folder, ..)| *folder == "unix").map(|(_, _, module)| module);
    let mut found = Vec::new();
    for (name, path) in [contract].into_iter().chain(of_unix).flat_map(|module| &module.exports) {
        let [.., folder, module, _] = &path[..] else { continue };
        let entry = (module.clone(), name.clone());
        if ["system", "unix"].contains(&folder.as_str()) && !found.contains(&entry) {
            found.push(entry);
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// Returns a row for the function or constant `name`, or for each method of the type `name`.
fn rows(sources: &Sources, module: &str, name: &str) -> Vec<Row> {
    let found = SYSTEMS.map(|system| sources.find(system, module, name));
    // A name that no system defines is one of `unix`, the same for all.
    let shared = found.iter().all(Option::is_none).then(|| sources.find("unix", module, name)).flatten();
    let found = found.map(|it| it.or_else(|| shared.clone()));
    let places = || found.iter().flatten();
    let all: BTreeSet<&str> = places()
        .flat_map(|(_, file)| &file.definitions)
        .filter(|it| it.is_part_of(name))
        .map(|it| it.name.as_str())
        .collect();
    let definition = |system: usize, wanted: &str| {
        let (folder, file) = found[system].as_ref()?;
        Some((folder, *file, file.definitions.iter().find(|it| it.name == wanted)?))
    };
    let row = |wanted: &str| Row {
        module: module.to_owned(),
        name: wanted.to_owned(),
        provisions: std::array::from_fn(|system| {
            definition(system, wanted).map(|(folder, file, it)| Provision::of(folder, file, it))
        }),
        verified: SYSTEMS
            .iter()
            .position(|system| *system == VERIFIED)
            .and_then(|system| definition(system, wanted)?.2.verified().map(str::to_owned)),
    };
    all.into_iter().map(row).collect()
}

impl Row {
    fn findings(&self) -> Vec<String> {
        let name = format!("{}::{}", self.module, self.name);
        let mut found = Vec::new();
        for (system, provision) in SYSTEMS.iter().zip(&self.provisions) {
            match provision {
                None => found.push(format!("{system}: {name} is absent")),
                Some(Provision::Silent) => {
                    found.push(format!(
                        "{system}: {name} returns an empty answer, or does nothing, without a reason"
                    ));
                }
                Some(Provision::Own | Provision::Shared("bsd"))
                    if *system == VERIFIED && self.verified.is_none() =>
                {
                    found.push(format!(
                        "{system}: {name} does not say how it was verified: `/// Verified: …`"
                    ));
                }
                Some(_) => {}
            }
        }
        found
    }
}

/// Returns every function of a file that can panic, or that returns the error `Unsupported` without a text.
fn panics((folder, stem, module): (&str, &str, &source::Module)) -> Vec<String> {
    let mut found = Vec::new();
    for definition in module.definitions.iter().chain(&module.private) {
        let body = definition.body.to_token_stream().to_string();
        let place = format!("src/sys/{folder}/{stem}.rs: {}", definition.name);
        found.extend(
            PANICS
                .iter()
                .filter(|code| body.contains(*code))
                .map(|code| format!("{place} can panic: {code}")),
        );
        let bare = [
            "ErrorKind :: Unsupported . into ()",
            "(io :: ErrorKind :: Unsupported)",
            "| io :: ErrorKind :: Unsupported)",
        ];
        if bare.iter().any(|code| body.contains(code)) {
            found.push(format!("{place} returns `Unsupported` without a reason"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = "pub use system::pipes::{size, Queue};";
    const REAL: &str = "/// Returns one.\npub fn size() -> u8 { measure() }\n\
                        /// Opens.\nimpl Queue { pub fn open() -> io::Result<Queue> { connect() } }";

    fn contract(macos: &str) -> Contract {
        let files = [
            ("", "mod", CONTRACT),
            ("linux", "pipes", REAL),
            ("macos", "pipes", macos),
            ("freebsd", "mod", "pub use crate::sys::unsupported::pipes;"),
            (
                "unsupported",
                "pipes",
                "/// Returns 0: pipes have no size here.\npub fn size() -> u8 { 0 }\n\
                 impl Queue { pub fn open() -> io::Result<Queue> { unsupported(\"no queues\") } }",
            ),
        ];
        Contract::of(&Sources::parse(files).unwrap()).unwrap()
    }

    const QUEUE: &str = "pub use crate::sys::unsupported::pipes::Queue;\n";

    fn findings(macos: &str) -> Vec<String> {
        contract(&format!("{QUEUE}{macos}")).findings
    }

    #[test]
    fn every_system_keeps_the_contract() {
        let found = Contract::read().unwrap().findings;
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn the_page_is_up_to_date() {
        page::assert_current(&Contract::read().unwrap().rows);
    }

    #[test]
    fn follows_exports_to_the_reason() {
        let found = contract(&format!("{QUEUE}/// Verified: run.\npub fn size() -> u8 {{ ask() }}"));
        assert_eq!(found.findings, Vec::<String>::new());
        let [size, queue] = &found.rows[..] else { panic!("{found:?}") };
        assert_eq!((queue.name.as_str(), size.name.as_str()), ("Queue::open", "size"));
        let lacking = |reason: &str| Some(Provision::Lacking(reason.into()));
        assert_eq!(queue.provisions[1..], [(); 3].map(|()| lacking("no queues")));
        assert_eq!(size.provisions[..2], [(); 2].map(|()| Some(Provision::Own)));
        assert_eq!(size.provisions[3], lacking("pipes have no size here"));
        assert_eq!(size.verified.as_deref(), Some("run."));
    }

    #[test]
    fn finds_an_absent_function() {
        assert_eq!(findings(""), ["macos: pipes::size is absent"]);
        assert_eq!(contract("/// Verified: run.\npub fn size() -> u8 { ask() }").findings.len(), 1);
    }

    #[test]
    fn finds_an_empty_answer_without_a_reason() {
        for body in ["0", "", "Vec::new()", "Ok(None)", "unsupported(\"\")"] {
            let found = findings(&format!("/// Returns a size.\npub fn size() {{ {body} }}"));
            assert_eq!(found.len(), 1, "{body}: {found:?}");
            assert!(found[0].contains("without a reason"), "{found:?}");
        }
    }

    #[test]
    fn finds_a_panic_and_a_bare_error() {
        for body in ["ask().unwrap()", "todo!()", "ask().map_err(|_| io::ErrorKind::Unsupported)"] {
            let found = findings(&format!("/// Verified: run.\npub fn size() {{ {body} }}"));
            assert_eq!(found.len(), 1, "{body}: {found:?}");
        }
    }

    #[test]
    fn finds_an_unverified_function() {
        assert_eq!(findings("/// Asks.\npub fn size() -> u8 { ask() }").len(), 1);
    }
}
