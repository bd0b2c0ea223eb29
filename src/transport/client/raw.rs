//! Bytes that are no request of the protocol, and a record of everything that the server sends.

use super::Client;
use crate::check;
use crate::protocol::Tolerance;

#[allow(dead_code, reason = "for checks of servers on standard input and output")]
impl Client {
    /// Keeps everything that is received from now on, for [`recorded`](Client::recorded).
    pub(crate) fn record(&mut self) {
        self.connection.record.get_or_insert_default();
    }

    /// Returns everything that was received since [`record`](Client::record) was called.
    #[must_use]
    pub(crate) fn recorded(&self) -> &[u8] {
        self.connection.record.as_deref().unwrap_or_default()
    }

    /// Makes the client accept more than the replies that are due, if its protocol is one of JSON.
    #[must_use]
    pub(crate) fn tolerating(mut self, tolerance: Tolerance) -> Client {
        if let Some(dialogue) = &mut self.dialogue {
            dialogue.codec.tolerate(tolerance);
        }
        self
    }

    /// Returns the first bytes received that are no message of the protocol, if the client tolerates them.
    #[must_use]
    pub(crate) fn strays(&self) -> &[u8] {
        self.dialogue.as_ref().map_or(&[], |dialogue| dialogue.codec.strays())
    }

    /// Sends `bytes`, which are no request of the protocol. The requests before must have been sent to their end.
    ///
    /// # Errors
    /// Those of [`send`](Client::send).
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> check::Result {
        self.send_rest()?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let limit = self.deadlines.no_progress();
            let ready = self.connection.poll(true, !self.ended, limit)?;
            if ready.readable {
                self.fill_inbox()?;
            }
            if ready.writable {
                let written = self.write_piece(rest)?;
                rest = &rest[written..];
            }
            let step = super::stream::ExchangeStep { wrote: 0, moved: ready.readable || ready.writable };
            self.require_progress(step, || "bytes read by the server".into())?;
        }
        Ok(())
    }
}
