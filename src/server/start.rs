//! How a server gets its listening socket or its connection.

/// The party that makes the server's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// The server itself, at the address in its command.
    #[default]
    Bind,
    /// The harness, which passes the listening socket as descriptor 3 with `LISTEN_FDS` and
    /// `LISTEN_PID`: sd_listen_fds(3).
    ListenFds,
    /// The harness, which starts one process for each client with the connection as descriptors
    /// 0, 1 and 2: inetd(8).
    Inetd,
}

impl Start {
    /// Every way of starting.
    pub const ALL: [Start; 3] = [Start::Bind, Start::ListenFds, Start::Inetd];

    /// Returns the way of starting called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Start> {
        Start::ALL.into_iter().find(|start| start.name() == name)
    }

    /// Returns the name of the way of starting on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Start::Bind => "bind",
            Start::ListenFds => "listen-fds",
            Start::Inetd => "inetd",
        }
    }
}
