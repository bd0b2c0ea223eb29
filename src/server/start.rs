//! How a server gets its listening socket or its connection.

/// The way in which a server gets its listening socket or its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// The server makes its own socket, at the address in its command.
    #[default]
    Bind,
    /// The harness makes the listening socket and passes it to the server as descriptor 3 with `LISTEN_FDS` and
    /// `LISTEN_PID`: sd_listen_fds(3).
    ListenFds,
    /// The harness starts one server process for each client, with the connection as descriptors 0, 1 and 2: inetd(8).
    Inetd,
    /// The server runs already, and the harness only connects to it.
    Attach,
}

impl Start {
    /// Every way in which the harness starts a server.
    pub const ALL: [Start; 3] = [Start::Bind, Start::ListenFds, Start::Inetd];

    /// Returns the way of starting a server that is called `name` on the command line.
    #[must_use]
    pub fn named(name: &str) -> Option<Start> {
        Start::ALL.into_iter().find(|start| start.name() == name)
    }

    /// Returns the name that this way of starting a server has on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Start::Bind => "bind",
            Start::ListenFds => "listen-fds",
            Start::Inetd => "inetd",
            Start::Attach => "attach",
        }
    }
}
