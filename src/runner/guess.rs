//! Guesses which built-in protocol a server speaks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use crate::deadline::wait;
use crate::protocol::{Codec, Protocol, Tokens, protocol_of_words};
use crate::server::Server;
use crate::transport::Client;

/// Built-in protocols whose servers may say nothing to a line of text.
const QUIET_PROTOCOLS: &[&str] = &["http", "beanstalkd", "mqtt", "postgres", "dns"];

/// The first requests of several built-in protocols, all sent to a server at the same time.
pub(super) struct Questions {
    asked: Vec<Asked>,
    /// The time by which the server has been silent if it has answered nothing.
    until: Instant,
    quiet: Duration,
}

impl Questions {
    pub(super) fn ask(server: &mut Server) -> Questions {
        let asked = QUIET_PROTOCOLS.iter().filter_map(|name| Asked::new(server, name)).collect();
        let quiet = server.deadlines().quiet();
        Questions { asked, until: Instant::now() + quiet, quiet }
    }

    /// Returns the protocol whose request the server answers as the protocol says.
    pub(super) fn answered_protocol(mut self) -> Option<&'static str> {
        let clients = self.asked.iter().map(|one| &one.client);
        let mut replies: Vec<_> =
            clients.map(|client| PollFd::new(client.input_descriptor(), PollFlags::POLLIN)).collect();
        let left = self.until.saturating_duration_since(Instant::now());
        wait(&mut replies, left).ok()?;
        // The other replies follow the first one soon, once the server has a processor.
        let soon = self.quiet / 10;
        self.asked.iter_mut().find_map(|one| one.is_answered(soon).then_some(one.name))
    }
}

/// A client that has sent the first request of a protocol.
struct Asked {
    name: &'static str,
    client: Client,
    codec: Codec,
}

impl Asked {
    fn new(server: &mut Server, name: &'static str) -> Option<Asked> {
        let mut codec = Codec::new(Arc::new(Protocol::built_in(name).ok()?), Tokens::new(0, 0));
        codec.queue_content(b"hello");
        let request = codec.bytes_to_send().to_vec();
        codec.mark_written(request.len());
        let mut client = server.connect().ok()?;
        client.send(&request).ok()?;
        Some(Asked { name, client, codec })
    }

    fn is_answered(&mut self, limit: Duration) -> bool {
        let words =
            self.client.is_answered_within(limit).and_then(|_| self.client.receive_until_quiet(limit));
        let Ok(words) = words else { return false };
        protocol_of_words(&words) == Some(self.name)
            || (self.codec.receive_bytes(&words).is_ok() && self.codec.next_correct_reply().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_suggest_a_protocol() {
        assert_eq!(protocol_of_words(b"HTTP/1.1 400 Bad Request\r\n"), Some("http"));
        assert_eq!(protocol_of_words(b"-ERR unknown command 'a'\r\n"), Some("redis"));
        assert_eq!(protocol_of_words(b"220 mail.example ESMTP\r\n"), Some("smtp"));
        assert_eq!(protocol_of_words(b"hello"), None);
    }

    #[test]
    fn quiet_protocols_are_built_in() {
        assert!(QUIET_PROTOCOLS.iter().all(|name| Protocol::built_in(name).is_ok()));
    }
}
