//! What outlives one process of a server, among all that others make meanwhile.
//!
//! An object of [`sys::ipc_objects`] is put down to a server only if it was not there before the launch, our own user
//! made it, nobody uses it any more, and the kernel names processes of this server, and nobody else, as those who made
//! it or used it last; a file, if some of them had it open. Whatever cannot be told like that is nobody's.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::{Pid, geteuid};

use super::scratch;
use super::shepherd::Flock;
use crate::sys::{self, IpcName, IpcObject};

/// What was there before a launch, and what the server's processes were seen with.
#[derive(Debug)]
pub(super) struct Ledger {
    /// `None` where the system does not tell.
    before: Option<HashSet<IpcName>>,
    held: Mutex<HashSet<PathBuf>>,
}

impl Ledger {
    /// To be opened before the launch.
    pub fn open() -> Ledger {
        let before = sys::ipc_objects().ok();
        let names = |objects: Vec<IpcObject>| objects.into_iter().map(|object| object.name).collect();
        Ledger { before: before.map(names), held: Mutex::default() }
    }

    /// Whether this system tells at all.
    pub fn can_tell(&self) -> bool {
        self.before.is_some()
    }

    /// Looks at who holds what, while the processes live; without cost where nobody has made anything.
    pub fn note(&self, flock: &Flock) {
        let news = self.news();
        if news.is_empty() {
            return;
        }
        let files = files(&news);
        for process in flock.members().unwrap_or_default() {
            self.held().extend(sys::ipc_names_held(process.pid, &files));
        }
    }

    fn held(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What our user has made since.
    fn news(&self) -> Vec<IpcObject> {
        let Some(before) = &self.before else { return Vec::new() };
        let user = geteuid().as_raw();
        let mut objects = sys::ipc_objects().unwrap_or_default();
        objects.retain(|object| object.maker == user && !before.contains(&object.name));
        objects
    }

    /// What is left of the server whose processes, all of which have ended, were `seen`.
    pub fn left(&self, seen: &HashSet<Pid>) -> Vec<IpcObject> {
        let mut objects = self.news();
        objects.retain(|object| self.is_made_by(object, seen));
        let held_by_others = in_use(&files(&objects));
        objects
            .retain(|object| !matches!(&object.name, IpcName::File(path) if held_by_others.contains(path)));
        objects
    }

    fn is_made_by(&self, object: &IpcObject, seen: &HashSet<Pid>) -> bool {
        if let IpcName::File(path) = &object.name {
            return self.held().contains(path);
        }
        let users = sys::ipc_users(object);
        !object.attached && !users.is_empty() && users.iter().all(|user| seen.contains(user))
    }
}

/// Removes what a server has left, unless somebody wants to look at it.
pub(super) fn remove(objects: &[IpcObject]) {
    if !scratch::are_kept() {
        objects.iter().for_each(|object| drop(sys::remove_ipc(&object.name)));
    }
}

fn files(objects: &[IpcObject]) -> Vec<PathBuf> {
    let path = |object: &IpcObject| match &object.name {
        IpcName::File(path) => Some(path.clone()),
        _ => None,
    };
    objects.iter().filter_map(path).collect()
}

/// Those of `files` that some living process holds.
fn in_use(files: &[PathBuf]) -> HashSet<PathBuf> {
    let all = if files.is_empty() { Vec::new() } else { sys::processes().unwrap_or_default() };
    all.iter().flat_map(|process| sys::ipc_names_held(process.pid, files)).collect()
}
