//! A server with its program, and how it is launched on one processor.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use echospec::server::{LaunchOptions, Server, Spec, Start};
use echospec::transport::Transport;

use super::contenders::Contender;

/// A server of the comparison, and its program.
#[derive(Debug)]
pub struct Runnable {
    pub contender: &'static Contender,
    pub program: PathBuf,
}

impl Runnable {
    /// Returns the command of the server on `processor`, with placeholders for the address.
    pub fn command(&self, processor: usize) -> Vec<String> {
        let pinned = ["taskset".to_owned(), "-c".to_owned(), processor.to_string()];
        let program = [self.program.display().to_string()];
        let arguments = self.contender.arguments().iter().map(|&word| word.to_owned());
        pinned.into_iter().chain(program).chain(arguments).collect()
    }

    /// Launches the server on `processor`.
    pub fn launch(&self, processor: usize) -> Result<Server> {
        let transport = Transport::named("tcp").context("no transport is called tcp")?;
        let spec = Spec::new(transport, Start::Bind, self.command(processor))?;
        Server::launch(&spec, LaunchOptions::default())
            .with_context(|| format!("cannot launch {}", self.contender.name))
    }

    /// Returns the address on which the launched server listens.
    pub fn address(&self, server: &Server) -> Result<SocketAddr> {
        let address = server.address().inet();
        address.with_context(|| format!("{} has no address of TCP", self.contender.name))
    }
}
