//! POSIX message queues: clients send to `NAME.in` and receive from `NAME.out`. mq_overview(7).

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::leftover::{LeftoverObject, LeftoverQueues};
use super::queue_names::{POSIX_PREFIX, posix_pair};
use super::queues::{self, QueueChannel};
use super::{
    Address, Capabilities, Channel, ChannelRequest, ClientWaitMode, ConnectRequest, Link, Readiness,
    Reservation, ReservedAddress, Transport,
};
use crate::deadline::until;
use crate::sys;
use crate::sys::{MessageQueue, raise_message_queue_limit};

pub(super) const TRANSPORT: Transport = Transport {
    name: "mqueue",
    summary: "two POSIX message queues, one client after another",
    capabilities: Capabilities::MESSAGES
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}"],
    reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::Objects(exist),
};

fn reserve(scratch: &Path) -> io::Result<ReservedAddress> {
    raise_message_queue_limit();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // The directory's name is random. The process number is not enough: a run that was killed may have had it.
    let random = scratch.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{POSIX_PREFIX}{}-{}-{random}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let leftover = LeftoverObject::record(scratch, LeftoverQueues::Posix(name.clone()))?;
    let reservation = Reservation { _leftover: Some(leftover), ..Reservation::default() };
    Ok(ReservedAddress { address: Address::Path(name.into()), _reservation: Some(reservation) })
}

fn names(address: &Address) -> io::Result<[String; 2]> {
    Ok(posix_pair(&address.expect_path()?.to_string_lossy()))
}

fn exist(address: &Address) -> bool {
    names(address).is_ok_and(|names| names.iter().all(|name| MessageQueue::posix(name, false).is_ok()))
}

/// Connects one client at a time to a server's POSIX message queues. All clients share one reply queue, so the next
/// client would receive the replies of the last. A lock therefore admits one client at a time.
fn connect(request: &ConnectRequest<'_>) -> io::Result<Link> {
    let [input, output] = names(request.address)?;
    let lock = lock(&input, request.timeout)?;
    let (to, from) = (MessageQueue::posix(&input, false)?, MessageQueue::posix(&output, true)?);
    queues::relay_link(to, from, MessageQueue::posix(&output, false)?, request.timeout, lock)
}

fn lock(name: &str, timeout: Duration) -> io::Result<Option<OwnedFd>> {
    let lock = until(timeout, || Ok(sys::claim_abstract_name(&format!("echospec{name}")).ok()));
    lock.ok().flatten().ok_or_else(|| io::ErrorKind::TimedOut.into())
}

fn open_channel(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let [input, output] = names(request.address)?;
    let blocking = request.wait_mode == ClientWaitMode::Block;
    let (to, from) = (MessageQueue::posix(&input, blocking)?, MessageQueue::posix(&output, blocking)?);
    QueueChannel::open(to, from, request.wait_mode)
}
