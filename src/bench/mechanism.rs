//! The mechanisms that a comparison measures, each with its bundled server.

/// A way for two processes to exchange messages, and a minimal server that uses it.
#[derive(Debug, Clone, Copy)]
pub struct Mechanism {
    /// The name of a mechanism on the command line and in reports.
    pub name: &'static str,
    /// A one-line description of a mechanism of interprocess communication.
    pub description: &'static str,
    /// The name of the transport by which the client uses a mechanism.
    pub transport: &'static str,
    /// The command of a mechanism's minimal server, with placeholders for the address.
    pub command: &'static [&'static str],
    /// The command of a mechanism's server that never sleeps, if there is one.
    ///
    /// There is none for `fifo`, which behaves like `pipe` once it is open; for `pty`, because a sleeping kernel worker
    /// passes its bytes on; and for message queues, because a program that spins would use shared memory instead.
    pub spinning: Option<&'static [&'static str]>,
    /// True if a mechanism is compared when the user names none.
    pub default: bool,
}

/// Every mechanism of interprocess communication that can be compared, in the order of help and tables.
pub const MECHANISMS: &[Mechanism] = &[
    Mechanism::new("pipe", "two pipes, as standard input and output", &["echo-pipe"])
        .spinning(&["echo-spin", "stdio"])
        .default(),
    Mechanism::new("pipe-splice", "two pipes; the server moves pages with splice(2)", &["echo-splice"])
        .over("pipe"),
    Mechanism::new(
        "pipe-vmsplice",
        "two pipes; the server uses splice(2), the client vmsplice(2)",
        &["echo-splice"],
    ),
    Mechanism::new("fifo", "two named pipes", &["echo-fifo", "{path}"]),
    Mechanism::new("socketpair", "a pair of connected stream sockets", &["echo-pipe"])
        .spinning(&["echo-spin", "stdio"])
        .default(),
    Mechanism::new("socketpair-dgram", "a pair of connected datagram sockets", &["echo-pipe"])
        .spinning(&["echo-spin", "stdio"]),
    Mechanism::new("socketpair-seqpacket", "a pair of connected sequenced-packet sockets", &["echo-pipe"])
        .spinning(&["echo-spin", "stdio"]),
    Mechanism::new("pty", "a pseudo-terminal in raw mode", &["echo-pipe"]),
    Mechanism::new("unix", "a Unix domain stream socket", &["echo-unix", "{path}"])
        .spinning(&["echo-spin", "unix", "{path}"])
        .default(),
    Mechanism::new(
        "unix-abstract",
        "a Unix domain stream socket with an abstract name",
        &["echo-unix", "{path}"],
    )
    .spinning(&["echo-spin", "unix", "{path}"]),
    Mechanism::new("unix-dgram", "Unix domain datagrams", &["echo-unix-dgram", "{path}"])
        .spinning(&["echo-spin", "unix-dgram", "{path}"])
        .default(),
    Mechanism::new("unix-seqpacket", "Unix domain sequenced packets", &["echo-unix-seqpacket", "{path}"])
        .spinning(&["echo-spin", "unix-seqpacket", "{path}"]),
    Mechanism::new("tcp", "TCP over IPv4 on loopback", &["echo-tcp", "{addr}"])
        .spinning(&["echo-spin", "tcp", "{addr}"])
        .default(),
    Mechanism::new("tcp6", "TCP over IPv6 on loopback", &["echo-tcp", "{addr}"]).spinning(&[
        "echo-spin",
        "tcp",
        "{addr}",
    ]),
    Mechanism::new("tcp-uring", "TCP over IPv4; the server uses io_uring", &["echo-tcp-uring", "{addr}"])
        .over("tcp"),
    Mechanism::new("udp", "UDP over IPv4 on loopback", &["echo-udp", "{addr}"])
        .spinning(&["echo-spin", "udp", "{addr}"])
        .default(),
    Mechanism::new("udp6", "UDP over IPv6 on loopback", &["echo-udp", "{addr}"]).spinning(&[
        "echo-spin",
        "udp",
        "{addr}",
    ]),
    Mechanism::new("mqueue", "two POSIX message queues", &["echo-mqueue", "{addr}"]).default(),
    Mechanism::new("sysv-mq", "two System V message queues", &["echo-sysv-mq", "{addr}"]),
    Mechanism::new("signal", "real-time signals with a value of 8 bytes", &["echo-signal", "{path}"]),
    Mechanism::new(
        "shm-futex",
        "shared memory with a futex to wake the reader",
        &["echo-shm", "futex", "{path}"],
    )
    .default(),
    Mechanism::new(
        "shm-eventfd",
        "shared memory with an eventfd to wake the reader",
        &["echo-shm", "eventfd", "{path}"],
    ),
    Mechanism::new("shm-spin", "shared memory; neither side sleeps", &["echo-shm", "yield", "{path}"])
        .spinning(&["echo-shm", "spin", "{path}"])
        .default(),
];

impl Mechanism {
    /// Returns the mechanism of interprocess communication called `name`, such as `pipe`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Mechanism> {
        MECHANISMS.iter().find(|mechanism| mechanism.name == name)
    }

    /// Creates a mechanism of interprocess communication whose transport has the same name.
    const fn new(
        name: &'static str,
        description: &'static str,
        command: &'static [&'static str],
    ) -> Mechanism {
        Mechanism { name, description, transport: name, command, spinning: None, default: false }
    }

    const fn over(self, transport: &'static str) -> Mechanism {
        Mechanism { transport, ..self }
    }

    const fn spinning(self, command: &'static [&'static str]) -> Mechanism {
        Mechanism { spinning: Some(command), ..self }
    }

    const fn default(self) -> Mechanism {
        Mechanism { default: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Spec, Start};
    use crate::transport::Transport;

    #[test]
    fn every_mechanism_can_be_launched() {
        for mechanism in MECHANISMS {
            let transport = Transport::named(mechanism.transport).unwrap();
            for command in [Some(mechanism.command), mechanism.spinning].into_iter().flatten() {
                Spec::new(transport, Start::Bind, command.iter().copied()).unwrap();
            }
        }
    }
}
