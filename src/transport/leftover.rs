//! What a server makes that outlives it when it is killed, and no directory holds.
//!
//! It is noted in the server's directory before it can be there. When even we are killed that directory stays, and the
//! run that clears it away reads the note first.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fmt, fs, io};

use nix::unistd::geteuid;

use super::mqueue::{PREFIX, ends};
use super::sysv_mq::{KEYS, claim};
use crate::sys::{remove_posix_queue, remove_system_v_queue};

/// The file of the note.
const NOTE: &str = "leaves";

// Its first word; the second is a name or a key.
const POSIX: &str = "posix-queues";
const SYSTEM_V: &str = "system-v-queues";

static ALL: Mutex<BTreeMap<u64, Object>> = Mutex::new(BTreeMap::new());

/// By the name that it is removed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Object {
    PosixQueues(String),
    SystemVQueues(i32),
}

/// What one server makes. It is removed with this value, or with [`remove_leftovers`].
#[derive(Debug)]
pub(crate) struct Leftover(u64);

impl Leftover {
    /// Noted in `directory`, which is the server's.
    pub(super) fn note(directory: &Path, object: Object) -> io::Result<Leftover> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        fs::write(directory.join(NOTE), object.to_string())?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        all().insert(number, object);
        Ok(Leftover(number))
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let object = all().remove(&self.0);
        if let Some(object) = object {
            object.remove();
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::PosixQueues(name) => write!(f, "{POSIX} {name}"),
            Object::SystemVQueues(key) => write!(f, "{SYSTEM_V} {key}"),
        }
    }
}

impl Object {
    fn remove(&self) {
        match self {
            Object::PosixQueues(name) => ends(name).iter().for_each(|end| remove_posix_queue(end)),
            Object::SystemVQueues(key) => [*key, *key + 1].into_iter().for_each(remove_system_v_queue),
        }
    }

    fn read(note: &str) -> Option<Object> {
        match note.split_once(' ')? {
            (POSIX, name) => Some(Object::PosixQueues(name.to_owned())),
            (SYSTEM_V, key) => Some(Object::SystemVQueues(key.parse().ok()?)),
            _ => None,
        }
    }

    /// Whether no living run has it, and none of anybody else's programs ever had.
    fn is_abandoned(&self) -> bool {
        match self {
            Object::PosixQueues(name) => name.starts_with(PREFIX),
            // Other runs may have taken the same key since.
            &Object::SystemVQueues(key) => KEYS.contains(&key) && claim(key).is_ok(),
        }
    }
}

/// Removes what all servers have made, for a program that ends without dropping them.
pub(crate) fn remove_leftovers() {
    for object in std::mem::take(&mut *all()).into_values() {
        object.remove();
    }
}

/// Removes what is noted in the `directory` of a server whose run was killed. A note that anybody else wrote is none.
pub(crate) fn remove_noted(directory: &Path) {
    let note = directory.join(NOTE);
    if !fs::symlink_metadata(&note).is_ok_and(|meta| meta.is_file() && meta.uid() == geteuid().as_raw()) {
        return;
    }
    let object = fs::read_to_string(note).ok().and_then(|text| Object::read(&text));
    if let Some(object) = object.filter(Object::is_abandoned) {
        object.remove();
    }
}

fn all() -> MutexGuard<'static, BTreeMap<u64, Object>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_removed() {
        for object in [Object::PosixQueues("/echospec-1-2-s3".into()), Object::SystemVQueues(0x2000_1000)] {
            assert_eq!(Object::read(&object.to_string()).as_ref(), Some(&object));
            assert!(object.is_abandoned());
        }
        assert_eq!(Object::read("file /etc/passwd"), None);
        assert!(!Object::PosixQueues("/somebody".into()).is_abandoned());
        assert!(!Object::SystemVQueues(7).is_abandoned());
    }
}
