//! One run of the program in a directory of its own, and what it leaves behind.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use echospec::sys::{self, IpcId, Object, Process, SocketAddress, SocketName};

use crate::root;

/// An environment variable that marks the processes of a run.
const RUN: &str = "A_WATCHED_RUN";

/// A run of the program. Its directory is its TMPDIR, and marks its processes.
#[derive(Debug)]
pub struct WatchedRun {
    directory: PathBuf,
    objects_before: HashSet<IpcId>,
}

impl WatchedRun {
    /// Makes a new directory, `target/NAME`.
    pub fn new(name: &str) -> Result<WatchedRun> {
        let directory = root().join("target").join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        Ok(WatchedRun { directory, objects_before: objects() })
    }

    /// Starts the program with `words`, and discards its output.
    pub fn start(&self, words: &[&str]) -> Result<Child> {
        let this_program = std::env::current_exe()?;
        let folder = this_program.parent().context("this program has no folder")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths([PathBuf::from(folder)].into_iter().chain(std::env::split_paths(&path)))?;
        let mut command = Command::new(folder.join("echospec"));
        command.args(words).env("TMPDIR", &self.directory).env(RUN, &self.directory).env("PATH", path);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// Returns every process of this run that is alive.
    pub fn processes(&self) -> Vec<Process> {
        let directory = self.directory.to_string_lossy();
        let mut all = sys::processes().unwrap_or_default();
        all.retain(|it| !it.zombie && sys::has_env_var(it.pid, RUN, &directory).unwrap_or(false));
        all
    }

    /// Returns the TCP ports on which these processes listen.
    pub fn listening_ports(&self) -> Vec<SocketAddr> {
        let tables = self.processes().into_iter().filter_map(|process| sys::descriptors(process.pid).ok());
        let listening = |object: Object| match object {
            Object::Socket(sys::Socket { name: SocketName::Tcp(local, _), listening: true, .. }) => {
                Some(local)
            }
            _ => None,
        };
        tables.flatten().filter_map(|descriptor| listening(descriptor.object)).collect()
    }

    /// Returns the names of the files and directories in the directory.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Returns the number of socket files in the directory and below.
    pub fn socket_files(&self) -> usize {
        sockets_below(&self.directory)
    }

    /// Returns the number of IPC objects that are new on this machine. Other programs may have made them.
    pub fn new_objects(&self) -> usize {
        objects().difference(&self.objects_before).count()
    }

    /// Removes the directory.
    pub fn clear(self) -> Result<()> {
        fs::remove_dir_all(&self.directory)
            .with_context(|| format!("cannot remove {}", self.directory.display()))
    }
}

/// Returns on how many of `ports` a process listens.
pub fn count_listening(ports: &[SocketAddr]) -> usize {
    ports
        .iter()
        .filter(|&&port| sys::is_listening(SocketAddress::Tcp(port), &Vec::new).unwrap_or(false))
        .count()
}

fn objects() -> HashSet<IpcId> {
    sys::ipc_objects().unwrap_or_default().into_iter().map(|object| object.id).collect()
}

fn sockets_below(folder: &Path) -> usize {
    use std::os::unix::fs::FileTypeExt;
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let count = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => sockets_below(&entry.path()),
        Ok(kind) => usize::from(kind.is_socket()),
        Err(_) => 0,
    };
    entries.map(count).sum()
}
