//! What clients and servers do, in order, for someone who wants to see it.
//!
//! Nothing is noted until somebody [listens](listen), so a check need not know that it is watched.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::text::{count, excerpt};

static HEARD: AtomicBool = AtomicBool::new(false);
static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

type Tell = Box<dyn FnMut(Duration, &str) + Send>;

struct Listener {
    began: Instant,
    tell: Tell,
    moving: Option<Transfer>,
}

/// Bytes of one client that moved one way, and nothing else happened meanwhile.
struct Transfer {
    at: Duration,
    who: usize,
    way: Way,
    bytes: usize,
    pieces: usize,
    beginning: String,
}

/// The direction of a transfer, seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Sent,
    /// From the server.
    Received,
}

/// From now on `tell` hears of everything, with the time since this call.
pub fn listen(tell: impl FnMut(Duration, &str) + Send + 'static) {
    *listener() = Some(Listener { began: Instant::now(), tell: Box::new(tell), moving: None });
    HEARD.store(true, Ordering::SeqCst);
}

/// Tells what is still to be told, and stops.
pub fn fall_silent() {
    HEARD.store(false, Ordering::SeqCst);
    if let Some(mut listener) = listener().take() {
        listener.settle();
    }
}

/// One client from its coming to its going, by the number that tells it from the others.
#[derive(Debug)]
pub(crate) struct Visit {
    number: usize,
    farewell: &'static str,
}

impl Visit {
    /// A client has connected; `whence` is its address, or nothing.
    pub fn begins(whence: &str) -> Visit {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        note(|| format!("client {number} connects{whence}"));
        Visit { number, farewell: "closes" }
    }

    /// It does not close but does this.
    pub fn ends_otherwise(&mut self, farewell: &'static str) {
        self.farewell = farewell;
    }

    /// It does something.
    pub fn note(&self, what: impl std::fmt::Display) {
        note(|| format!("client {} {what}", self.number));
    }

    /// It has moved `bytes`.
    pub fn transfer(&self, way: Way, bytes: &[u8]) {
        transfer(self.number, way, bytes);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.note(self.farewell);
    }
}

/// Something has happened.
pub(crate) fn note(text: impl FnOnce() -> String) {
    with_listener(|listener| {
        listener.settle();
        (listener.tell)(listener.began.elapsed(), &text());
    });
}

fn transfer(who: usize, way: Way, bytes: &[u8]) {
    with_listener(|listener| {
        match &mut listener.moving {
            Some(moving) if moving.who == who && moving.way == way => {
                moving.bytes += bytes.len();
                moving.pieces += 1;
                return;
            }
            _ => listener.settle(),
        }
        let (at, beginning) = (listener.began.elapsed(), excerpt(bytes));
        listener.moving = Some(Transfer { at, who, way, bytes: bytes.len(), pieces: 1, beginning });
    });
}

fn with_listener(act: impl FnOnce(&mut Listener)) {
    if !HEARD.load(Ordering::Relaxed) {
        return;
    }
    if let Some(heard) = listener().as_mut() {
        act(heard);
    }
}

fn listener() -> MutexGuard<'static, Option<Listener>> {
    LISTENER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listener {
    /// Tells of the transfer that has come to its end.
    fn settle(&mut self) {
        let Some(Transfer { at, who, way, bytes, pieces, beginning }) = self.moving.take() else { return };
        let verb = if way == Way::Sent { "sends" } else { "receives" };
        let pieces = if pieces > 1 { format!(" in {pieces} pieces") } else { String::new() };
        (self.tell)(at, &format!("client {who} {verb} {}{pieces}: {beginning}", count(bytes, "byte")));
    }
}
