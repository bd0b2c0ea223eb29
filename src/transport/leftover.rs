//! Message queues that a killed server leaves behind, and that are in no directory.
//!
//! Before a server is launched, its queues are recorded in a file in the server's directory. If this program is killed
//! too, the directory stays, and the next run reads the record before it removes the directory.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fmt, fs};

use super::queue_names::{POSIX_PREFIX, SYSTEM_V_KEYS, lock_system_v, posix_pair};
use crate::sys::{
    open_own_file, owns_posix_queue, owns_system_v_queue, remove_posix_queue, remove_system_v_queue,
};

/// The name of the file in a server's directory that records the message queues of the server.
const RECORD: &str = "leaves";

// The first word of a record; the second is a name or a key.
const POSIX: &str = "posix-queues";
const SYSTEM_V: &str = "system-v-queues";

static REGISTERED: Mutex<BTreeMap<u64, LeftoverQueues>> = Mutex::new(BTreeMap::new());

/// The two message queues of one server, with the names or keys by which they can be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeftoverQueues {
    Posix(String),
    SystemV(i32),
}

/// The message queues of one server, which outlive it if it is killed. They are removed when this value is dropped, and
/// by [`remove_all_leftovers`].
#[derive(Debug)]
pub(crate) struct LeftoverObject(u64);

impl LeftoverObject {
    /// Records the message queues of a server in the server's `directory`.
    pub(super) fn record(directory: &Path, queues: LeftoverQueues) -> io::Result<LeftoverObject> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        fs::write(directory.join(RECORD), queues.to_string())?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        registered().insert(number, queues);
        Ok(LeftoverObject(number))
    }
}

impl Drop for LeftoverObject {
    fn drop(&mut self) {
        let queues = registered().remove(&self.0);
        if let Some(queues) = queues {
            queues.remove();
        }
    }
}

impl fmt::Display for LeftoverQueues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftoverQueues::Posix(name) => write!(f, "{POSIX} {name}"),
            LeftoverQueues::SystemV(key) => write!(f, "{SYSTEM_V} {key}"),
        }
    }
}

impl LeftoverQueues {
    fn remove(&self) {
        match self {
            LeftoverQueues::Posix(name) => {
                posix_pair(name).iter().for_each(|queue| remove_posix_queue(queue));
            }
            LeftoverQueues::SystemV(key) => [*key, *key + 1].into_iter().for_each(remove_system_v_queue),
        }
    }

    /// Removes the message queues that this process's user has made. Another user may have taken the names or keys
    /// since.
    fn remove_own(&self) {
        match self {
            LeftoverQueues::Posix(name) => {
                let names = posix_pair(name);
                names.iter().filter(|name| owns_posix_queue(name)).for_each(|name| remove_posix_queue(name));
            }
            &LeftoverQueues::SystemV(key) => {
                let keys = [key, key + 1].into_iter();
                keys.filter(|&key| owns_system_v_queue(key)).for_each(remove_system_v_queue);
            }
        }
    }

    fn parse(record: &str) -> Option<LeftoverQueues> {
        match record.split_once(' ')? {
            (POSIX, name) => Some(LeftoverQueues::Posix(name.to_owned())),
            (SYSTEM_V, key) => Some(LeftoverQueues::SystemV(key.parse().ok()?)),
            _ => None,
        }
    }

    /// Whether the message queues belong to a run of echospec that has ended, and never to another program.
    fn are_abandoned(&self) -> bool {
        match self {
            LeftoverQueues::Posix(name) => name.starts_with(POSIX_PREFIX),
            // Another run may have taken the same key since.
            &LeftoverQueues::SystemV(key) => SYSTEM_V_KEYS.contains(&key) && lock_system_v(key).is_ok(),
        }
    }
}

/// Removes the message queues of all servers, for a program that exits without dropping the values that own them.
pub(crate) fn remove_all_leftovers() {
    for queues in std::mem::take(&mut *registered()).into_values() {
        queues.remove();
    }
}

/// The maximum length in bytes of the file that records a server's message queues. The name of a POSIX queue has at
/// most 255 bytes (mq_overview(7)).
const MAX_RECORD: u64 = 300;

/// Removes the message queues that are recorded in the `directory` of a server whose run was killed. Ignores a record
/// or a queue that another user made.
pub(crate) fn remove_recorded_leftovers(directory: &Path) {
    let Ok(record) = open_own_file(&directory.join(RECORD)) else { return };
    let text = io::read_to_string(record.take(MAX_RECORD));
    let queues = text.ok().and_then(|text| LeftoverQueues::parse(&text));
    if let Some(queues) = queues.filter(LeftoverQueues::are_abandoned) {
        queues.remove_own();
    }
}

fn registered() -> MutexGuard<'static, BTreeMap<u64, LeftoverQueues>> {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_records_and_ignores_foreign_queues() {
        for queues in [LeftoverQueues::Posix("/echospec-1-2-s3".into()), LeftoverQueues::SystemV(0x2000_1000)]
        {
            assert_eq!(LeftoverQueues::parse(&queues.to_string()).as_ref(), Some(&queues));
            assert!(queues.are_abandoned());
        }
        assert_eq!(LeftoverQueues::parse("file /etc/passwd"), None);
        assert!(!LeftoverQueues::Posix("/somebody".into()).are_abandoned());
        assert!(!LeftoverQueues::SystemV(7).are_abandoned());
    }
}
