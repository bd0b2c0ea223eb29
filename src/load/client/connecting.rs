//! Opens connections: a few at a time, so that no listen queue overflows, and again when they have failed.

use std::cmp::Reverse;
use std::io;
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Interest, Token};
use socket2::Socket;

use super::super::connection::State;
use super::super::record::ErrorKind;
use super::super::shared::nanoseconds;
use super::super::target::Begun;
use super::Client;

/// The number of connections that may wait for the server's first answer at the same time. The listen queue of many
/// servers has room for 128; a connection that finds no room is delayed by a second (RFC 6298).
const UNSERVED: usize = 100;

/// The time after which a failed connection is opened again, in nanoseconds.
const RETRY_DELAY: u64 = 100_000_000;

/// The time after which a connection for which the system had no room is begun again, in nanoseconds.
const NO_ROOM_DELAY: u64 = 1_000_000;

/// The number of times that a connection may fail in a row.
const MAX_FAILURES: u32 = 3;

impl Client<'_> {
    /// Opens the connections whose time has come.
    pub(super) fn open_more(&mut self, now: u64) {
        while self.retries.peek().is_some_and(|Reverse((time, _))| *time <= now) {
            let Some(Reverse((_, index))) = self.retries.pop() else { break };
            self.open_again(index, now);
        }
        let limit = (UNSERVED / self.task.plan.threads).max(1);
        while self.opened < self.connections.len() && self.unserved < limit && self.is_time_to_open(now) {
            let index = self.opened;
            self.opened += 1;
            self.begin_if_allowed(index, now, now);
        }
    }

    fn is_time_to_open(&self, now: u64) -> bool {
        let ramp = nanoseconds(self.task.plan.ramp);
        let share = self.opened as f64 / self.connections.len() as f64;
        now >= (ramp as f64 * share) as u64
    }

    fn open_again(&mut self, index: usize, now: u64) {
        if self.connections[index].has_request {
            self.connect(index, now);
        } else {
            self.go_on(index, now);
        }
    }

    /// Begins to open a connection. Its request is sent as soon as the connection is established.
    pub(super) fn connect(&mut self, index: usize, now: u64) {
        let number = self.next_number();
        let (target, script) = (self.task.target, self.task.script);
        let begun = target.begin_connect();
        let connection = &mut self.connections[index];
        connection.state = State::Connecting;
        connection.since = now;
        connection.opened += 1;
        connection.codec = script.new_codec(number);
        connection.reply.reset();
        if !connection.is_served && !connection.is_counted_unserved {
            connection.is_counted_unserved = true;
            self.unserved += 1;
        }
        match begun {
            Ok(Begun::Established(socket)) => {
                if self.watch(index, socket, Interest::READABLE) {
                    self.established(index);
                }
            }
            Ok(Begun::InProgress(socket)) => {
                self.watch(index, socket, Interest::READABLE | Interest::WRITABLE);
            }
            Ok(Begun::TryAgain)
                if now.saturating_sub(connection.intended) > nanoseconds(self.task.plan.timeout) =>
            {
                self.fail(index, ErrorKind::TimedOut, || {
                    "cannot connect: the server's listen queue was full, or no local port was free".into()
                });
            }
            Ok(Begun::TryAgain) => {
                connection.state = State::Closed;
                self.retries.push(Reverse((now + NO_ROOM_DELAY, index)));
            }
            Err(error) => self.fail_with(index, &error, "cannot connect"),
        }
    }

    /// Adds a socket to the event loop. Returns false, and fails the connection, if that is not possible.
    fn watch(&mut self, index: usize, socket: Socket, interest: Interest) -> bool {
        let added = self.poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(index), interest);
        let connection = &mut self.connections[index];
        connection.watches_writable = interest.is_writable();
        connection.socket = Some(socket);
        if let Err(error) = added {
            self.fail_with(index, &error, "cannot wait for the connection");
            return false;
        }
        true
    }

    /// Sets whether the event loop watches for room to write on a connection.
    pub(super) fn watch_writable(&mut self, index: usize, wanted: bool) {
        let connection = &mut self.connections[index];
        let Some(socket) = &connection.socket else { return };
        if connection.watches_writable == wanted {
            return;
        }
        let interest = if wanted { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let fd = socket.as_raw_fd();
        connection.watches_writable = wanted;
        if let Err(error) = self.poll.registry().reregister(&mut SourceFd(&fd), Token(index), interest) {
            self.fail_with(index, &error, "cannot wait for the connection");
        }
    }

    /// Handles an event of a connection that is being established.
    pub(super) fn finish_connecting(&mut self, index: usize) {
        let Some(socket) = &self.connections[index].socket else { return };
        match socket.take_error() {
            Ok(Some(error)) | Err(error) => self.fail_with(index, &error, "cannot connect"),
            // An event of the connection's former socket may come after it was opened again.
            Ok(None) if socket.peer_addr().is_err() => {}
            Ok(None) => {
                if !self.task.plan.churn && self.task.target.is_tcp() {
                    self.watch_writable(index, false);
                }
                self.established(index);
            }
        }
    }

    fn established(&mut self, index: usize) {
        if self.connections[index].codec.is_some() {
            self.connections[index].state = State::Opening;
            self.go_on_opening(index);
        } else {
            self.opening_is_done(index);
        }
    }

    /// Closes a connection.
    pub(super) fn close(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        // Closing a descriptor removes it from the event loop: no other descriptor refers to the socket.
        connection.socket = None;
        connection.codec = None;
        connection.state = State::Closed;
    }

    /// Fails a connection because of an error of a system call.
    pub(super) fn fail_with(&mut self, index: usize, error: &io::Error, what: &str) {
        self.fail(index, ErrorKind::of(error), || format!("{what}: {error}"));
    }

    /// Counts an error, closes the connection, and opens it again later unless it has failed too often.
    pub(super) fn fail(&mut self, index: usize, kind: ErrorKind, text: impl FnOnce() -> String) {
        let now = self.now();
        self.result.errors.add(kind, text);
        self.task.shared.add_error();
        let connection = &self.connections[index];
        let is_queued = connection.state == State::Idle && !connection.has_request;
        self.close(index);
        if is_queued {
            // It stays in the queue of idle connections, and is opened again for its next request.
            return;
        }
        let connection = &mut self.connections[index];
        connection.failures += 1;
        if std::mem::take(&mut connection.is_counted_unserved) {
            self.unserved -= 1;
        }
        if std::mem::take(&mut connection.has_request) {
            self.in_flight -= 1;
            self.count_failed_request(index, now);
        }
        if self.connections[index].failures < MAX_FAILURES {
            self.result.reconnects += 1;
            self.retries.push(Reverse((now + RETRY_DELAY, index)));
        } else {
            self.alive -= 1;
        }
    }
}
