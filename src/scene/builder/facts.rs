//! Facts about the server, which a scene waits for.

use super::content::quote;
use super::{ClientSteps, SceneBuilder, ServerSteps, Step};
use crate::scene::literal::length;

impl<'s> ServerSteps<'s> {
    /// Nothing that the client sent waits in a queue of the kernel.
    #[track_caller]
    pub fn has_read_all_that(&self, client: &ClientSteps<'_>) -> Step<'s> {
        self.step(&format!("has read all that {} sent", client.name))
    }

    /// A process of the server waits in this system call: `accept`, `read`, `write`, `poll` or `wait`.
    #[track_caller]
    pub fn is_blocked_in(&self, call: &str) -> Step<'s> {
        self.step(&format!("is blocked in {call}"))
    }

    /// All threads of the server wait.
    #[track_caller]
    pub fn is_idle(&self) -> Step<'s> {
        self.step("is idle")
    }

    /// The server holds a socket that listens at its address.
    #[track_caller]
    pub fn listens(&self) -> Step<'s> {
        self.step("listens")
    }

    /// The server has as many processes as at the mark.
    #[track_caller]
    pub fn has_as_many_processes_as_at(&self, mark: &str) -> Step<'s> {
        self.step(&format!("has as many processes as at {mark}"))
    }

    /// The server has this number of processes, with the launched one.
    #[track_caller]
    pub fn has_processes(&self, number: usize) -> Step<'s> {
        self.step(&format!("has {number} processes"))
    }

    /// The processes of the server have this number of threads together.
    #[track_caller]
    pub fn has_threads(&self, number: usize) -> Step<'s> {
        self.step(&format!("has {number} threads"))
    }

    /// The server is a single process.
    #[track_caller]
    pub fn has_no_child(&self) -> Step<'s> {
        self.step("has no child")
    }

    /// The server has waited for all its children that have exited.
    #[track_caller]
    pub fn has_no_zombie(&self) -> Step<'s> {
        self.step("has no zombie")
    }

    /// The server is not in a busy loop.
    #[track_caller]
    pub fn uses_no_processor_time(&self) -> Step<'s> {
        self.step("uses no processor time")
    }

    /// A line that the server has printed contains the text.
    #[track_caller]
    pub fn prints(&self, text: &str) -> Step<'s> {
        self.step(&format!("prints {}", quote(text)))
    }

    /// There is a file at the server's path.
    #[track_caller]
    pub fn socket_file_exists(&self) -> Step<'s> {
        self.scene.step("socket file exists")
    }

    /// There is no file at the server's path.
    #[track_caller]
    pub fn socket_file_is_gone(&self) -> Step<'s> {
        self.scene.step("socket file is gone")
    }

    /// The launched process has this number of open descriptors.
    #[track_caller]
    pub fn has_descriptors(&self, number: usize) -> Step<'s> {
        self.step(&format!("has {number} descriptors"))
    }

    /// The launched process has as many open descriptors as at the mark.
    #[track_caller]
    pub fn has_as_many_descriptors_as_at(&self, mark: &str) -> Step<'s> {
        self.step(&format!("has as many descriptors as at {mark}"))
    }

    /// The kernel has a connection of the server's port in this state, such as `TIME_WAIT`.
    #[track_caller]
    pub fn has_a_connection_in(&self, state: &str) -> Step<'s> {
        self.step(&format!("has a connection in {state}"))
    }

    /// The kernel has no connection of the server's port in this state, such as `TIME_WAIT`.
    #[track_caller]
    pub fn has_no_connection_in(&self, state: &str) -> Step<'s> {
        self.step(&format!("has no connection in {state}"))
    }

    /// No process of the server has a descriptor of a connection to a client.
    #[track_caller]
    pub fn holds_no_connection(&self) -> Step<'s> {
        self.step("holds no connection")
    }

    /// The kernel holds this number of connections that the server has not accepted.
    #[track_caller]
    pub fn has_connections_in_its_accept_queue(&self, number: usize) -> Step<'s> {
        self.step(&format!("has {number} connections in its accept queue"))
    }

    /// The kernel has received this number of bytes from the client that the server has not read.
    #[track_caller]
    pub fn has_unread(&self, bytes: usize, client: &ClientSteps<'_>) -> Step<'s> {
        self.step(&format!("has {} of {} unread", length(bytes), client.name))
    }

    /// The server has written bytes that the client's kernel has not acknowledged.
    #[track_caller]
    pub fn has_bytes_in_its_send_queue_for(&self, client: &ClientSteps<'_>) -> Step<'s> {
        self.step(&format!("has bytes for {} in its send queue", client.name))
    }
}

impl SceneBuilder {
    /// The scene remembers how many descriptors and processes the server has.
    #[track_caller]
    pub fn mark(&self, name: &str) -> Step<'_> {
        self.step(format!("mark {name}"))
    }

    /// This file exists.
    #[track_caller]
    pub fn file_exists(&self, path: &str) -> Step<'_> {
        self.step(format!("file {} exists", quote(path)))
    }

    /// This file does not exist.
    #[track_caller]
    pub fn file_is_gone(&self, path: &str) -> Step<'_> {
        self.step(format!("file {} is gone", quote(path)))
    }
}
