//! The shutdown of a server, and the things that it leaves behind.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use nix::unistd::Pid;

use super::{Instance, Server, Start, describe_exit};
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::outcome::Outcome;
use crate::requirement::KERNEL_OBJECTS;
use crate::sys::{self, IpcId, IpcObject, Object, Process, SocketAddress};
use crate::text::one_line;
use crate::transport::{Address, Capabilities};

/// One object that a server left behind when it exited, such as a socket file or a message queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The kind of the leak: `message queue`, `socket file` …
    pub kind: &'static str,
    /// The kind and name of the leak, for a report.
    pub name: String,
}

/// The result of [`Server::shutdown`]: what the server left behind.
#[derive(Debug, Default)]
pub struct Shutdown {
    /// Everything that the server left behind.
    pub leaks: Vec<Leak>,
    /// Whether the server exited by itself or by SIGTERM. A server that was killed had no chance to clean up.
    pub clean: bool,
}

impl Leak {
    fn object(object: &IpcObject) -> Leak {
        let kind = match object.id {
            IpcId::SharedMemory(_) => "shared memory",
            IpcId::MessageQueue(_) => "message queue",
            IpcId::SemaphoreSet(_) => "semaphores",
            IpcId::File(_) => "POSIX name",
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
    /// Fails if the server has crashed although the harness did not end it. A check calls this at its end: the
    /// check that crashed the server must report it, and not a later one. While the server is busy with the end of
    /// a client, this waits. Exit status 0 is no crash: such a server may be meant to serve one client.
    ///
    /// # Errors
    /// A crash.
    pub(crate) fn expect_alive(&mut self) -> check::Result {
        if self.is_attached() {
            return match self.why_gone() {
                Some(reason) => Err(Finding {
                    outcome: Outcome::Crash,
                    ..Finding::fail("a server that lives on when the check is over", reason)
                }),
                None => Ok(()),
            };
        }
        if !self.is_shared() || self.ended_by_us {
            return Ok(());
        }
        // Elsewhere no event shows that the server has come to rest.
        if sys::all_threads_blocked(Pid::this()).is_some() {
            self.await_reaction()?;
        }
        let Some(instance) = self.instances.last_mut() else { return Ok(()) };
        match instance.ended().filter(|status| !status.success()) {
            Some(status) => Err(Finding {
                outcome: Outcome::Crash,
                ..Finding::fail("a server that lives on when the check is over", describe_exit(status))
            }),
            None => Ok(()),
        }
    }

    /// Terminates the server and reports what it leaves behind. If the server had to be killed, it could not clean up:
    /// then only processes that could not be killed are reported.
    #[must_use]
    pub fn shutdown(mut self) -> Shutdown {
        self.open_conversation = None;
        let listener = self.place().and_then(|place| sys::socket_id_at(place).ok().flatten());
        self.instances.iter_mut().for_each(Instance::terminate);
        let mut leaks: Vec<_> =
            self.instances.iter().flat_map(Instance::survivors).map(Leak::process).collect();
        leaks.extend(self.instances.iter().flat_map(Instance::leaked_objects).map(Leak::object));
        let clean = self.exited_cleanly();
        if self.spec.start() == Start::Bind {
            leaks.extend(self.still_bound(listener));
            if clean {
                leaks.extend(self.address().path().filter(|path| is_socket(path)).map(Leak::socket_file));
                leaks.extend(self.own_socket_files());
            }
        }
        Shutdown { leaks, clean }
    }

    fn exited_cleanly(&self) -> bool {
        let disturbed = self.disturbed.load(Ordering::Relaxed);
        !disturbed && !self.instances.is_empty() && self.instances.iter().all(Instance::exited_cleanly)
    }

    /// Records the kernel objects that the server's processes have open now, so that [`leaks`](Server::leaks) can
    /// attribute them later.
    ///
    /// # Errors
    /// A broken harness before any process was launched.
    pub(crate) fn record_ipc_objects(&mut self) -> check::Result {
        self.instance()?.record_ipc_objects();
        Ok(())
    }

    /// Lists the things left by a server that has exited with all its processes: kernel objects, and socket files
    /// in its own directory.
    ///
    /// # Errors
    /// Unsupported where the system does not list kernel objects.
    pub(crate) fn leaks(&mut self) -> check::Result<Vec<Leak>> {
        let instance = self.instance()?;
        let objects = instance.objects_left().ok_or_else(|| {
            Finding::missing_requirement(
                &KERNEL_OBJECTS,
                "shared memory, queues and semaphores",
                "not listed here",
            )
        })?;
        Ok(objects.iter().map(Leak::object).chain(self.own_socket_files()).collect())
    }

    fn own_socket_files(&self) -> Vec<Leak> {
        sockets_in(&self.scratch.temporary(), 3).iter().map(|path| Leak::socket_file(path)).collect()
    }

    pub(super) fn place(&self) -> Option<SocketAddress<'_>> {
        let capabilities = self.spec.transport().capabilities;
        match self.address() {
            Address::Inet(inet) if capabilities.contains(Capabilities::TCP) => {
                Some(SocketAddress::Tcp(*inet))
            }
            Address::Inet(inet) => Some(SocketAddress::Udp(*inet)),
            Address::Path(path) if capabilities.contains(Capabilities::SOCKET_PATH) => {
                Some(SocketAddress::Unix(path))
            }
            _ => None,
        }
    }

    /// Returns the server's listening socket as a leak, if another process still holds it. The kernel may hold it a
    /// moment longer than the server.
    fn still_bound(&self, listener: Option<u64>) -> Option<Leak> {
        let now = || self.place().and_then(|place| sys::socket_id_at(place).ok().flatten());
        let id = listener?;
        let _ = until(self.deadlines().quiet(), || Ok((now() != listener).then_some(())));
        if now() != listener {
            return None;
        }
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

/// Lists the socket files in `folder` and below it, `levels` deep.
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
