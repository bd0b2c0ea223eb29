//! A server that one check hands over to the next, so that it is not started for each of them.

use crate::checks::Check;
use crate::server::Server;

/// The server that checks of one task use one after another, as long as each leaves a sound conversation open.
pub(super) struct Handover {
    /// Whether another check may follow.
    is_open: bool,
    server: Option<Server>,
    /// The checks that the server has served.
    served: Vec<&'static str>,
}

impl Handover {
    /// Returns what the first check of a task is given. If the task `is_open`, another check may follow.
    pub fn new(is_open: bool) -> Handover {
        Handover { is_open, server: None, served: Vec::new() }
    }

    /// Returns what a check is given that hands nothing over.
    pub fn none() -> Handover {
        Handover::new(false)
    }

    /// Returns the server that was handed over.
    pub fn take(&mut self) -> Option<Server> {
        self.server.take()
    }

    /// Takes a `server` on which a conversation is open, which has served the check `served`, if any. Returns it if it is
    /// not handed over.
    pub fn offer(&mut self, server: Server, served: Option<&Check>) -> Option<Server> {
        if !self.is_open || !server.has_open_conversation() {
            self.served.clear();
            return Some(server);
        }
        self.served.extend(served.map(|check| check.id));
        self.server = Some(server);
        None
    }

    /// Whether the server was left by `check`.
    pub fn is_from(&self, check: &Check) -> bool {
        self.server.is_some() && self.served.last() == Some(&check.id)
    }

    /// Whether a server is handed over.
    pub fn has_server(&self) -> bool {
        self.server.is_some()
    }

    /// Returns the checks that the server has served.
    pub fn served(&self) -> Vec<&'static str> {
        self.served.clone()
    }
}
