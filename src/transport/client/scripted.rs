//! Steps that scripts need: other limits, parts of a stream, a reset.

use std::time::Duration;

use super::Client;
use crate::check::{self, Finding};
use crate::deadline::{Deadlines, until};
use crate::outcome::Outcome;
use crate::text::excerpt;

impl Client {
    /// Makes the client accept more bytes than it sent, unlike an echo.
    #[must_use]
    pub(crate) fn receiving_anything(self) -> Client {
        Client { is_echo: false, ..self }
    }

    /// Sets the time without progress after which the server counts as hung, and returns the client's usual deadlines
    /// for [`set_deadlines`](Client::set_deadlines).
    pub(crate) fn limit_silence(&mut self, limit: Duration) -> Deadlines {
        let unscaled = Deadlines::scaled(1.0).no_progress();
        let scaled = Deadlines::scaled(limit.as_secs_f64() / unscaled.as_secs_f64());
        std::mem::replace(&mut self.deadlines, scaled)
    }

    /// Sets the client's deadlines.
    pub(crate) fn set_deadlines(&mut self, deadlines: Deadlines) {
        self.deadlines = deadlines;
    }

    /// Receives until `take` recognises the first bytes, and removes them. `take` returns their number and a value, or
    /// a text if the bytes are not those that are `wanted`.
    ///
    /// # Errors
    /// A failure if other bytes or the end come first, a timeout if nothing more comes.
    pub(crate) fn receive_part<T>(
        &mut self,
        wanted: &str,
        mut take: impl FnMut(&[u8]) -> Result<Option<(usize, T)>, String>,
    ) -> check::Result<T> {
        self.require_stream()?;
        loop {
            let taken = take(&self.inbox).map_err(|actual| Finding::fail(wanted, actual))?;
            if let Some((length, value)) = taken {
                self.inbox.drain(..length);
                return Ok(value);
            }
            if self.ended {
                let actual = format!("end of file after {}", excerpt(&self.inbox));
                return Err(Finding::fail(wanted, actual));
            }
            let step = self.step(&[])?;
            self.require_progress(step, || wanted.to_owned())?;
        }
    }

    /// Waits until the connection is reset. Bytes that come before are ignored.
    ///
    /// # Errors
    /// A failure if the connection ends in another way, a timeout if it stays open.
    pub(crate) fn expect_reset(&mut self) -> check::Result {
        loop {
            self.inbox.clear();
            if self.ended {
                return Err(Finding::fail("a reset connection", "end of file"));
            }
            let limit = self.deadlines.no_progress();
            let ready = self.poll_for_progress(false, true, limit)?;
            if !ready.readable {
                let actual = format!("nothing for {} s", limit.as_secs_f64());
                return Err(Finding::timeout("a reset connection", actual).because((self.hang_diagnosis.0)()));
            }
            match self.connection.read(&mut self.buffer) {
                Ok(piece) => self.ended = piece.length == 0,
                Err(error) if super::connection::is_transient(&error) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    self.lost(&error);
                    return Ok(());
                }
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    /// Fails if the client receives anything, or the end, within [`Deadlines::quiet`](Deadlines::quiet).
    ///
    /// # Errors
    /// A failure with the first bytes.
    pub(crate) fn expect_nothing(&mut self) -> check::Result {
        if !self.readable_within(self.deadlines.quiet())? {
            return Ok(());
        }
        if self.inbox.is_empty() && !self.ended {
            let ready = self.connection.poll(false, true, Duration::ZERO)?;
            self.move_bytes(&[], ready)?;
        }
        let actual =
            if self.inbox.is_empty() && self.ended { "end of file".into() } else { excerpt(&self.inbox) };
        Err(Finding::fail("nothing", actual))
    }

    /// Waits at most `limit` until the server has read everything that the client has sent. Returns false if some is
    /// unread.
    ///
    /// # Errors
    /// A failure if the connection has been reset; unsupported if the system does not report that.
    pub(crate) fn is_all_read_within(&self, limit: Duration) -> check::Result<bool> {
        let delivered = || Ok(self.is_delivered().then_some(()));
        match self.read_or_reset(limit) {
            // Over a Unix domain socket, bytes that the server has not read are those that are not delivered.
            Err(finding) if finding.outcome == Outcome::Unsupported && self.ends().is_none() => {
                Ok(until(limit, delivered)?.is_some())
            }
            Ok(true) => Ok(until(limit, delivered)?.is_some() && self.read_or_reset(limit)?),
            other => other,
        }
    }

    /// Waits as [`await_read_within`](Client::await_read_within) does, and fails if the connection has been reset.
    fn read_or_reset(&self, limit: Duration) -> check::Result<bool> {
        let read = self.await_read_within(limit);
        if self.ends().is_none() && self.connection.local_address().is_some() {
            return Err(Finding::fail("bytes read by the server", "the connection was reset"));
        }
        read
    }
}
