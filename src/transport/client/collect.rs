//! Exchanges with a server that may buffer its output.
//!
//! A filter such as cat(1) may keep its output in a buffer, as stdio(3) does on a pipe, until it reads end of file.
//! It still echoes every byte. A check that is not about prompt replies uses these methods, so that such a server
//! passes it.

use super::Client;
use super::awaited_bytes::AwaitedBytes;
use crate::check;
use crate::transport::Capabilities;

impl Client {
    /// Sends `bytes` and collects their echo. After a silence of
    /// [`Deadlines::reply`](crate::deadline::Deadlines::reply) the client only sends;
    /// [`collect_rest`](Client::collect_rest) or [`finish`](Client::finish) collects the rest.
    /// [`STREAM`](Capabilities::STREAM), [`HALF_CLOSE`](Capabilities::HALF_CLOSE).
    ///
    /// # Errors
    /// Those of [`exchange`](Client::exchange), except a timeout while waiting for the echo.
    pub(crate) fn send_and_collect(&mut self, bytes: &[u8]) -> check::Result {
        if self.uncollected.is_empty() {
            return self.collect_after(bytes, bytes);
        }
        self.send(bytes)?;
        self.uncollected.push(bytes.to_vec());
        Ok(())
    }

    /// Collects the echo of `bytes`, which were sent before, until the echo is complete or the server is silent for
    /// [`Deadlines::reply`](crate::deadline::Deadlines::reply).
    ///
    /// # Errors
    /// Those of [`expect`](Client::expect), except a timeout.
    pub(crate) fn collect_echo(&mut self, bytes: &[u8]) -> check::Result {
        self.collect_after(&[], bytes)
    }

    fn collect_after(&mut self, outgoing: &[u8], expected: &[u8]) -> check::Result {
        self.require_stream()?;
        let quiet = self.deadlines.reply();
        let received = self.run_exchange(outgoing, AwaitedBytes::of(expected), Some(quiet))?;
        if received < expected.len() {
            self.uncollected.push(expected[received..].to_vec());
        }
        Ok(())
    }

    /// If the server holds any echo back, ends the client's direction and waits for the rest of the echo.
    ///
    /// # Errors
    /// Those of [`expect`](Client::expect).
    pub(crate) fn collect_rest(&mut self) -> check::Result {
        if self.uncollected.is_empty() {
            return Ok(());
        }
        self.shut_down_write()?;
        for bytes in std::mem::take(&mut self.uncollected) {
            self.expect(&bytes)
                .map_err(|finding| finding.because("it had not come back before the client's end"))?;
        }
        Ok(())
    }

    /// Completes a request that was begun. Otherwise ends the client's direction, collects any echo that the server
    /// held back, and waits for end of file. Does nothing where one direction cannot be ended alone
    /// ([`HALF_CLOSE`](Capabilities::HALF_CLOSE)).
    ///
    /// # Errors
    /// Those of [`expect`](Client::expect) and [`expect_eof`](Client::expect_eof).
    pub fn finish(&mut self) -> check::Result {
        if self.has_begun_request() {
            return self.complete_request(&[]);
        }
        if !self.capabilities.contains(Capabilities::HALF_CLOSE) {
            return Ok(());
        }
        if self.uncollected.is_empty() {
            self.shut_down_write()?;
        }
        self.collect_rest()?;
        self.expect_eof()
    }
}
