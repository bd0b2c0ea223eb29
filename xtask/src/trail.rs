//! One run of the program in a place of its own, and all that can be left of it.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use echospec::sys::{self, IpcId, Object, Process, SocketAddress, SocketName};

use crate::root;

/// What only the processes of one run have in their environment.
const RUN: &str = "A_WATCHED_RUN";

/// A directory for the temporary files of a run, which also marks its processes.
#[derive(Debug)]
pub struct Trail {
    place: PathBuf,
    objects: HashSet<IpcId>,
}

impl Trail {
    /// A new place; `name` is its own among those of this repository.
    pub fn new(name: &str) -> Result<Trail> {
        let place = root().join("target").join(name);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place)?;
        Ok(Trail { place, objects: objects() })
    }

    /// Starts the program with `words`; what it prints is discarded.
    pub fn start(&self, words: &[&str]) -> Result<Child> {
        let here = std::env::current_exe()?;
        let folder = here.parent().context("this program has no folder")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths([PathBuf::from(folder)].into_iter().chain(std::env::split_paths(&path)))?;
        let mut command = Command::new(folder.join("echospec"));
        command.args(words).env("TMPDIR", &self.place).env(RUN, &self.place).env("PATH", path);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// Every living process that has the environment of this run.
    pub fn processes(&self) -> Vec<Process> {
        let directory = self.place.to_string_lossy();
        let mut all = sys::processes().unwrap_or_default();
        all.retain(|it| !it.zombie && sys::has_env_var(it.pid, RUN, &directory).unwrap_or(false));
        all
    }

    /// The TCP ports on which they listen.
    pub fn listeners(&self) -> Vec<SocketAddr> {
        let tables = self.processes().into_iter().filter_map(|process| sys::descriptors(process.pid).ok());
        let listening = |object: Object| match object {
            Object::Socket(sys::Socket { name: SocketName::Tcp(local, _), listening: true, .. }) => {
                Some(local)
            }
            _ => None,
        };
        tables.flatten().filter_map(|descriptor| listening(descriptor.object)).collect()
    }

    /// The files and directories that are left in its place, as names.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.place).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Socket files in its place and below.
    pub fn socket_files(&self) -> usize {
        sockets_below(&self.place)
    }

    /// Kernel objects that are new on this machine; others may have made them.
    pub fn objects(&self) -> usize {
        objects().difference(&self.objects).count()
    }

    /// Removes the place.
    pub fn clear(self) -> Result<()> {
        fs::remove_dir_all(&self.place).with_context(|| format!("cannot remove {}", self.place.display()))
    }
}

/// How many of `ports` are listened on.
pub fn still_listening(ports: &[SocketAddr]) -> usize {
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
