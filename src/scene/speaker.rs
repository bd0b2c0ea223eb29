//! A client of a scene, with what it still expects.

use std::time::Duration;

use crate::transport::Client;

/// A client of a scene, or a connection that a peer of the scene accepted.
#[derive(Debug)]
pub(super) struct Speaker {
    pub client: Client,
    /// The content of the requests whose replies the client has not yet received.
    pub unanswered: Vec<u8>,
    /// The length of the request of which the client last sent a part.
    pub request_length: usize,
}

impl Speaker {
    pub fn new(client: Client) -> Speaker {
        Speaker { client, unanswered: Vec::new(), request_length: 0 }
    }

    /// Calls `act` with the client, whose server may be silent for `limit`, if that is given.
    pub fn within<T>(&mut self, limit: Option<Duration>, act: impl FnOnce(&mut Client) -> T) -> T {
        let usual = limit.map(|limit| self.client.limit_silence(limit));
        let result = act(&mut self.client);
        usual.into_iter().for_each(|usual| self.client.set_deadlines(usual));
        result
    }
}
