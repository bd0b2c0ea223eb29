//! Builds the programs of a machine, linked statically.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::list::Toolchain;
use crate::check_targets::has_standard_library;
use crate::{root, target_folder};

/// The variable by which cargo builds the standard library itself, from its sources.
const BUILD_STD: &str = "CARGO_UNSTABLE_BUILD_STD";

impl Toolchain {
    /// Returns what this machine lacks to build the programs.
    pub fn missing(&self) -> Result<Vec<String>> {
        let Toolchain { target, linker, linker_package, .. } = self;
        let mut missing = Vec::new();
        if env::var_os(BUILD_STD).is_none() && !has_standard_library(target)? {
            missing.push(format!("the standard library for {target} (rustup target add {target})"));
        }
        if env::var_os(self.variable("LINKER")).is_none() && !is_installed(linker) {
            missing.push(format!("{linker} (apt-get install {linker_package})"));
        }
        Ok(missing)
    }

    /// Builds the programs, and returns the folder that holds them. Variables of cargo that are set take precedence.
    pub fn build(&self) -> Result<PathBuf> {
        let folder = target_folder().join("scenarios/static");
        let mut command = Command::new("cargo");
        command
            .args(["build", "--locked", "--quiet", "--package", "echospec", "--bins", "--all-features"])
            .args(["--target", self.target])
            .args(self.cargo_options)
            .env("CARGO_TARGET_DIR", &folder)
            .current_dir(root());
        let variables = [("LINKER", self.linker), ("RUSTFLAGS", "-C target-feature=+crt-static")];
        for (name, value) in variables.map(|(name, value)| (self.variable(name), value)) {
            if env::var_os(&name).is_none() {
                command.env(name, value);
            }
        }
        let status = command.status().context("cannot run cargo")?;
        ensure!(status.success(), "the programs for {} do not build", self.target);
        let profile = if self.cargo_options.contains(&"--release") { "release" } else { "debug" };
        Ok(folder.join(self.target).join(profile))
    }

    /// Returns the variable of cargo for `what` of this target.
    fn variable(&self, what: &str) -> String {
        format!("CARGO_TARGET_{}_{what}", self.target.to_uppercase().replace('-', "_"))
    }
}

/// Returns whether `PATH` has `program`.
pub fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}
