//! The trace of a run: everything that clients and servers do, in order, for a person who watches.
//!
//! Nothing is recorded unless the thread has [entered](Trace::enter) a trace, so checks need not know about it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::text::excerpt;

mod step;

pub use step::{Action, Actor, Step, Transfer};

/// A trace of the events of clients, or no trace. Clones write to the same listener.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Shared>>);

struct Shared {
    clients: AtomicUsize,
    listener: Mutex<Listener>,
    /// The listener that receives contents in the place of a protocol's bytes.
    of_contents: Option<Mutex<Listener>>,
}

type Tell = Box<dyn FnMut(Step) + Send>;

struct Listener {
    began: Instant,
    tell: Tell,
    moving: Option<Moving>,
}

/// A transfer of bytes in progress. The next piece that the client sends or receives may belong to it.
struct Moving {
    at: Duration,
    client: usize,
    way: TransferDirection,
    transfer: Transfer,
}

/// The direction of a transfer, seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferDirection {
    /// The bytes go from the client to the server.
    Sent,
    /// The bytes go from the server to the client.
    Received,
}

thread_local! {
    static OF_THREAD: RefCell<Trace> = const { RefCell::new(Trace(None)) };
}

impl Trace {
    /// Returns a trace that calls `tell` with each step. The times of the steps count from this call.
    pub fn new(tell: impl FnMut(Step) + Send + 'static) -> Trace {
        Trace::of(Listener::new(tell), None)
    }

    /// Returns a trace that calls `tell` with each step, and `tell_contents` with the same steps in other words: of a
    /// client that speaks a protocol, the latter receives the contents of requests as what the client sends, and the
    /// contents of answered requests as what it receives.
    #[cfg(feature = "cli")]
    pub(crate) fn with_contents(
        tell: impl FnMut(Step) + Send + 'static,
        tell_contents: impl FnMut(Step) + Send + 'static,
    ) -> Trace {
        Trace::of(Listener::new(tell), Some(Listener::new(tell_contents)))
    }

    fn of(listener: Listener, of_contents: Option<Listener>) -> Trace {
        let clients = AtomicUsize::new(0);
        let of_contents = of_contents.map(Mutex::new);
        Trace(Some(Arc::new(Shared { clients, listener: Mutex::new(listener), of_contents })))
    }

    /// Returns the trace of the calling thread.
    pub(crate) fn of_thread() -> Trace {
        OF_THREAD.with_borrow(Clone::clone)
    }

    /// Makes the calling thread use this trace until the returned value is dropped.
    pub(crate) fn enter(&self) -> EnteredTrace {
        EnteredTrace { former: OF_THREAD.replace(self.clone()) }
    }

    /// Calls `act` with the listener of bytes, if there is one.
    fn with_listener(&self, act: impl FnOnce(&mut Listener)) {
        if let Some(shared) = &self.0 {
            act(&mut shared.listener.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Calls `act` with the listener of contents, if there is one.
    fn with_contents_listener(&self, act: impl FnOnce(&mut Listener)) {
        if let Some(listener) = self.0.as_ref().and_then(|shared| shared.of_contents.as_ref()) {
            act(&mut listener.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Whether a listener receives the steps of this trace.
    pub(crate) fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the number of the next client, counted from 1.
    fn next_client(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| shared.clients.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether both traces write to the same listener, or to none.
    fn is_same(&self, other: &Trace) -> bool {
        self.0.as_ref().map(Arc::as_ptr) == other.0.as_ref().map(Arc::as_ptr)
    }

    fn note(&self, actor: Actor, action: impl FnOnce() -> Action) {
        if !self.is_recorded() {
            return;
        }
        let action = action();
        self.with_contents_listener(|listener| listener.note(actor, action.clone()));
        self.with_listener(|listener| listener.note(actor, action));
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
        entered.with_contents_listener(Listener::settle);
    }
}

/// The description of a client that speaks the server's protocol, in a trace of contents.
pub(crate) const SPEAKS_PROTOCOL: &str = "speaks the protocol";

/// The description of the first half of a request, which the server then reads, in a trace of contents.
pub(crate) const SENDS_HALF_A_REQUEST: &str = "sends half a request";

/// One client in the trace, from its connect to its close.
#[derive(Debug)]
pub(crate) struct ClientTrace {
    trace: Trace,
    number: usize,
    ending: Action,
    /// Whether the client speaks a protocol, so that its bytes are not the contents of its requests.
    has_contents: bool,
}

impl ClientTrace {
    /// Records that a client has connected, from the address `from` if it has one.
    pub fn connected(from: Option<String>) -> ClientTrace {
        let trace = Trace::of_thread();
        let number = trace.next_client();
        trace.note(Actor::Client(number), || Action::Connects(from));
        ClientTrace { trace, number, ending: Action::Closes, has_contents: false }
    }

    /// Records the client's steps from now on in the trace of the calling thread, which runs another check.
    pub fn goes_on(&mut self) {
        let trace = Trace::of_thread();
        if trace.is_same(&self.trace) {
            return;
        }
        self.number = trace.next_client();
        self.trace = trace;
        self.note(Action::Other("goes on with the conversation of another check".into()));
        if self.has_contents {
            self.speaks_protocol();
        }
    }

    /// Records that the client's connection ends with a reset instead of a close.
    pub fn ends_with_reset(&mut self) {
        self.ending = Action::Resets;
    }

    /// Records an action of the client in the trace.
    pub fn note(&self, action: Action) {
        self.trace.note(Actor::Client(self.number), || action);
    }

    /// Records that the client speaks a protocol: [`content`](ClientTrace::content) tells what it sends and receives.
    pub fn speaks_protocol(&mut self) {
        self.has_contents = true;
        self.note_content(Action::Other(SPEAKS_PROTOCOL.into()));
    }

    /// Records that the client sent or received `bytes`.
    pub fn transfer(&self, way: TransferDirection, bytes: &[u8]) {
        self.trace.with_listener(|listener| listener.transfer(self.number, way, bytes));
        if !self.has_contents {
            self.content(way, bytes);
        }
    }

    /// Records that the client read the end of file. [`note_content`](ClientTrace::note_content) records it once more
    /// for a client that speaks a protocol, as the end may complete a reply.
    pub fn ends(&self) {
        let actor = Actor::Client(self.number);
        self.trace.with_listener(|listener| listener.note(actor, Action::ReceivesEnd));
        if !self.has_contents {
            self.note_content(Action::ReceivesEnd);
        }
    }

    /// Records the content of requests that the client sends, or that were answered.
    pub fn content(&self, way: TransferDirection, content: &[u8]) {
        if !content.is_empty() {
            self.trace.with_contents_listener(|listener| listener.transfer(self.number, way, content));
        }
    }

    /// Records an action that only concerns the contents of requests and replies.
    pub fn note_content(&self, action: Action) {
        self.trace.with_contents_listener(|listener| listener.note(Actor::Client(self.number), action));
    }
}

impl Drop for ClientTrace {
    fn drop(&mut self) {
        self.note(self.ending.clone());
    }
}

/// Records an action of the server's process `pid` in the trace of the calling thread.
pub(crate) fn note_event(pid: Pid, action: impl FnOnce() -> Action) {
    OF_THREAD.with_borrow(|trace| trace.note(Actor::Process(pid.as_raw()), action));
}

impl Listener {
    fn new(tell: impl FnMut(Step) + Send + 'static) -> Listener {
        Listener { began: Instant::now(), tell: Box::new(tell), moving: None }
    }

    fn note(&mut self, actor: Actor, action: Action) {
        self.settle();
        (self.tell)(Step { at: self.began.elapsed(), actor, action });
    }

    fn transfer(&mut self, client: usize, way: TransferDirection, bytes: &[u8]) {
        match &mut self.moving {
            Some(moving) if moving.client == client && moving.way == way => {
                moving.transfer.add(bytes);
                return;
            }
            _ => self.settle(),
        }
        let mut transfer =
            Transfer { bytes: 0, pieces: 0, beginning: excerpt(bytes), content: Some(Vec::new()) };
        transfer.add(bytes);
        self.moving = Some(Moving { at: self.began.elapsed(), client, way, transfer });
    }

    /// Reports the transfer in progress to the listener as one step, because it has ended.
    fn settle(&mut self) {
        let Some(Moving { at, client, way, transfer }) = self.moving.take() else { return };
        let action =
            if way == TransferDirection::Sent { Action::Sends(transfer) } else { Action::Receives(transfer) };
        (self.tell)(Step { at, actor: Actor::Client(client), action });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_pieces_and_counts_clients() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let trace = Trace::new(move |step| written.lock().unwrap().push(step.to_string()));
        let entered = trace.enter();
        let first = ClientTrace::connected(None);
        first.transfer(TransferDirection::Sent, b"a");
        first.transfer(TransferDirection::Sent, b"b");
        drop(ClientTrace::connected(Some("here".into())));
        drop((first, entered));
        note_event(Pid::from_raw(1), || Action::Launched);
        let expected = [
            "client 1 connects",
            "client 1 sends 2 bytes in 2 pieces: \"a\"",
            "client 2 connects from here",
            "client 2 closes",
            "client 1 closes",
        ];
        assert_eq!(*lines.lock().unwrap(), expected);
    }

    #[test]
    #[cfg(feature = "cli")]
    fn contents_take_the_place_of_the_bytes_of_a_protocol() {
        let listener = || {
            let lines = Arc::new(Mutex::new(Vec::new()));
            let written = Arc::clone(&lines);
            (lines, move |step: Step| written.lock().unwrap().push(step.to_string()))
        };
        let ((bytes, tell), (contents, tell_contents)) = (listener(), listener());
        let trace = Trace::with_contents(tell, tell_contents);
        let entered = trace.enter();
        let mut client = ClientTrace::connected(None);
        client.speaks_protocol();
        client.content(TransferDirection::Sent, b"hello");
        client.transfer(TransferDirection::Sent, b"ECHO hello\n");
        client.transfer(TransferDirection::Received, b"hello\n");
        client.ends();
        client.content(TransferDirection::Received, b"hello");
        client.note_content(Action::ReceivesEnd);
        drop((client, entered));
        let expected = |sent: &str, received: &str| {
            [
                "client 1 connects",
                &format!("client 1 sends {sent}"),
                &format!("client 1 receives {received}"),
                "client 1 receives end of file",
                "client 1 closes",
            ]
            .map(ToOwned::to_owned)
        };
        assert_eq!(*bytes.lock().unwrap(), expected(r#"11 bytes: "ECHO hello\n""#, r#"6 bytes: "hello\n""#));
        assert_eq!(contents.lock().unwrap().remove(1), "client 1 speaks the protocol");
        assert_eq!(*contents.lock().unwrap(), expected(r#"5 bytes: "hello""#, r#"5 bytes: "hello""#));
    }
}
