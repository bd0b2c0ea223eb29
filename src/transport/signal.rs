//! Real-time signals with a value: a client sends one to the server's process, and receives one back. sigqueue(3).
//! Only comparisons use it, because a signal carries less than any check sends.

use std::io;
use std::path::Path;

use super::{
    Address, Capabilities, Channel, ChannelRequest, ClientWaitMode, ConnectRequest, Link, Readiness,
    ReservedAddress, Transport,
};
use crate::sys::QueuedSignals;

pub(super) const TRANSPORT: Transport = Transport {
    name: "signal",
    summary: "real-time signals of up to 8 bytes each, to the process whose number a file tells",
    capabilities: Capabilities::MESSAGES.union(Capabilities::MANY_CLIENTS),
    placeholders: &["{path}"],
    reserve,
    connect,
    open_channel,
    inherited: None,
    readiness: Readiness::Objects(has_announced_itself),
};

fn reserve(scratch: &Path) -> io::Result<ReservedAddress> {
    Ok(ReservedAddress::unguarded(Address::Path(scratch.join("process"))))
}

fn has_announced_itself(address: &Address) -> bool {
    server_process(address).is_ok()
}

/// Reads the server's process id from the file at `address`. The line in the file must be complete.
fn server_process(address: &Address) -> io::Result<i32> {
    let text = std::fs::read_to_string(address.expect_path()?)?;
    text.strip_suffix('\n').and_then(|number| number.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}

fn connect(_request: &ConnectRequest<'_>) -> io::Result<Link> {
    let reason =
        "a signal carries 8 bytes and no stream: it is measured (echospec compare signal), and not checked";
    Err(io::Error::new(io::ErrorKind::Unsupported, reason))
}

struct SignalChannel {
    signals: QueuedSignals,
    wait_mode: ClientWaitMode,
}

fn open_channel(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let blocking = request.wait_mode == ClientWaitMode::Block;
    let signals = QueuedSignals::open(server_process(request.address)?, blocking)?;
    Ok(Box::new(SignalChannel { signals, wait_mode: request.wait_mode }))
}

/// The maximum number of messages that are in flight as signals: far fewer than the limit of pending signals for one
/// user, `RLIMIT_SIGPENDING`, which is some thousands.
const PENDING: usize = 64;

impl Channel for SignalChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wait_mode.retry(|| self.signals.send(bytes))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait_mode.retry(|| self.signals.receive(buffer))
    }

    fn window(&self) -> usize {
        PENDING * QueuedSignals::MAX_MESSAGE
    }

    fn max_in_flight(&self, _size: usize) -> usize {
        PENDING
    }

    fn max_message(&self) -> Option<usize> {
        Some(QueuedSignals::MAX_MESSAGE)
    }
}
