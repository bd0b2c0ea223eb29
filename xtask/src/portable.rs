//! `cargo xtask scenarios --only portable`: the code for macOS, run on Linux.
//!
//! echospec is built with `--cfg force_portable` (`src/sys/portable`), and checks the bundled servers where Linux behaves
//! like macOS: `fixtures/like_macos.c`, 127.0.0.1 alone, 256 descriptors, a TMPDIR of 49 characters.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{root, target_folder};

pub const NAME: &str = "portable";

/// The length of the directory for temporary files of a user of macOS.
const TMPDIR_LENGTH: usize = 49;

/// Gives the loopback interface one address, limits the descriptors, and runs the rest of the command line.
const SET_UP: &str =
    "ip address add 127.0.0.1/32 dev lo && ip link set lo up && ulimit -Sn 256 && exec \"$@\"";

pub fn run() -> Result<bool> {
    let place = TempDir::new_in("/tmp")?;
    let (library, programs) = (build_library(place.path())?, build_programs()?);
    let preload = format!("LD_PRELOAD={}", library.display());
    let mut command = Command::new("unshare");
    command
        .args(["--net", "sh", "-c", SET_UP, "sh", "env", &preload])
        .arg(programs.join("xtask"))
        .args(["test-all", "--bundled"])
        .current_dir(root())
        .env("TMPDIR", temporary_folder(place.path())?);
    set_portable(&mut command);
    let status = command.status().context("cannot run unshare(1)")?;
    println!("{}  {NAME}: the bundled servers", if status.success() { "ok    " } else { "FAILED" });
    Ok(status.success())
}

/// Compiles the library that makes Linux behave like macOS.
fn build_library(place: &Path) -> Result<PathBuf> {
    let library = place.join("like_macos.so");
    let status = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(root().join("fixtures/like_macos.c"))
        .status()
        .context("cannot run cc")?;
    ensure!(status.success(), "cannot compile fixtures/like_macos.c");
    Ok(library)
}

/// Builds the programs of the workspace, and returns the folder that holds them.
fn build_programs() -> Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["build", "--locked", "--quiet", "--workspace", "--bins"]).current_dir(root());
    set_portable(&mut command);
    ensure!(command.stdin(Stdio::null()).status().context("cannot run cargo")?.success(), "cannot build");
    Ok(portable_folder().join("debug"))
}

/// Makes cargo build the code for macOS, apart from the usual programs.
fn set_portable(command: &mut Command) {
    command.env("ECHOSPEC_FORCE_PORTABLE", "1").env("CARGO_TARGET_DIR", portable_folder());
}

fn portable_folder() -> PathBuf {
    target_folder().join("scenarios").join(NAME)
}

/// Makes a folder below `place` whose path has [`TMPDIR_LENGTH`] bytes.
fn temporary_folder(place: &Path) -> Result<PathBuf> {
    let rest = TMPDIR_LENGTH.checked_sub(place.as_os_str().len() + 1).context("/tmp is too deep")?;
    let folder = place.join("x".repeat(rest));
    fs::create_dir(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_folder_is_as_long_as_that_of_macos() {
        let place = TempDir::new_in("/tmp").unwrap();
        assert_eq!(temporary_folder(place.path()).unwrap().as_os_str().len(), TMPDIR_LENGTH);
    }
}
