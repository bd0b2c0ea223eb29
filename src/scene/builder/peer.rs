//! The steps of a peer.

use super::{SceneBuilder, Step};

/// Writes the steps of a peer, a server that the scene plays.
#[derive(Debug, Clone, Copy)]
pub struct PeerSteps<'s> {
    pub(super) scene: &'s SceneBuilder,
    pub(super) name: &'s str,
}

impl<'s> PeerSteps<'s> {
    /// The peer accepts a connection, whose end is called `name` from now on: [`SceneBuilder::client`] has its steps.
    #[track_caller]
    pub fn accepts(&self, name: &str) -> Step<'s> {
        self.scene.step(format!("{} accepts {name}", self.name))
    }

    /// The peer closes its listening socket.
    #[track_caller]
    pub fn refuses_connections(&self) -> Step<'s> {
        self.scene.step(format!("{} refuses connections", self.name))
    }
}
