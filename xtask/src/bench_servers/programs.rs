//! Builds the servers and generators of `bench-servers`, each optimised, and says which cannot be built.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use super::contenders::{Contender, Program};
use crate::root;

/// The directories of the built programs.
#[derive(Debug)]
pub struct Programs {
    /// The programs that cargo builds.
    release: PathBuf,
    /// All others.
    others: PathBuf,
}

impl Programs {
    /// Builds all programs that cargo builds, unless `built` says that they are there.
    pub fn prepare(built: bool) -> Result<Programs> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let programs = Programs { release: target.join("release"), others: target.join("bench-servers") };
        fs::create_dir_all(&programs.others)?;
        if !built {
            let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut command = Command::new(cargo);
            command.args(["build", "--release", "--bins", "--all-features"]);
            command.args(["-p", "echospec", "-p", "third-party-rust-servers"]).current_dir(root());
            let status = command.status().context("cannot run cargo")?;
            ensure!(status.success(), "the release does not build");
        }
        Ok(programs)
    }

    /// Returns a program that cargo has built.
    pub fn release(&self, name: &str) -> PathBuf {
        self.release.join(name)
    }

    /// Builds the server's program, unless it is newer than its source. Returns its path, or the reason why it is
    /// absent.
    pub fn server(&self, server: &Contender) -> Result<PathBuf, String> {
        let path = match server.program {
            Program::Bundled | Program::Cargo(_) => self.release.join(server.file_name()),
            _ => self.others.join(server.file_name()),
        };
        let servers = root().join("fixtures/servers");
        let built = match server.program {
            Program::Bundled | Program::Cargo(_) if path.is_file() => Ok(()),
            Program::Bundled | Program::Cargo(_) => Err("it is not built".to_owned()),
            Program::C { file, libraries, package } => compile_c(&servers.join(file), &path, libraries)
                .map_err(|error| format!("{error}; apt install {package}")),
            Program::Go(package) => compile_go(&servers.join("go"), package, &path)
                .map_err(|error| format!("{error}; apt install golang-go")),
        };
        built.map(|()| path)
    }

    /// Builds a C file of `fixtures/clients`.
    pub fn client(&self, name: &str) -> Result<PathBuf> {
        let path = self.others.join(name);
        let source = root().join("fixtures/clients").join(format!("{name}.c"));
        compile_c(&source, &path, &[]).map_err(anyhow::Error::msg)?;
        Ok(path)
    }
}

fn compile_c(source: &Path, program: &Path, libraries: &[&str]) -> Result<(), String> {
    if is_newer(program, source) {
        return Ok(());
    }
    let mut command = Command::new("cc");
    command.args(["-O2", "-o"]).arg(program).arg(source).args(libraries);
    run(&mut command)
}

fn compile_go(folder: &Path, package: &str, program: &Path) -> Result<(), String> {
    if is_newer(program, &folder.join(package).join("main.go")) {
        return Ok(());
    }
    let mut command = Command::new("go");
    command.args(["build", "-o"]).arg(program).arg(format!("./{package}")).current_dir(folder);
    run(&mut command)
}

fn is_newer(program: &Path, source: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    modified(program).zip(modified(source)).is_some_and(|(program, source)| program > source)
}

/// Runs a compiler. The error is the first line that it prints.
fn run(command: &mut Command) -> Result<(), String> {
    let compiler = command.get_program().to_string_lossy().into_owned();
    let Output { status, stderr, .. } =
        command.output().map_err(|error| format!("cannot run {compiler}: {error}"))?;
    let text = String::from_utf8_lossy(&stderr);
    let first = text.lines().find(|line| line.contains("error")).or_else(|| text.lines().next());
    if status.success() { Ok(()) } else { Err(first.unwrap_or("it does not compile").to_owned()) }
}
