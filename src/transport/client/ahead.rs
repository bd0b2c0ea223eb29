//! Requests that are sent before any reply to them can arrive.

use super::Client;
use crate::check::{self, Finding};

impl Client {
    /// Whether the client's protocol is echo.
    #[must_use]
    pub(crate) fn is_of_echo(&self) -> bool {
        self.dialogue.is_none()
    }

    /// Sends the queued requests that need not wait for a reply to an earlier one, and receives nothing.
    ///
    /// # Errors
    /// A timeout if the server takes no more, a failure if it has closed its input.
    pub(crate) fn send_what_may_go(&mut self) -> check::Result {
        while self.has_outgoing(&[]) {
            if !self.poll_for_progress(true, false, self.no_progress())?.writable {
                return Err(Finding::timeout("requests read by the server", "it reads nothing"));
            }
            self.write_some(&[])?;
        }
        Ok(())
    }

    /// Returns the number of the client's exchanges that are complete.
    #[must_use]
    pub(crate) fn complete_exchanges(&self) -> usize {
        let complete = self.dialogue.as_ref().map_or(0, |dialogue| dialogue.codec.count_complete());
        usize::try_from(complete).unwrap_or(usize::MAX)
    }

    /// Receives until this number of exchanges is complete, or to the end of the stream.
    ///
    /// # Errors
    /// A timeout if nothing arrives, a failure if a reply is wrong.
    pub(crate) fn receive_exchanges(&mut self, number: usize) -> check::Result {
        while self.complete_exchanges() < number && !self.ended {
            let step = self.step(&[])?;
            self.require_progress(step, || "a reply to each request".into())?;
        }
        Ok(())
    }

    /// Returns the number of requests that the client has sent and that are not yet answered.
    #[must_use]
    pub(crate) fn sent_unanswered(&self) -> usize {
        self.dialogue.as_ref().map_or(0, |dialogue| dialogue.codec.count_due())
    }
}
