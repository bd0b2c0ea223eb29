//! The steps of a client.

use std::net::IpAddr;

use super::content::quote;
use super::{Content, SceneBuilder, Step};
use crate::scene::literal::length;

/// Writes the steps of a client, a group of clients, a connection that a peer accepted, or a program's standard streams.
#[derive(Debug, Clone, Copy)]
pub struct ClientSteps<'s> {
    pub(super) scene: &'s SceneBuilder,
    pub(super) name: &'s str,
}

impl<'s> ClientSteps<'s> {
    #[track_caller]
    fn step(&self, step: &str) -> Step<'s> {
        self.scene.step(format!("{} {step}", self.name))
    }

    /// A client connects.
    #[track_caller]
    pub fn connects(&self) -> Step<'s> {
        self.step("connects")
    }

    /// A client connects from this address.
    #[track_caller]
    pub fn connects_from(&self, address: IpAddr) -> Step<'s> {
        self.step(&format!("connects from {address}"))
    }

    /// A client connects whose socket has a receive buffer of this size.
    #[track_caller]
    pub fn connects_with_receive_buffer(&self, bytes: usize) -> Step<'s> {
        self.step(&format!("connects with a receive buffer of {}", length(bytes)))
    }

    /// A client sends from a Unix datagram socket without a name, so that the server cannot answer.
    #[track_caller]
    pub fn connects_unnamed(&self) -> Step<'s> {
        self.step("connects unnamed")
    }

    /// Clients connect, one after another. Each further step is then one of each of them.
    #[track_caller]
    pub fn connects_many(&self, clients: usize) -> Step<'s> {
        self.scene.step(format!("{clients} clients connect as {}", self.name))
    }

    /// No client can connect any more.
    #[track_caller]
    pub fn is_refused(&self) -> Step<'s> {
        self.step("is refused")
    }

    /// The client sends these bytes.
    #[track_caller]
    pub fn sends(&self, bytes: impl Into<Content>) -> Step<'s> {
        self.step(&format!("sends {}", bytes.into().0))
    }

    /// The client sends these bytes with a descriptor of /dev/null.
    #[track_caller]
    pub fn sends_with_descriptor(&self, bytes: impl Into<Content>) -> Step<'s> {
        self.step(&format!("sends {} with a descriptor", bytes.into().0))
    }

    /// The client sends a request of the protocol.
    #[track_caller]
    pub fn sends_request(&self) -> Step<'s> {
        self.step("sends request")
    }

    /// The client sends a request that carries these bytes.
    #[track_caller]
    pub fn sends_request_of(&self, bytes: impl Into<Content>) -> Step<'s> {
        self.step(&format!("sends request of {}", bytes.into().0))
    }

    /// The client sends the first half of a request, and waits until the server has read it.
    #[track_caller]
    pub fn sends_half_a_request(&self) -> Step<'s> {
        self.step("sends half a request")
    }

    /// The client sends the request's bytes before the offset, and waits until the server has read them.
    #[track_caller]
    pub fn sends_request_up_to_offset(&self) -> Step<'s> {
        self.step("sends request up to offset")
    }

    /// The client sends the rest of the request that it has begun.
    #[track_caller]
    pub fn sends_the_rest(&self) -> Step<'s> {
        self.step("sends the rest")
    }

    /// The client sends, and reads nothing, until the server is idle and takes no more.
    #[track_caller]
    pub fn sends_until_blocked(&self) -> Step<'s> {
        self.step("sends until blocked")
    }

    /// The client sends a byte of urgent data.
    #[track_caller]
    pub fn sends_urgent_byte(&self) -> Step<'s> {
        self.step("sends urgent byte")
    }

    /// The client receives exactly these bytes.
    #[track_caller]
    pub fn receives(&self, bytes: impl Into<Content>) -> Step<'s> {
        self.step(&format!("receives {}", bytes.into().0))
    }

    /// The client receives bytes that match a text, in which `{name}` stands for any bytes and keeps them.
    #[track_caller]
    pub fn receives_pattern(&self, pattern: &str) -> Step<'s> {
        self.step(&format!("receives pattern {}", quote(pattern)))
    }

    /// The client receives the replies to all its requests.
    #[track_caller]
    pub fn receives_reply(&self) -> Step<'s> {
        self.step("receives reply")
    }

    /// The client receives end of file, and nothing before it.
    #[track_caller]
    pub fn receives_end(&self) -> Step<'s> {
        self.step("receives end")
    }

    /// The client's connection is reset.
    #[track_caller]
    pub fn receives_reset(&self) -> Step<'s> {
        self.step("receives reset")
    }

    /// The client receives nothing while the server has time to send.
    #[track_caller]
    pub fn receives_nothing(&self) -> Step<'s> {
        self.step("receives nothing")
    }

    /// The client sends a request and receives its reply.
    #[track_caller]
    pub fn exchanges_a_message(&self) -> Step<'s> {
        self.step("exchanges a message")
    }

    /// The client sends a request that carries these bytes, and receives its reply.
    #[track_caller]
    pub fn exchanges(&self, bytes: impl Into<Content>) -> Step<'s> {
        self.step(&format!("exchanges {}", bytes.into().0))
    }

    /// The client ends its direction of the connection with shutdown(2).
    #[track_caller]
    pub fn ends_its_direction(&self) -> Step<'s> {
        self.step("ends its direction")
    }

    /// The client closes its connection.
    #[track_caller]
    pub fn closes(&self) -> Step<'s> {
        self.step("closes")
    }

    /// The client ends its connection with a reset.
    #[track_caller]
    pub fn resets(&self) -> Step<'s> {
        self.step("resets")
    }
}
