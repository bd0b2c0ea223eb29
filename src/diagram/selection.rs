//! Selects a process for a diagram, and the descriptors that the diagram shows.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::unistd::Pid;

use crate::sys::{Descriptor, Object};

/// A process to draw in a diagram: its label, and which of its descriptors to show.
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
    /// Selects the process `pid` and every descriptor of it for a diagram.
    pub fn all(label: impl Into<String>, pid: Pid) -> ProcessSelection {
        ProcessSelection::new(label, pid, Filter::All)
    }

    /// Selects the process `pid` and its sockets for a diagram.
    pub fn sockets(label: impl Into<String>, pid: Pid) -> ProcessSelection {
        ProcessSelection::new(label, pid, Filter::Sockets)
    }

    /// Selects this process for a diagram, with no descriptor until
    /// [`and_descriptor`](ProcessSelection::and_descriptor) adds one.
    pub fn select_this_process(label: impl Into<String>) -> ProcessSelection {
        ProcessSelection::new(label, Pid::this(), Filter::Numbers(Vec::new()))
    }

    fn new(label: impl Into<String>, pid: Pid, filter: Filter) -> ProcessSelection {
        ProcessSelection { label: label.into(), pid, shows_flags: false, filter }
    }

    /// Adds `descriptor` to the descriptors that a diagram shows of a process.
    #[must_use]
    pub fn and_descriptor(self, descriptor: &impl AsFd) -> ProcessSelection {
        self.and_number(descriptor.as_fd().as_raw_fd())
    }

    /// Makes a diagram show the descriptor `number` of a process, too.
    #[must_use]
    pub fn and_number(mut self, number: RawFd) -> ProcessSelection {
        if let Filter::Numbers(numbers) = &mut self.filter {
            numbers.push(number);
        }
        self
    }

    /// Selects the flags of every descriptor, such as `O_NONBLOCK`, to be shown in a diagram.
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
