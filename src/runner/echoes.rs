//! Whether a server echoes at all: without that, most questions cannot be asked.

use std::sync::OnceLock;

use super::Options;
use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Outcome;
use crate::server::{Server, Spec};
use crate::text::count;
use crate::transport::Capabilities;

/// A line, for a server that waits for one is a poor echo server, but not a silent one.
const LINE: &[u8] = b"a plain line\n";

/// What a fresh server makes of one plain line, found out once and only where a check gives cause to ask.
#[derive(Default)]
pub(super) struct Echoes(OnceLock<Option<String>>);

impl Echoes {
    /// What `check` found; or, where a server that sends back something else altogether kept it from its question,
    /// that it was not asked. Whether a server echoes is for the area `echo` to say.
    pub fn excuse(&self, check: &Check, finding: Finding, spec: &Spec, options: &Options) -> Finding {
        let judged = matches!(finding.outcome, Outcome::Fail | Outcome::Timeout | Outcome::Info);
        // Of a socket that is passed to the server the exchange itself is the question.
        let passed = Capabilities::PASSED_LISTENER.union(Capabilities::PASSED_CONNECTION);
        let its_question = check.area() == "echo" || check.needs.intersects(passed);
        if its_question || !finding.of_echo || !judged {
            return finding;
        }
        match self.0.get_or_init(|| instead(spec, options)) {
            Some(other) => Finding::skipped(format!("not asked, for this is no echo server. {other}")),
            None => finding,
        }
    }
}

/// What comes back instead of a plain line; `None` where it does, and where nothing comes back: silence can have
/// any cause, one that the check is about among them.
fn instead(spec: &Spec, options: &Options) -> Option<String> {
    let mut server = Server::launch(spec, options.launch()).ok()?;
    let mut client = server.connect().ok()?;
    let finding = converse(client.exchange(LINE))?;
    // Of a stream the failure may be that it ended without a byte; a message that differs was received.
    if spec.offers().contains(Capabilities::STREAM) && client.received() == 0 {
        return None;
    }
    let sent = count(LINE.len(), "byte");
    Some(format!("Sent a line of {sent}, it answered: {}", finding.actual))
}

fn converse(verdict: check::Result) -> Option<Finding> {
    verdict.err().filter(|finding| finding.of_echo && finding.outcome == Outcome::Fail)
}
