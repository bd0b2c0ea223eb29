//! Sets `ECHOSPEC_BUILD`, the part of `echospec --version` after the number: the commit, or the kind of build.
//!
//! Sets `--cfg force_portable` if the variable `ECHOSPEC_FORCE_PORTABLE` is set: `src/sys/portable`.
//!
//! Git is not needed. The commit comes from the variable `ECHOSPEC_COMMIT`, from the file that `cargo package` writes, or
//! from the files of the repository. A debug build reads none of them, so that a commit does not rebuild it.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ECHOSPEC_FORCE_PORTABLE");
    println!("cargo::rustc-check-cfg=cfg(force_portable)");
    if env::var_os("ECHOSPEC_FORCE_PORTABLE").is_some() {
        println!("cargo::rustc-cfg=force_portable");
    }
    println!("cargo::rerun-if-env-changed=ECHOSPEC_COMMIT");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let is_debug = env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    let given = env::var("ECHOSPEC_COMMIT").ok().filter(|commit| is_commit(commit));
    let commit =
        given.or_else(|| if is_debug { None } else { packaged_commit(&root).or_else(|| head(&root)) });
    let text = match commit {
        Some(commit) => format!(" ({})", &commit[..commit.len().min(10)]),
        None if is_debug => " (debug build)".into(),
        None => String::new(),
    };
    println!("cargo::rustc-env=ECHOSPEC_BUILD={text}");
}

/// Returns the commit in the file that `cargo package` adds to a package.
fn packaged_commit(root: &Path) -> Option<String> {
    let text = read(&root.join(".cargo_vcs_info.json"))?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').nth(1).filter(|commit| is_commit(commit)).map(str::to_owned)
}

/// Returns the commit that is checked out in the repository at `root`.
fn head(root: &Path) -> Option<String> {
    let git = git_directory(root)?;
    let head = read(&git.join("HEAD"))?;
    // A new commit changes the log of HEAD, and not always HEAD itself.
    read(&git.join("logs/HEAD"));
    let commit = match head.strip_prefix("ref: ") {
        Some(reference) => commit_of(&git, reference.trim())?,
        None => head.trim().to_owned(),
    };
    Some(commit).filter(|commit| is_commit(commit))
}

/// Returns the directory of the repository at `root`. In a worktree `.git` is a file that names it.
fn git_directory(root: &Path) -> Option<PathBuf> {
    let place = root.join(".git");
    if place.is_dir() {
        return Some(place);
    }
    Some(root.join(read(&place)?.strip_prefix("gitdir: ")?.trim()))
}

/// Returns the commit of a branch. The branches of a worktree are in the main repository.
fn commit_of(git: &Path, reference: &str) -> Option<String> {
    let common = fs::read_to_string(git.join("commondir")).map_or(git.to_owned(), |it| git.join(it.trim()));
    if let Some(commit) = read(&common.join(reference)) {
        return Some(commit.trim().to_owned());
    }
    let packed = read(&common.join("packed-refs"))?;
    let line = packed.lines().find_map(|line| line.strip_suffix(reference)?.strip_suffix(' '));
    line.map(str::to_owned)
}

/// Reads a file, if it exists, and tells cargo to run this script again when the file changes.
fn read(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    println!("cargo::rerun-if-changed={}", file.display());
    Some(text)
}

fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
