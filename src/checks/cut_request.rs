//! A request that is sent in two pieces.

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::requests::describe_cut;
use crate::protocol::Request;
use crate::server::Server;
use crate::transport::Client;

/// One place at which a request is cut into two pieces: a turn of the protocol, and an offset.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub turn: usize,
    /// The number of bytes of content in the request.
    pub content: usize,
    pub offset: usize,
    /// The status of the reply to the same request sent whole, if the protocol has one.
    pub status: Option<u16>,
}

/// A request that is cut in two. The client has sent only the first piece.
pub(super) struct BegunRequest {
    pub cut: Cut,
    pub client: Client,
    /// Whether the connection has served a request before.
    pub is_kept: bool,
    request: Request,
    content: Vec<u8>,
}

impl BegunRequest {
    /// Sends the first piece of a request, up to `cut`, with a client that has completed the opening.
    pub fn new(server: &mut Server, mut client: Client, cut: Cut) -> check::Result<BegunRequest> {
        let content = server.payload(cut.content);
        let request = client.queue_request(cut.turn, &content)?;
        let mut begun = BegunRequest { cut, client, is_kept: false, request, content };
        begun.client.send_piece(cut.offset).map_err(|finding| begun.explain(finding))?;
        Ok(begun)
    }

    /// Waits for at most `limit` for a reply, which would be too early.
    pub fn expect_no_reply(&mut self, limit: Duration) -> check::Result {
        self.client.receive_replies(limit).map_err(|finding| self.explain(finding))
    }

    /// Sends the second piece.
    pub fn send_rest(&mut self) -> check::Result {
        self.expect_no_reply(Duration::ZERO)?;
        self.client.send_rest().map_err(|finding| self.explain(finding))
    }

    /// Verifies the reply, and exchanges one more message if the connection `stays_open`. Returns false if the server has
    /// closed the connection, which was idle for long, before that message.
    pub fn finish(&mut self, stays_open: bool) -> check::Result<bool> {
        self.client.expect(&self.content).map_err(|finding| self.explain(finding))?;
        if self.client.was_answered_early() {
            return Err(self.answered_early("a whole reply"));
        }
        self.expect_status()?;
        // A reply too many, or bytes left over from the cut request, would spoil the next exchange.
        let next = if stays_open { self.client.exchange_unless_idle(b"whole") } else { Ok(true) };
        next.map_err(|finding| self.explain(finding.because("in the exchange after it")))
    }

    fn expect_status(&self) -> check::Result {
        let (status, of_whole) = (self.client.last_status(), self.cut.status);
        if status == of_whole {
            return Ok(());
        }
        let shown =
            |status: Option<u16>| status.map_or("no status".into(), |status| format!("status {status}"));
        let wanted = format!("the reply to the whole request: {}", shown(of_whole));
        Err(self.explain(Finding::fail(wanted, shown(status))))
    }

    /// Says in `finding` where the request was cut.
    pub fn explain(&self, finding: Finding) -> Finding {
        if self.client.was_answered_early() {
            return self.answered_early(&finding.actual);
        }
        finding.because(describe_cut(&self.request, self.cut.offset))
    }

    fn answered_early(&self, actual: &str) -> Finding {
        Finding::fail("no reply before the request has arrived to its end", actual)
            .because("the server answers half a request")
            .because(describe_cut(&self.request, self.cut.offset))
    }
}
