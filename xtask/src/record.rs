//! Third-party servers, read from `fixtures/peers.toml`: how each is launched, and its known deviations.

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use echospec::checks::all_checks;
use echospec::protocol::Protocol;
use echospec::server::{ReadyTest, Setup, Spec, Start};
use echospec::transport::Transport;
use nix::sys::signal::Signal;
use regex_automata::meta::Regex;
use serde::Deserialize;

use crate::packages::{Packages, Places};
use crate::root;

/// A file that lists third-party servers, relative to the root of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Servers of Debian, and those in `fixtures/servers`.
    Peers,
    /// Servers on standard input and output, most of them from other registries.
    Stdio,
}

impl List {
    fn path(self) -> PathBuf {
        root().join(match self {
            List::Peers => "fixtures/peers.toml",
            List::Stdio => "fixtures/stdio-peers.toml",
        })
    }
}

/// A server to run, with its known deviations.
#[derive(Debug)]
pub struct Candidate {
    /// The name in the table.
    pub name: String,
    /// How it is launched.
    pub spec: Spec,
    /// The command that prints its version; empty if none is known.
    pub version: Vec<String>,
    /// Its known deviations.
    pub deviations: Vec<Deviation>,
    /// How often a check with an unexpected result runs again. The result fails the run only if it repeats. For
    /// bundled servers it is 0, so that every one counts.
    pub retries: usize,
    /// The number of its checks that run at the same time.
    pub jobs: usize,
}

/// The number of checks of one server at the same time. Each may hold 64 MiB and 200 sockets.
pub const JOBS: usize = 6;

/// The same for a server whose start takes most of a second of processor time, such as one that node or Python imports.
const JOBS_OF_SLOW_STARTERS: usize = 2;

/// With two retries, a result that happens one time in three repeats more often than not.
const RETRIES: usize = 2;

/// A third-party server that cannot be run here.
#[derive(Debug)]
pub struct Absent {
    /// The name in the table.
    pub name: String,
    /// The program that is not installed, or the packages that cannot be.
    pub program: String,
}

/// A check that a server is known to fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The id of the check, or those of several that fail for the same reason.
    pub check: Ids,
    /// The outcome: `fail`, `warn`, `timeout`, `crash`; several if it varies.
    pub outcomes: Vec<String>,
    /// Why it fails.
    pub reason: String,
    /// Whether it also passes sometimes.
    #[serde(default)]
    pub sometimes: bool,
}

/// One id or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Ids {
    One(String),
    Several(Vec<String>),
}

impl Ids {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let ids = match self {
            Ids::One(id) => std::slice::from_ref(id),
            Ids::Several(ids) => ids,
        };
        ids.iter().map(String::as_str)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    server: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    transport: String,
    #[serde(default)]
    start: Option<String>,
    /// The systems on which it can run, as `std::env::consts::OS` names them; all if empty.
    #[serde(default)]
    systems: Vec<String>,
    /// Programs that must be installed.
    #[serde(default)]
    needs: Vec<String>,
    /// The packages that are installed for it.
    #[serde(default)]
    install: Option<Packages>,
    /// Whether a server of the list of stdio servers runs in every run of all servers, too. The others need `--stdio`.
    #[serde(default)]
    quick: bool,
    /// The command that builds `{out}`, run in the folder `build_in` below `fixtures/servers`.
    #[serde(default)]
    build: Vec<String>,
    #[serde(default)]
    build_in: Option<String>,
    command: Vec<String>,
    /// The protocol it speaks, if not echo: a built-in one, or a file below `fixtures`.
    #[serde(default)]
    protocol: Option<String>,
    /// Values of the protocol, as for `--set`.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// Environment variables, as for `--env`.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Templates of the files that it finds in `{dir}`.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// The signal that ends it gracefully, if not SIGTERM.
    #[serde(default)]
    stop: Option<String>,
    /// The signal at which it reloads its configuration.
    #[serde(default)]
    reload: Option<String>,
    /// A regular expression in its output without which it is not ready.
    #[serde(default)]
    ready_when: Option<String>,
    /// The command that prints its version.
    #[serde(default)]
    version: Vec<String>,
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// Returns the names of the servers of a list that have a row on its page: all with a protocol.
pub fn names_with_protocol(list: List) -> Result<Vec<String>> {
    let servers = read(list)?.into_iter().filter(|entry| entry.protocol.is_some());
    Ok(servers.map(|entry| entry.name).collect())
}

/// Returns the servers that run in every run of all servers, and those of them that are not installed.
pub fn usual_candidates() -> Result<(Vec<Candidate>, Vec<Absent>)> {
    let quick = read(List::Stdio)?.into_iter().filter(|entry| entry.quick);
    prepare(read(List::Peers)?.into_iter().chain(quick))
}

/// Returns the servers of a list, and those of them that are not installed.
pub fn candidates(list: List) -> Result<(Vec<Candidate>, Vec<Absent>)> {
    prepare(read(list)?)
}

/// Returns one server of a list.
pub fn candidate(list: List, name: &str) -> Result<Candidate> {
    let entry = read(list)?.into_iter().find(|entry| entry.name == name);
    let entry = entry.with_context(|| format!("no server is called {name}"))?;
    match entry.missing() {
        Some(program) => bail!("{program} is not installed"),
        None => entry.prepare(),
    }
}

fn prepare(entries: impl IntoIterator<Item = Entry>) -> Result<(Vec<Candidate>, Vec<Absent>)> {
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for entry in entries {
        if !entry.systems.is_empty() && entry.systems.iter().all(|system| system != env::consts::OS) {
            continue;
        }
        match entry.missing() {
            Some(program) => absent.push(Absent { program, name: entry.name }),
            None => present.push(entry.prepare()?),
        }
    }
    Ok((present, absent))
}

/// Reads and validates a list.
fn read(list: List) -> Result<Vec<Entry>> {
    let path = list.path();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let record: Record = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    for entry in &record.server {
        entry.validate().with_context(|| format!("in {}: {}", path.display(), entry.name))?;
    }
    Ok(record.server)
}

impl Entry {
    /// An unknown id would never match a check.
    fn validate(&self) -> Result<()> {
        let known: HashSet<_> = all_checks().map(|check| check.id).collect();
        let mut recorded = self.deviation.iter().flat_map(|deviation| deviation.check.iter());
        let unknown = recorded.find(|id| !known.contains(id));
        ensure!(unknown.is_none(), "no check is called {}", unknown.unwrap_or_default());
        Ok(())
    }

    /// Returns the first program or package that this server lacks. Installs its packages.
    fn missing(&self) -> Option<String> {
        let program = self.needs.iter().find(|program| !installed(program)).cloned();
        program.or_else(|| self.install.and_then(|packages| packages.install().err()))
    }

    fn prepare(self) -> Result<Candidate> {
        let out = root().join("target/peers").join(self.name.replace(['/', ' '], "-"));
        if !self.build.is_empty() {
            self.build(&out)?;
        }
        let transport =
            Transport::named(&self.transport).with_context(|| format!("no transport {}", self.transport))?;
        let how = self.start.as_deref().unwrap_or(Start::Bind.name());
        let start = Start::named(how).with_context(|| format!("{}: unknown start {how}", self.name))?;
        let places = Places::new(out)?;
        let setup = self.setup(&places)?;
        let command = self.command.iter().map(|word| places.fill(word));
        let mut spec = Spec::with_setup(transport, start, command, setup)?;
        if let Some(protocol) = self.protocol()? {
            spec = spec.speaking(protocol)?;
        }
        let jobs = if self.install.is_some() { JOBS_OF_SLOW_STARTERS } else { JOBS };
        let version = self.version.iter().map(|word| places.fill(word)).collect();
        Ok(Candidate { name: self.name, spec, version, deviations: self.deviation, retries: RETRIES, jobs })
    }

    fn setup(&self, places: &Places) -> Result<Setup> {
        let environment = self.environment.iter();
        let files = self.files.iter();
        let mut setup = Setup {
            environment: environment.map(|(name, value)| (name.into(), places.fill(value).into())).collect(),
            files: files.map(|(name, content)| (name.into(), fill_content(places, content).into())).collect(),
            ..Setup::default()
        };
        if let Some(name) = &self.stop {
            setup.stop = signal(name)?;
        }
        setup.reload = self.reload.as_deref().map(signal).transpose()?;
        if let Some(pattern) = &self.ready_when {
            let pattern = Regex::new(pattern).context("ready_when")?;
            setup.ready_when = Some(ReadyTest::new(move |output| pattern.is_match(output)));
        }
        Ok(setup)
    }

    fn protocol(&self) -> Result<Option<Protocol>> {
        let settings: Vec<_> = self.set.clone().into_iter().collect();
        let Some(name) = &self.protocol else { return Ok(None) };
        if !name.ends_with(".toml") {
            return Ok(Some(Protocol::built_in_with_settings(name, &settings)?));
        }
        let path = root().join("fixtures").join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Some(Protocol::from_toml_with(&text, name, &settings)?))
    }

    fn build(&self, out: &Path) -> Result<()> {
        fs::create_dir_all(out.parent().unwrap_or(out))?;
        let words: Vec<_> =
            self.build.iter().map(|word| word.replace("{out}", &out.to_string_lossy())).collect();
        let (program, arguments) = words.split_first().context("an empty build command")?;
        let folder = root().join("fixtures/servers").join(self.build_in.as_deref().unwrap_or("."));
        let status = Command::new(program).args(arguments).current_dir(folder).status();
        let status = status.with_context(|| format!("{}: cannot run {program}", self.name))?;
        ensure!(status.success(), "{}: {} failed", self.name, words.join(" "));
        Ok(())
    }
}

fn signal(name: &str) -> Result<Signal> {
    name.parse().ok().with_context(|| format!("no signal is called {name}"))
}

/// Fills the places in the content of a file, and `{long}` with 1 MiB of numbers.
fn fill_content(places: &Places, content: &str) -> String {
    let long = || (0..1 << 17).map(|number| format!("{number:07}\n")).collect::<String>();
    let content = places.fill(content);
    if content.contains("{long}") { content.replace("{long}", &long()) } else { content }
}

/// Returns whether a program is in the PATH, or in a folder of daemons.
pub fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(sbin()).any(|folder| folder.join(program).is_file())
}

/// Returns the folders of daemons, which may not be in the PATH.
fn sbin() -> [PathBuf; 2] {
    ["/usr/sbin".into(), "/sbin".into()]
}
