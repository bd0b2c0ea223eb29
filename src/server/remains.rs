//! The end of a server as the harness sees it: what should have gone with it, and has not.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::{Instance, Server, Start};
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::outcome::Outcome;
use crate::requirement::KERNEL_OBJECTS;
use crate::sys::{self, IpcName, IpcObject, Object, Place, Process};
use crate::text::one_line;
use crate::transport::{Address, Capabilities};

/// How many looks in a row must find a server at rest. Between the end of the thread that ends a process and the
/// waking of the others, one look finds only threads that wait.
const LOOKS: usize = 3;

/// One thing that a server has left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// What it is an example of: `message queue`, `socket file` …
    pub kind: &'static str,
    /// Which one.
    pub name: String,
}

/// What is left of a server that was put away.
#[derive(Debug, Default)]
pub struct Remains {
    /// Each thing.
    pub left: Vec<Leak>,
    /// Whether it could tidy up: one that had to be killed could not.
    pub went_in_order: bool,
}

impl Leak {
    fn of(object: &IpcObject) -> Leak {
        let kind = match object.name {
            IpcName::Memory(_) => "shared memory",
            IpcName::Queue(_) => "message queue",
            IpcName::Semaphores(_) => "semaphores",
            IpcName::File(_) => "POSIX name",
        };
        Leak { kind, name: object.to_string() }
    }

    fn process(process: &Process) -> Leak {
        Leak { kind: "process", name: format!("process {} ({})", process.pid, one_line(&process.name)) }
    }

    fn socket_file(path: &Path) -> Leak {
        Leak { kind: "socket file", name: format!("socket {}", one_line(&path.to_string_lossy())) }
    }
}

impl Server {
    /// Fails if the server has died though nobody ended it: the check that killed it is to blame for that, whatever
    /// else it saw, and no later one. What a client's end does to the server is waited for as long as it is busy
    /// with it. One that ends with status 0 was perhaps meant to serve one client.
    ///
    /// # Errors
    /// A crash.
    pub fn lives_on(&mut self) -> check::Result {
        if !self.one_for_all() || self.ended_by_us {
            return Ok(());
        }
        let moment = self.deadlines.quiet();
        let Some(instance) = self.instances.last_mut() else { return Ok(()) };
        let mut rested = 0;
        let settled = until(moment, || {
            // In this order: one that ends in between was not at rest.
            let rests = sys::is_at_rest(instance.pid()) != Some(false);
            let ended = instance.ended();
            rested = if rests { rested + 1 } else { 0 };
            Ok((ended.is_some() || rested == LOOKS).then_some(ended))
        })?;
        match settled.flatten().filter(|status| !status.success()) {
            Some(status) => Err(Finding {
                outcome: Outcome::Crash,
                ..Finding::fail("a server that lives on when the check is over", super::describe(status))
            }),
            None => Ok(()),
        }
    }

    /// Ends the server, and answers what is left of it that it should have taken with it. Only a server whose main
    /// process ended by itself or by SIGTERM, and all others with it, could tidy up: of one that had to be killed
    /// nothing is told but processes that could not be.
    #[must_use]
    pub fn shutdown(mut self) -> Remains {
        let listener = self.place().and_then(|place| sys::socket_at(place).ok().flatten());
        self.instances.iter_mut().for_each(Instance::stop);
        let mut left: Vec<_> =
            self.instances.iter().flat_map(Instance::survivors).map(Leak::process).collect();
        left.extend(self.instances.iter().flat_map(Instance::legacy).map(Leak::of));
        let went_in_order = self.all_went_in_order();
        if self.spec.start() == Start::Bind {
            left.extend(self.still_bound(listener));
            if went_in_order {
                left.extend(self.address().path().filter(|path| is_socket(path)).map(Leak::socket_file));
                left.extend(self.own_socket_files());
            }
        }
        Remains { left, went_in_order }
    }

    fn all_went_in_order(&self) -> bool {
        let disturbed = self.disturbed.load(Ordering::Relaxed);
        !disturbed && !self.instances.is_empty() && self.instances.iter().all(Instance::went_in_order)
    }

    /// Remembers which kernel objects the server's processes have open now, so that they can be told from others' later.
    ///
    /// # Errors
    /// A broken harness before any process was launched.
    pub fn note_objects(&mut self) -> check::Result {
        self.instance()?.note_objects();
        Ok(())
    }

    /// What is left of a server that has ended, and all its processes with it: objects of the kernel, and socket files
    /// in its own directory.
    ///
    /// # Errors
    /// Unsupported where the system does not tell.
    pub fn left_behind(&mut self) -> check::Result<Vec<Leak>> {
        let instance = self.instance()?;
        let objects = instance.left().ok_or_else(|| {
            Finding::missing(&KERNEL_OBJECTS, "shared memory, queues and semaphores", "not listed here")
        })?;
        Ok(objects.iter().map(Leak::of).chain(self.own_socket_files()).collect())
    }

    fn own_socket_files(&self) -> Vec<Leak> {
        sockets_in(&self.scratch.temporary(), 3).iter().map(|path| Leak::socket_file(path)).collect()
    }

    fn place(&self) -> Option<Place<'_>> {
        let offers = self.spec.transport().offers;
        match self.address() {
            Address::Inet(inet) if offers.contains(Capabilities::TCP) => Some(Place::Tcp(*inet)),
            Address::Inet(inet) => Some(Place::Udp(*inet)),
            Address::Path(path) if offers.contains(Capabilities::SOCKET_PATH) => Some(Place::Unix(path)),
            _ => None,
        }
    }

    /// The very socket that the server listened on, which somebody else has been given.
    fn still_bound(&self, listener: Option<u64>) -> Option<Leak> {
        let now = self.place().and_then(|place| sys::socket_at(place).ok().flatten());
        let id = listener.filter(|_| now == listener)?;
        let holder = sys::processes().unwrap_or_default().into_iter().find(|process| {
            let table = sys::descriptors(process.pid).unwrap_or_default();
            table.iter().any(|it| matches!(&it.object, Object::Socket(socket) if socket.id == id))
        });
        let by = holder.map_or(String::new(), |it| format!(", held by {} ({})", it.pid, one_line(&it.name)));
        Some(Leak { kind: "port", name: format!("the listener at {}{by}", self.address()) })
    }
}

fn is_socket(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_socket())
}

/// The socket files in `folder` and, so many levels deep, below it.
fn sockets_in(folder: &Path, levels: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        if is_socket(&path) {
            found.push(path);
        } else if levels > 1 && path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            found.extend(sockets_in(&path, levels - 1));
        }
    }
    found
}
