//! A conversation on standard input and output that one check leaves open, so that the next one goes on with it.

use super::Server;
use crate::check;
use crate::transport::{Capabilities, Client};

impl Server {
    /// Returns the client of a conversation that an earlier check has left open, if there is one.
    pub(crate) fn resume(&mut self) -> Option<Client> {
        self.open_conversation.take().map(Client::for_another_check)
    }

    /// Returns the client of a conversation that an earlier check has left open, or else connects a new one.
    ///
    /// # Errors
    /// Those of [`connect`](Server::connect).
    pub(crate) fn resume_or_connect(&mut self) -> check::Result<Client> {
        self.resume().map_or_else(|| self.connect(), Ok)
    }

    /// Leaves the conversation of `client` open for a later check. A check calls this at its end, if it has passed and
    /// every request has its answer.
    ///
    /// The client is dropped, as at the end of other checks, if the server was launched more than once or serves many
    /// clients.
    pub(crate) fn leave_open(&mut self, client: Client) {
        let is_only_one = self.spec.capabilities().contains(Capabilities::STDIO) && self.instances.len() == 1;
        if is_only_one && client.unanswered() == 0 && !client.has_ended() {
            self.open_conversation = Some(client);
        }
    }

    /// Whether a conversation was left open that no check has gone on with since.
    pub(crate) fn has_open_conversation(&self) -> bool {
        self.open_conversation.is_some()
    }
}
