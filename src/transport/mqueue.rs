//! POSIX message queues: clients send to `NAME.in` and receive from `NAME.out`. mq_overview(7).

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::leftover::{Leftover, Object};
use super::queues::{self, QueueChannel};
use super::{Address, Capabilities, Channel, Dial, Hold, Link, Opening, Reserved, Shows, Transport, Waiting};
use crate::deadline::until;
use crate::sys;
use crate::sys::{MessageQueue, raise_message_queue_limit};

pub(super) const TRANSPORT: Transport = Transport {
    name: "mqueue",
    says: "two POSIX message queues, one client after another",
    offers: Capabilities::MESSAGES
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}"],
    reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Made(are_there),
};

/// What the names of our queues begin with.
pub(super) const PREFIX: &str = "/echospec-";

fn reserve(scratch: &Path) -> io::Result<Reserved> {
    raise_message_queue_limit();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // The directory's name was drawn: a run that was killed may have had our number.
    let drawn = scratch.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{PREFIX}{}-{}-{drawn}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let leftover = Leftover::note(scratch, Object::PosixQueues(name.clone()))?;
    let hold = Hold { _told: None, _claim: None, _leftover: Some(leftover) };
    Ok(Reserved { address: Address::Path(name.into()), _hold: Some(hold) })
}

pub(super) fn ends(name: &str) -> [String; 2] {
    [format!("{name}.in"), format!("{name}.out")]
}

fn names(address: &Address) -> io::Result<[String; 2]> {
    Ok(ends(&address.expect_path()?.to_string_lossy()))
}

fn are_there(address: &Address) -> bool {
    names(address).is_ok_and(|names| names.iter().all(|name| MessageQueue::posix(name, false).is_ok()))
}

/// Whatever one client has sent, the next would receive: so there is but one at a time.
fn dial(dial: &Dial<'_>) -> io::Result<Link> {
    let [input, output] = names(dial.address)?;
    let turn = take_turn(&input, dial.limit)?;
    let (to, from) = (MessageQueue::posix(&input, false)?, MessageQueue::posix(&output, true)?);
    queues::link(to, from, MessageQueue::posix(&output, false)?, dial.limit, turn)
}

fn take_turn(name: &str, limit: Duration) -> io::Result<Option<OwnedFd>> {
    let turn = until(limit, || Ok(sys::claim_name(&format!("echospec{name}")).ok()));
    turn.ok().flatten().ok_or_else(|| io::ErrorKind::TimedOut.into())
}

fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let [input, output] = names(opening.address)?;
    let waits = opening.waiting == Waiting::Blocks;
    QueueChannel::between(
        MessageQueue::posix(&input, waits)?,
        MessageQueue::posix(&output, waits)?,
        opening.waiting,
    )
}
