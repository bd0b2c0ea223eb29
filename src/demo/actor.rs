//! Who is in a picture, and how much of each is shown.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::unistd::Pid;

use crate::sys::{Descriptor, Object};
use crate::transport::Client;

/// A process and the part it plays.
#[derive(Debug, Clone)]
pub struct Actor {
    pub(super) role: String,
    pub(super) pid: Pid,
    shown: Option<Vec<RawFd>>,
    pub(super) tells_flags: bool,
    sockets_only: bool,
}

impl Actor {
    /// A process whose whole descriptor table is shown.
    pub fn new(role: impl Into<String>, pid: Pid) -> Actor {
        Actor { role: role.into(), pid, shown: None, tells_flags: false, sockets_only: false }
    }

    /// A process of whose table only the sockets are part of the story.
    pub fn sockets(role: impl Into<String>, pid: Pid) -> Actor {
        Actor { sockets_only: true, ..Actor::new(role, pid) }
    }

    /// This very process, of whose table only the ends that these clients hold are part of the story.
    pub fn clients<'a>(role: impl Into<String>, clients: impl IntoIterator<Item = &'a Client>) -> Actor {
        let held = |client: &'a Client| client.link().writer().into_iter().chain([client.reader()]);
        let shown = clients.into_iter().flat_map(held).map(|end| end.as_raw_fd()).collect();
        Actor { shown: Some(shown), ..Actor::new(role, Pid::this()) }
    }

    /// Shows `descriptor` too.
    #[must_use]
    pub fn and(self, descriptor: &impl AsFd) -> Actor {
        self.showing(descriptor.as_fd().as_raw_fd())
    }

    /// Shows the descriptor with this number too.
    #[must_use]
    pub fn showing(mut self, number: RawFd) -> Actor {
        self.shown.get_or_insert_default().push(number);
        self
    }

    /// Shows the flags of every descriptor, too.
    #[must_use]
    pub fn with_flags(self) -> Actor {
        Actor { tells_flags: true, ..self }
    }

    pub(super) fn shows(&self, descriptor: &Descriptor) -> bool {
        let listed = self.shown.as_ref().is_none_or(|shown| shown.contains(&descriptor.number));
        listed && (!self.sockets_only || matches!(descriptor.object, Object::Socket(_)))
    }
}
