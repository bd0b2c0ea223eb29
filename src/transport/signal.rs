//! Real-time signals with a value: a client sends one to the server's process, and takes the one that comes back.
//! sigqueue(3). It is measured alone: no check could send what a signal does not carry.

use std::io;
use std::path::Path;

use super::{Address, Capabilities, Channel, Dial, Link, Opening, Reserved, Shows, Transport, Waiting};
use crate::sys::QueuedSignals;

pub(super) const TRANSPORT: Transport = Transport {
    name: "signal",
    says: "real-time signals of up to 8 bytes each, to the process whose number a file tells",
    offers: Capabilities::MESSAGES.union(Capabilities::MANY_CLIENTS),
    placeholders: &["{path}"],
    reserve,
    dial,
    open,
    inherited: None,
    shows: Shows::Made(is_there),
};

fn reserve(scratch: &Path) -> io::Result<Reserved> {
    Ok(Reserved { address: Address::Path(scratch.join("process")), _hold: None })
}

fn is_there(address: &Address) -> bool {
    server(address).is_ok()
}

/// The whole line of the file.
fn server(address: &Address) -> io::Result<i32> {
    let text = std::fs::read_to_string(address.expect_path()?)?;
    text.strip_suffix('\n').and_then(|number| number.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}

fn dial(_dial: &Dial<'_>) -> io::Result<Link> {
    let reason =
        "a signal carries 8 bytes and no stream: it is measured (echospec compare signal), and not checked";
    Err(io::Error::new(io::ErrorKind::Unsupported, reason))
}

struct SignalChannel {
    signals: QueuedSignals,
    waiting: Waiting,
}

fn open(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let waits = opening.waiting == Waiting::Blocks;
    let signals = QueuedSignals::open(server(opening.address)?, waits)?;
    Ok(Box::new(SignalChannel { signals, waiting: opening.waiting }))
}

/// So many signals are pending for one user at a time at the least, whatever else this user does: `RLIMIT_SIGPENDING` is
/// some thousands.
const PENDING: usize = 64;

impl Channel for SignalChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.until(|| self.signals.send(bytes))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.waiting.until(|| self.signals.receive(buffer))
    }

    fn window(&self) -> usize {
        PENDING * QueuedSignals::MAX_MESSAGE
    }

    fn under_way(&self, _size: usize) -> usize {
        PENDING
    }

    fn largest(&self) -> Option<usize> {
        Some(QueuedSignals::MAX_MESSAGE)
    }
}
