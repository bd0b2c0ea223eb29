//! What is compared: a way for two processes to speak, and the minimal server that speaks it.

/// A mechanism, its transport and its server.
#[derive(Debug, Clone, Copy)]
pub struct Mechanism {
    /// Its name on the command line and in every table.
    pub name: &'static str,
    /// One line about it.
    pub says: &'static str,
    /// The name of the transport by which the client reaches the server.
    pub transport: &'static str,
    /// The server's command, with places for the address.
    pub command: &'static [&'static str],
    /// The command of a server that never sleeps, where there is one.
    pub spinning: Option<&'static [&'static str]>,
    /// Whether it belongs to the run that nobody has chosen the mechanisms of.
    pub usual: bool,
}

/// Every mechanism, in the order that help and tables show them.
pub const MECHANISMS: &[Mechanism] = &[Mechanism {
    name: "pipe",
    says: "two pipes, as standard input and output",
    transport: "pipe",
    command: &["echo-pipe"],
    spinning: None,
    usual: true,
}];

impl Mechanism {
    /// The mechanism called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Mechanism> {
        MECHANISMS.iter().find(|mechanism| mechanism.name == name)
    }
}
