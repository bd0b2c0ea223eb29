//! The IPC objects that a server leaves behind: shared memory, message queues, semaphores.
//!
//! An object of [`sys::ipc_objects`] counts as left by a server only if all of this holds: it did not exist
//! before the launch; our user made it; no process uses it any more; the kernel names only processes of this
//! server as its makers and last users. A file counts if a process of the server had it open. An object that
//! cannot be attributed like this is ignored.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::{Pid, geteuid};

use super::tree::ProcessTree;
use crate::sys::{self, IpcId, IpcObject};

/// The IPC objects that existed before a server was launched, and the files that the server's processes were seen to
/// hold.
#[derive(Debug)]
pub(super) struct IpcObjects {
    /// The IPC objects that existed before the launch; `None` where the system does not list objects.
    before: Option<HashSet<IpcId>>,
    held: Mutex<HashSet<PathBuf>>,
}

impl IpcObjects {
    /// Lists the IPC objects that exist now. Call this function before the launch of the server.
    pub fn before_launch() -> IpcObjects {
        let before = sys::ipc_objects().ok();
        let names = |objects: Vec<IpcObject>| objects.into_iter().map(|object| object.id).collect();
        IpcObjects { before: before.map(names), held: Mutex::default() }
    }

    /// Whether this system can list IPC objects.
    pub fn is_supported(&self) -> bool {
        self.before.is_some()
    }

    /// Records which new IPC files the living processes of `tree` hold open. Costs nothing while no new object exists.
    pub fn record(&self, tree: &ProcessTree) {
        let new = self.new_objects();
        if new.is_empty() {
            return;
        }
        let files = files(&new);
        for process in tree.members().unwrap_or_default() {
            self.held().extend(sys::open_ipc_files(process.pid, &files));
        }
    }

    fn held(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the IPC objects that our user has made since the launch.
    fn new_objects(&self) -> Vec<IpcObject> {
        let Some(before) = &self.before else { return Vec::new() };
        let user = geteuid().as_raw();
        let mut objects = sys::ipc_objects().unwrap_or_default();
        objects.retain(|object| object.creator == user && !before.contains(&object.id));
        objects
    }

    /// Returns the IPC objects that a server left behind. `seen` are the server's processes, which must all have ended.
    pub fn left_by(&self, seen: &HashSet<Pid>) -> Vec<IpcObject> {
        let mut objects = self.new_objects();
        objects.retain(|object| self.is_made_by(object, seen));
        let held_by_others = in_use(&files(&objects));
        objects.retain(|object| !matches!(&object.id, IpcId::File(path) if held_by_others.contains(path)));
        objects
    }

    fn is_made_by(&self, object: &IpcObject, seen: &HashSet<Pid>) -> bool {
        if let IpcId::File(path) = &object.id {
            return self.held().contains(path);
        }
        let users = sys::ipc_object_processes(object);
        !object.attached && !users.is_empty() && users.iter().all(|user| seen.contains(user))
    }
}

fn files(objects: &[IpcObject]) -> Vec<PathBuf> {
    let path = |object: &IpcObject| match &object.id {
        IpcId::File(path) => Some(path.clone()),
        _ => None,
    };
    objects.iter().filter_map(path).collect()
}

/// Returns the paths of `files` that a living process holds open or mapped.
fn in_use(files: &[PathBuf]) -> HashSet<PathBuf> {
    let all = if files.is_empty() { Vec::new() } else { sys::processes().unwrap_or_default() };
    all.iter().flat_map(|process| sys::open_ipc_files(process.pid, files)).collect()
}
