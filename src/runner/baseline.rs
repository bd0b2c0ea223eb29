//! The usual behaviour of a server: facts that one extra run finds, when a check first needs them.

use std::sync::OnceLock;

use crate::check::Finding;
use crate::checks::Check;
use crate::outcome::Outcome;
use crate::server::{LaunchOptions, Server, Spec};
use crate::text::count_with_noun;
use crate::transport::Capabilities;

/// The bytes sent to find out whether a server echoes: a line, because some servers answer nothing until they have read
/// a whole line.
const LINE: &[u8] = b"a plain line\n";

/// The maximum number of attempts at a run in which the server exits cleanly.
const ATTEMPTS: usize = 3;

/// Facts about one server that no single check can know.
#[derive(Default)]
pub(super) struct Baseline {
    /// A description of the server's wrong reply to a plain line; `None` if the server echoes the line or does not
    /// answer.
    wrong_reply: OnceLock<Option<String>>,
    /// The kinds of things that the server leaves behind after an ordinary client; `None` if it never exits cleanly.
    usual_leaks: OnceLock<Option<Vec<&'static str>>>,
}

impl Baseline {
    /// Turns `finding` into *skipped* if the server is no echo server at all and that kept `check` from testing
    /// anything. The checks of the area `echo` report such a server.
    pub fn skip_unless_echo_server(
        &self,
        check: &Check,
        finding: Finding,
        spec: &Spec,
        options: &LaunchOptions,
    ) -> Finding {
        let judged = matches!(finding.outcome, Outcome::Fail | Outcome::Timeout | Outcome::Info);
        // For a passed socket, the exchange itself is what the check tests.
        let passed = Capabilities::PASSED_LISTENER.union(Capabilities::PASSED_CONNECTION);
        let tests_echo = check.area() == "echo" || check.requires.intersects(passed);
        if tests_echo || !finding.of_echo || !judged {
            return finding;
        }
        match self.wrong_reply.get_or_init(|| wrong_reply(spec, options)) {
            Some(reply) => Finding::skipped(format!("not asked, for this is no echo server. {reply}")),
            None => finding,
        }
    }

    /// Whether the server leaves things of this `kind` after every run. Two checks report that, once for the server:
    /// `life/leaves-nothing-behind` and `path/removed-at-exit`. If no run ends cleanly, every kind counts as usual.
    pub fn usually_leaks(&self, kind: &str, spec: &Spec, options: &LaunchOptions) -> bool {
        let run = || (0..ATTEMPTS).find_map(|_| leaks_of_one_run(spec, options));
        self.usual_leaks.get_or_init(run).as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// Sends a line to the server and returns a description of the reply, if the reply is not the line. Returns `None` for
/// silence, because silence can have any cause.
fn wrong_reply(spec: &Spec, options: &LaunchOptions) -> Option<String> {
    let mut server = Server::launch(spec, options.clone()).ok()?;
    let mut client = server.connect().ok()?;
    let finding = client.exchange(LINE).err()?;
    // A failed exchange over a stream can also be one that ended without a byte; a wrong message was received.
    let answered = !spec.capabilities().contains(Capabilities::STREAM) || client.received() > 0;
    if !answered || !finding.of_echo || finding.outcome != Outcome::Fail {
        return None;
    }
    let sent = count_with_noun(LINE.len(), "byte");
    Some(format!("Sent a line of {sent}, it answered: {}", finding.actual))
}

/// Returns the kinds of things that the server leaves after one client and SIGTERM; `None` if the server did not start
/// or had to be killed.
fn leaks_of_one_run(spec: &Spec, options: &LaunchOptions) -> Option<Vec<&'static str>> {
    let mut server = Server::launch(spec, options.clone()).ok()?;
    // The reply does not matter here.
    let _ = server.connect_and_exchange();
    let shutdown = server.shutdown();
    shutdown.clean.then(|| shutdown.leaks.into_iter().map(|leak| leak.kind).collect())
}
