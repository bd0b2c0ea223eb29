//! Finding the program of a command: by its path, in `PATH`, or beside the running program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// Checks that `program` can be executed; otherwise returns the error of execve(2).
pub(super) fn check_executable(program: &OsStr) -> nix::Result<()> {
    if program.as_bytes().contains(&b'/') {
        is_program(Path::new(program))
    } else if in_path(program) {
        Ok(())
    } else {
        Err(nix::Error::ENOENT)
    }
}

/// Returns the path of the bundled server of this name, if `PATH` has no such program; otherwise `program` itself.
pub(super) fn locate_program(program: OsString) -> OsString {
    if program.as_bytes().contains(&b'/') || in_path(&program) {
        return program;
    }
    bundled_program(&program).map_or(program, PathBuf::into_os_string)
}

fn in_path(program: &OsStr) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| is_program(&folder.join(program)).is_ok()))
}

fn is_program(path: &Path) -> nix::Result<()> {
    if path.is_dir() {
        return Err(nix::Error::EACCES);
    }
    access(path, AccessFlags::X_OK)
}

/// Returns the bundled program called `name`: beside the running program, or one folder up, where cargo puts the
/// programs of a package whose tests run from `deps`.
#[must_use]
pub fn bundled_program(name: &OsStr) -> Option<PathBuf> {
    let here = env::current_exe().ok()?;
    let beside = here.parent()?;
    [Some(beside), beside.parent()]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
