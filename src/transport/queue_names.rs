//! Names of POSIX message queues and keys of System V message queues, which all programs of a machine share.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;

use crate::sys;

/// The prefix of the names of all POSIX message queues that echospec makes.
pub(super) const POSIX_PREFIX: &str = "/echospec-";

/// The range of the keys of all System V message queues that echospec makes. Each server uses a key and the one after
/// it.
pub(super) const SYSTEM_V_KEYS: RangeInclusive<i32> = 0x2000_0000..=0x3fff_fffe;

/// Returns the names of the two POSIX message queues of a server: first the queue that it receives from, then the queue
/// that it sends to.
pub(super) fn posix_pair(name: &str) -> [String; 2] {
    [format!("{name}.in"), format!("{name}.out")]
}

/// Keeps other runs of echospec from using the System V key `key` and the key after it, until the returned descriptor
/// is closed.
pub(super) fn lock_system_v(key: i32) -> io::Result<Option<OwnedFd>> {
    sys::claim_abstract_name(&format!("echospec-sysv-{key}"))
}
