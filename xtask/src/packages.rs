//! Packages of third-party servers from other registries than Debian's, and the paths that the record may name.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::root;

/// A set of packages, at the versions that its lock file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packages {
    /// `fixtures/servers/npm`.
    Npm,
    /// `fixtures/servers/pypi`.
    Pypi,
    /// The programs of `fixtures/servers/rust-stdio`, built by cargo.
    RustStdio,
}

impl Packages {
    /// Returns the folder in `fixtures/servers` that names the versions.
    fn source(self) -> PathBuf {
        let name = match self {
            Packages::Npm => "npm",
            Packages::Pypi => "pypi",
            Packages::RustStdio => "rust-stdio",
        };
        root().join("fixtures/servers").join(name)
    }

    /// Returns the file that names every version.
    fn lock_file(self) -> PathBuf {
        self.source().join(match self {
            Packages::Npm => "package-lock.json",
            Packages::Pypi => "requirements.txt",
            Packages::RustStdio => "Cargo.lock",
        })
    }

    /// Returns the folder that the packages are installed into.
    fn folder(self) -> PathBuf {
        let source = self.source();
        root().join("target/stdio-peers").join(source.file_name().unwrap_or_default())
    }

    /// Installs the packages, unless these versions are there. Returns the reason if they cannot be installed, such as
    /// a registry that cannot be reached.
    pub fn install(self) -> Result<(), String> {
        self.try_install().map_err(|error| format!("{error:#}"))
    }

    fn try_install(self) -> Result<()> {
        let (folder, stamp) = (self.folder(), self.folder().join("installed"));
        let lock = fs::read_to_string(self.lock_file()).context("cannot read the lock file")?;
        // The servers in Rust are sources of this repository, so cargo says whether they are built.
        let is_known = self != Packages::RustStdio;
        if is_known && fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        match self {
            Packages::Npm => install_npm(&self.source(), &folder)?,
            Packages::Pypi => install_pypi(&self.lock_file(), &folder)?,
            Packages::RustStdio => build(&self.source(), &folder)?,
        }
        println!("installed {}", folder.display());
        fs::write(stamp, lock).context("cannot note what is installed")
    }
}

/// Packages of npm may run scripts when they are installed. None of these needs that.
fn install_npm(source: &Path, folder: &Path) -> Result<()> {
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))
}

fn install_pypi(requirements: &Path, folder: &Path) -> Result<()> {
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
    run(pip.arg(requirements))
}

fn build(source: &Path, folder: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(source.join("Cargo.toml"));
    run(cargo.env("CARGO_TARGET_DIR", folder))
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} cannot be run"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    anyhow::ensure!(output.status.success(), "{name} failed: {last}");
    Ok(())
}

/// The paths that commands, environments and files may name.
pub struct Places([(&'static str, PathBuf); 6]);

impl Places {
    /// Returns the paths, with `out` for a server that is built.
    pub fn new(out: PathBuf) -> Result<Places> {
        let servers = root().join("fixtures/servers");
        Ok(Places([
            ("{out}", out),
            ("{servers}", servers),
            ("{bin}", programs()?),
            ("{npm}", Packages::Npm.folder().join("node_modules")),
            ("{pypi}", Packages::Pypi.folder().join("bin")),
            ("{rust-stdio}", Packages::RustStdio.folder().join("debug")),
        ]))
    }

    /// Replaces the names of these paths in `text`.
    pub fn fill(&self, text: &str) -> String {
        let fill =
            |text: String, (place, path): &(&str, PathBuf)| text.replace(place, &path.to_string_lossy());
        self.0.iter().fold(text.to_owned(), fill)
    }
}

/// Returns the folder of the workspace's programs, which holds this one.
fn programs() -> Result<PathBuf> {
    let this_program = env::current_exe().context("cannot find the folder of this program")?;
    Ok(this_program.parent().unwrap_or(&this_program).to_owned())
}
