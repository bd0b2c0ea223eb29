//! The steps of the learner's report, in teaching order.

use crate::transport::{Capabilities, Transport};

mod clients;
mod conversation;
mod process;

/// A step of the learner's report: one idea about servers, and the checks that show it.
#[derive(Debug)]
pub struct Step {
    /// The title of a learner's step.
    pub title: &'static str,
    /// The idea of a learner's step, in one sentence.
    pub idea: &'static str,
    /// The name of the demo that shows the idea of a learner's step.
    demo: &'static str,
    /// The tasks of a learner's step, in the order in which they are checked.
    pub tasks: &'static [Task],
}

/// A task of a learner's step: a check that the server must pass.
#[derive(Debug)]
pub struct Task {
    /// The id of the check that a learner's server must pass.
    pub check: &'static str,
    /// The hint for a learner whose server fails the check.
    pub hint: &'static str,
    /// Whether a limit that the check only reports counts as a failure of a learner's server.
    pub forbids_limits: bool,
}

impl Step {
    /// Returns the name of the demo that shows the idea of a learner's step over `transport`.
    #[must_use]
    pub fn demo(&self, transport: &Transport) -> &'static str {
        let has = |capability| transport.capabilities.contains(capability);
        match self.demo {
            "socket" | "time-wait" if has(Capabilities::SOCKET_PATH) => "unix",
            "socket" if has(Capabilities::UDP) => "udp",
            "socket" if has(Capabilities::STDIO) || !has(Capabilities::CONNECTIONS) => "pipe",
            demo => demo,
        }
    }
}

const fn task(check: &'static str, hint: &'static str) -> Task {
    Task { check, hint, forbids_limits: false }
}

/// The task of a check that only reports whether a server serves several clients at once.
const fn task_without_limits(check: &'static str, hint: &'static str) -> Task {
    Task { check, hint, forbids_limits: true }
}

/// The first step: the server starts and can be reached. It has no check, because every run begins with a launch.
pub const START: Step = Step {
    title: "start, and be ready for clients",
    idea: "A server gets a socket from the kernel, binds it to the address that its user chose, and listens there; a server \
           on standard input and output finds its client connected already.",
    demo: "socket",
    tasks: &[],
};

/// Returns the steps after [`START`], in teaching order. A step applies to a server if one of its checks does.
pub fn steps() -> impl Iterator<Item = &'static Step> {
    [conversation::STEPS, clients::STEPS, process::STEPS].into_iter().flatten()
}
