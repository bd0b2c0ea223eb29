//! Selects a process for a diagram, and the descriptors that the diagram shows.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::unistd::Pid;

use crate::sys::{Descriptor, Object};

/// A process to draw: its label, and which of its descriptors to show.
#[derive(Debug, Clone)]
pub struct ProcessSelection {
    pub(super) label: String,
    pub(super) pid: Pid,
    pub(super) shows_flags: bool,
    filter: Filter,
}

#[derive(Debug, Clone)]
enum Filter {
    All,
    Sockets,
    Numbers(Vec<RawFd>),
}

impl ProcessSelection {
    /// Selects every descriptor of `pid`.
    pub fn all(label: impl Into<String>, pid: Pid) -> ProcessSelection {
        ProcessSelection::new(label, pid, Filter::All)
    }

    /// Selects the sockets of `pid`.
    pub fn sockets(label: impl Into<String>, pid: Pid) -> ProcessSelection {
        ProcessSelection::new(label, pid, Filter::Sockets)
    }

    /// Selects this process, with no descriptor until [`and_descriptor`](ProcessSelection::and_descriptor) adds one.
    pub fn select_this_process(label: impl Into<String>) -> ProcessSelection {
        ProcessSelection::new(label, Pid::this(), Filter::Numbers(Vec::new()))
    }

    fn new(label: impl Into<String>, pid: Pid, filter: Filter) -> ProcessSelection {
        ProcessSelection { label: label.into(), pid, shows_flags: false, filter }
    }

    /// Adds `descriptor` to the selected descriptors.
    #[must_use]
    pub fn and_descriptor(self, descriptor: &impl AsFd) -> ProcessSelection {
        self.and_number(descriptor.as_fd().as_raw_fd())
    }

    /// Adds the descriptor `number` to the selected descriptors.
    #[must_use]
    pub fn and_number(mut self, number: RawFd) -> ProcessSelection {
        if let Filter::Numbers(numbers) = &mut self.filter {
            numbers.push(number);
        }
        self
    }

    /// Shows the flags of every descriptor, such as `O_NONBLOCK`.
    #[must_use]
    pub fn with_flags(self) -> ProcessSelection {
        ProcessSelection { shows_flags: true, ..self }
    }

    pub(super) fn includes(&self, descriptor: &Descriptor) -> bool {
        match &self.filter {
            Filter::All => true,
            Filter::Sockets => matches!(descriptor.object, Object::Socket(_)),
            Filter::Numbers(numbers) => numbers.contains(&descriptor.number),
        }
    }
}
