//! The trace of a run: everything that clients and servers do, in order, for a person who watches.
//!
//! Nothing is recorded unless the thread has [entered](Trace::enter) a trace, so checks need not know about it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::text::{count_with_noun, excerpt};

/// A trace of the events of clients, or no trace. Clones write to the same listener.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Shared>>);

struct Shared {
    clients: AtomicUsize,
    listener: Mutex<Listener>,
}

type Tell = Box<dyn FnMut(Duration, &str) + Send>;

struct Listener {
    began: Instant,
    tell: Tell,
    moving: Option<Transfer>,
}

/// The bytes of one client in one direction, with no other event in between.
struct Transfer {
    at: Duration,
    client: usize,
    way: TransferDirection,
    bytes: usize,
    pieces: usize,
    beginning: String,
}

/// The direction of a transfer, seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferDirection {
    /// From the client to the server.
    Sent,
    /// From the server to the client.
    Received,
}

thread_local! {
    static OF_THREAD: RefCell<Trace> = const { RefCell::new(Trace(None)) };
}

impl Trace {
    /// Returns a trace that calls `tell` with each event and the time since this call.
    #[cfg(feature = "cli")]
    pub fn new(tell: impl FnMut(Duration, &str) + Send + 'static) -> Trace {
        let listener = Listener { began: Instant::now(), tell: Box::new(tell), moving: None };
        Trace(Some(Arc::new(Shared { clients: AtomicUsize::new(0), listener: Mutex::new(listener) })))
    }

    /// Returns the trace of the calling thread.
    pub(crate) fn of_thread() -> Trace {
        OF_THREAD.with_borrow(Clone::clone)
    }

    /// Makes this trace the one of the calling thread until the returned value is dropped.
    pub(crate) fn enter(&self) -> EnteredTrace {
        EnteredTrace { former: OF_THREAD.replace(self.clone()) }
    }

    /// Calls `act` with the listener, if there is one.
    fn with_listener(&self, act: impl FnOnce(&mut Listener)) {
        if let Some(shared) = &self.0 {
            act(&mut shared.listener.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn note(&self, text: impl FnOnce() -> String) {
        self.with_listener(|listener| {
            listener.settle();
            (listener.tell)(listener.began.elapsed(), &text());
        });
    }

    fn transfer(&self, client: usize, way: TransferDirection, bytes: &[u8]) {
        self.with_listener(|listener| {
            match &mut listener.moving {
                Some(moving) if moving.client == client && moving.way == way => {
                    moving.bytes += bytes.len();
                    moving.pieces += 1;
                    return;
                }
                _ => listener.settle(),
            }
            let (at, beginning) = (listener.began.elapsed(), excerpt(bytes));
            listener.moving = Some(Transfer { at, client, way, bytes: bytes.len(), pieces: 1, beginning });
        });
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Trace" } else { "no trace" })
    }
}

/// Guard returned by [`Trace::enter`]: the calling thread uses the trace while the guard exists.
#[must_use = "the thread returns to its former trace when this is dropped"]
pub(crate) struct EnteredTrace {
    former: Trace,
}

impl Drop for EnteredTrace {
    fn drop(&mut self) {
        let entered = OF_THREAD.replace(std::mem::take(&mut self.former));
        entered.with_listener(Listener::settle);
    }
}

/// One client in the trace, from its connect to its close.
#[derive(Debug)]
pub(crate) struct ClientTrace {
    trace: Trace,
    number: usize,
    ending: &'static str,
}

impl ClientTrace {
    /// Records that a client has connected. `from` is its address, or empty.
    pub fn connected(from: &str) -> ClientTrace {
        let trace = Trace::of_thread();
        let number = trace.0.as_ref().map_or(0, |shared| shared.clients.fetch_add(1, Ordering::Relaxed) + 1);
        trace.note(|| format!("client {number} connects{from}"));
        ClientTrace { trace, number, ending: "closes" }
    }

    /// Sets the text recorded at the end, instead of "closes".
    pub fn set_ending(&mut self, ending: &'static str) {
        self.ending = ending;
    }

    /// Records that the client does `action`.
    pub fn note(&self, action: impl std::fmt::Display) {
        self.trace.note(|| format!("client {} {action}", self.number));
    }

    /// Records that `bytes` were sent or received.
    pub fn transfer(&self, way: TransferDirection, bytes: &[u8]) {
        self.trace.transfer(self.number, way, bytes);
    }
}

impl Drop for ClientTrace {
    fn drop(&mut self) {
        self.note(self.ending);
    }
}

/// Records an event in the trace of the calling thread.
pub(crate) fn note_event(text: impl FnOnce() -> String) {
    OF_THREAD.with_borrow(|trace| trace.note(text));
}

impl Listener {
    /// Reports the transfer that has ended.
    fn settle(&mut self) {
        let Some(Transfer { at, client, way, bytes, pieces, beginning }) = self.moving.take() else { return };
        let verb = if way == TransferDirection::Sent { "sends" } else { "receives" };
        let pieces = if pieces > 1 { format!(" in {pieces} pieces") } else { String::new() };
        (self.tell)(
            at,
            &format!("client {client} {verb} {}{pieces}: {beginning}", count_with_noun(bytes, "byte")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_pieces_and_counts_clients() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let trace = Trace::new(move |_, text| written.lock().unwrap().push(text.to_owned()));
        let entered = trace.enter();
        let first = ClientTrace::connected("");
        first.transfer(TransferDirection::Sent, b"a");
        first.transfer(TransferDirection::Sent, b"b");
        drop(ClientTrace::connected(" from here"));
        drop((first, entered));
        note_event(|| "no trace any more".into());
        let expected = [
            "client 1 connects",
            "client 1 sends 2 bytes in 2 pieces: \"a\"",
            "client 2 connects from here",
            "client 2 closes",
            "client 1 closes",
        ];
        assert_eq!(*lines.lock().unwrap(), expected);
    }
}
