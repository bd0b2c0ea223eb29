//! System V message queues: clients send to that of a key and receive from that of the next, each under a number of its
//! own. sysvipc(7).

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicI32, Ordering};

use super::leftover::{Leftover, Object};
use super::queues::{self, QueueChannel};
use super::{Address, Capabilities, Channel, Dial, Hold, Link, Opening, Reserved, Shows, Transport, Waiting};
use crate::sys;
use crate::sys::{MessageQueue, system_v_queue_exists};

pub(super) const TRANSPORT: Transport = Transport {
    name: "sysv-mq",
    says: "two System V message queues",
    offers: Capabilities::MESSAGES
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}"],
    reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Made(are_there),
};

/// What our keys lie between.
pub(super) const KEYS: RangeInclusive<i32> = 0x2000_0000..=0x3fff_fffe;

/// A pair of keys that belong to no queue, and that no other run of echospec takes.
fn reserve(scratch: &Path) -> io::Result<Reserved> {
    static NEXT: AtomicI32 = AtomicI32::new(0);
    for _ in 0..1000 {
        let number = NEXT.fetch_add(2, Ordering::Relaxed).wrapping_add((process::id() as i32) << 12);
        let key = KEYS.start() | (number & 0x1fff_fffe);
        let Ok(claim) = claim(key) else { continue };
        if !system_v_queue_exists(key) && !system_v_queue_exists(key + 1) {
            let leftover = Leftover::note(scratch, Object::SystemVQueues(key))?;
            let hold = Hold { _told: None, _claim: claim, _leftover: Some(leftover) };
            return Ok(Reserved { address: Address::Path(key.to_string().into()), _hold: Some(hold) });
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no two keys found that belong to no queue"))
}

/// Keeps other runs of echospec from `key` and the next, while it is held.
pub(super) fn claim(key: i32) -> io::Result<Option<OwnedFd>> {
    sys::claim_name(&format!("echospec-sysv-{key}"))
}

fn key(address: &Address) -> io::Result<i32> {
    let path: PathBuf = address.expect_path()?.to_owned();
    path.to_string_lossy().parse().map_err(io::Error::other)
}

fn are_there(address: &Address) -> bool {
    key(address).is_ok_and(|key| system_v_queue_exists(key) && system_v_queue_exists(key + 1))
}

/// Types are positive, and type 0 would be all of them.
fn kind(number: u64) -> io::Result<i32> {
    i32::try_from(number + 1).map_err(io::Error::other)
}

fn dial(dial: &Dial<'_>) -> io::Result<Link> {
    let (key, kind) = (key(dial.address)?, kind(dial.number)?);
    let (to, from) =
        (MessageQueue::system_v(key, kind, false)?, MessageQueue::system_v(key + 1, kind, true)?);
    queues::link(to, from, MessageQueue::system_v(key + 1, kind, false)?, dial.limit, ())
}

fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let (key, kind) = (key(opening.address)?, kind(opening.number)?);
    let waits = opening.waiting == Waiting::Blocks;
    let (to, from) =
        (MessageQueue::system_v(key, kind, waits)?, MessageQueue::system_v(key + 1, kind, waits)?);
    QueueChannel::between(to, from, opening.waiting)
}
