//! Builds the programs of tests, from a path with spaces on request.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{root, target_folder};

/// The tests that start processes, make files and send signals: all that a condition could change.
const TESTS: &[&str] = &["cli", "fds", "killed", "nothing_left_behind", "servers"];

/// A program of tests, and the folder in which cargo would run it.
pub struct Test {
    pub name: String,
    pub program: PathBuf,
    pub folder: PathBuf,
}

/// Where the repository is built from, and where to.
pub struct Checkout {
    manifest: PathBuf,
    target: Option<PathBuf>,
}

impl Checkout {
    pub fn usual() -> Checkout {
        Checkout { manifest: root().join("Cargo.toml"), target: None }
    }

    /// Links the repository from a path with spaces, and builds into such a path.
    pub fn with_spaces() -> Result<Checkout> {
        let folder = target_folder().join("scenarios");
        fs::create_dir_all(&folder)?;
        let link = folder.join("a checkout");
        if fs::read_link(&link).ok() != Some(root()) {
            let _ = fs::remove_file(&link);
            symlink(root(), &link).with_context(|| format!("cannot link {}", link.display()))?;
        }
        Ok(Checkout { manifest: link.join("Cargo.toml"), target: Some(folder.join("a target")) })
    }

    /// Builds the tests and returns their programs.
    pub fn build(&self, all: bool) -> Result<Vec<Test>> {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--locked", "--no-run", "--message-format=json", "--manifest-path"])
            .arg(&self.manifest);
        if all {
            command.arg("--workspace");
        } else {
            command
                .args(["--package", "echospec", "--lib"])
                .args(TESTS.iter().flat_map(|name| ["--test", name]));
        }
        command.envs(self.target.iter().map(|target| ("CARGO_TARGET_DIR", target)));
        let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cannot build the tests: {}", output.status);
        }
        let lines = output.stdout.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| test(&serde_json::from_slice(line).ok()?)).collect())
    }
}

/// Returns the test program that a message of cargo announces.
fn test(message: &Value) -> Option<Test> {
    let program = message["executable"].as_str().filter(|_| message["profile"]["test"] == true)?;
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    Some(Test { name: message["target"]["name"].as_str()?.to_owned(), program: program.into(), folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargos_messages() {
        let message = serde_json::json!({
            "manifest_path": "/a b/Cargo.toml",
            "target": { "name": "cli" },
            "profile": { "test": true },
            "executable": "/t/cli-1",
        });
        let found = test(&message).unwrap();
        assert_eq!(
            (found.name, found.program, found.folder),
            ("cli".into(), "/t/cli-1".into(), "/a b".into())
        );
        assert!(test(&serde_json::json!({ "reason": "build-finished" })).is_none());
    }
}
