//! System V message queues: clients send to the queue of a key and receive from that of the next key. Each client's
//! messages have a type of their own. sysvipc(7).

use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicI32, Ordering};

use super::leftover::{LeftoverObject, LeftoverQueues};
use super::queue_names::{SYSTEM_V_KEYS, lock_system_v};
use super::queues::{self, QueueChannel};
use super::{
    Address, Capabilities, Channel, ChannelRequest, ClientWaitMode, ConnectRequest, Link, Readiness,
    Reservation, ReservedAddress, Transport,
};
use crate::sys::{MessageQueue, system_v_queue_exists};

pub(super) const TRANSPORT: Transport = Transport {
    name: "sysv-mq",
    summary: "two System V message queues",
    capabilities: Capabilities::MESSAGES
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}"],
    reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::Objects(exist),
};

/// Reserves two System V keys that have no message queue, and that no other run of echospec uses.
fn reserve(scratch: &Path) -> io::Result<ReservedAddress> {
    static NEXT: AtomicI32 = AtomicI32::new(0);
    for _ in 0..1000 {
        let number = NEXT.fetch_add(2, Ordering::Relaxed).wrapping_add((process::id() as i32) << 12);
        let key = SYSTEM_V_KEYS.start() | (number & 0x1fff_fffe);
        let Ok(lock) = lock_system_v(key) else { continue };
        if !system_v_queue_exists(key) && !system_v_queue_exists(key + 1) {
            let leftover = LeftoverObject::record(scratch, LeftoverQueues::SystemV(key))?;
            let reservation =
                Reservation { _claim: None, _locks: lock.into_iter().collect(), _leftover: Some(leftover) };
            let address = Address::Path(key.to_string().into());
            return Ok(ReservedAddress { address, _reservation: Some(reservation) });
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no two keys found that have no queue"))
}

fn key(address: &Address) -> io::Result<i32> {
    let path: PathBuf = address.expect_path()?.to_owned();
    path.to_string_lossy().parse().map_err(io::Error::other)
}

fn exist(address: &Address) -> bool {
    key(address).is_ok_and(|key| system_v_queue_exists(key) && system_v_queue_exists(key + 1))
}

/// Returns the type of a client's System V messages. Types are positive: msgrcv(2) takes 0 for any type.
fn message_type(number: u64) -> io::Result<i32> {
    i32::try_from(number + 1).map_err(io::Error::other)
}

fn connect(request: &ConnectRequest<'_>) -> io::Result<Link> {
    let (key, kind) = (key(request.address)?, message_type(request.number)?);
    let (to, from) =
        (MessageQueue::system_v(key, kind, false)?, MessageQueue::system_v(key + 1, kind, true)?);
    queues::relay_link(to, from, MessageQueue::system_v(key + 1, kind, false)?, request.timeout, ())
}

fn open_channel(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let (key, kind) = (key(request.address)?, message_type(request.number)?);
    let blocking = request.wait_mode == ClientWaitMode::Block;
    let (to, from) =
        (MessageQueue::system_v(key, kind, blocking)?, MessageQueue::system_v(key + 1, kind, blocking)?);
    QueueChannel::open(to, from, request.wait_mode)
}
