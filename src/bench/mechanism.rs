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
    /// The command of a server that never sleeps, where there is one. A named pipe is, once opened, no other than
    /// `pipe`. A terminal passes on what is written by a worker of the kernel, which sleeps whoever spins. Message
    /// queues are for programs that do other things meanwhile: who spins takes shared memory.
    pub spinning: Option<&'static [&'static str]>,
    /// Whether it belongs to the run that nobody has chosen the mechanisms of.
    pub usual: bool,
}

/// Every mechanism, in the order that help and tables show them.
pub const MECHANISMS: &[Mechanism] = &[
    Mechanism::new("pipe", "two pipes, as standard input and output", &["echo-pipe"])
        .spun_by(&["echo-spin", "stdio"])
        .usual(),
    Mechanism::new("pipe-splice", "two pipes, of which the server moves the pages", &["echo-splice"])
        .over("pipe"),
    Mechanism::new("pipe-vmsplice", "the same, and the client lends its memory", &["echo-splice"]),
    Mechanism::new("fifo", "two named pipes", &["echo-fifo", "{path}"]),
    Mechanism::new("socketpair", "a pair of connected stream sockets", &["echo-pipe"])
        .spun_by(&["echo-spin", "stdio"])
        .usual(),
    Mechanism::new("socketpair-dgram", "a pair of connected datagram sockets", &["echo-pipe"])
        .spun_by(&["echo-spin", "stdio"]),
    Mechanism::new("socketpair-seqpacket", "a pair of sockets for sequenced packets", &["echo-pipe"])
        .spun_by(&["echo-spin", "stdio"]),
    Mechanism::new("pty", "a pseudo-terminal in raw mode", &["echo-pipe"]),
    Mechanism::new("unix", "a Unix domain stream socket", &["echo-unix", "{path}"])
        .spun_by(&["echo-spin", "unix", "{path}"])
        .usual(),
    Mechanism::new("unix-abstract", "the same with an abstract name", &["echo-unix", "{path}"]).spun_by(&[
        "echo-spin",
        "unix",
        "{path}",
    ]),
    Mechanism::new("unix-dgram", "Unix domain datagrams", &["echo-unix-dgram", "{path}"])
        .spun_by(&["echo-spin", "unix-dgram", "{path}"])
        .usual(),
    Mechanism::new("unix-seqpacket", "Unix domain sequenced packets", &["echo-unix-seqpacket", "{path}"])
        .spun_by(&["echo-spin", "unix-seqpacket", "{path}"]),
    Mechanism::new("tcp", "TCP over IPv4 on loopback", &["echo-tcp", "{addr}"])
        .spun_by(&["echo-spin", "tcp", "{addr}"])
        .usual(),
    Mechanism::new("tcp6", "TCP over IPv6 on loopback", &["echo-tcp", "{addr}"]).spun_by(&[
        "echo-spin",
        "tcp",
        "{addr}",
    ]),
    Mechanism::new("tcp-uring", "the same, with a server that uses io_uring", &["echo-tcp-uring", "{addr}"])
        .over("tcp"),
    Mechanism::new("udp", "UDP over IPv4 on loopback", &["echo-udp", "{addr}"])
        .spun_by(&["echo-spin", "udp", "{addr}"])
        .usual(),
    Mechanism::new("udp6", "UDP over IPv6 on loopback", &["echo-udp", "{addr}"]).spun_by(&[
        "echo-spin",
        "udp",
        "{addr}",
    ]),
    Mechanism::new("mqueue", "two POSIX message queues", &["echo-mqueue", "{addr}"]).usual(),
    Mechanism::new("sysv-mq", "two System V message queues", &["echo-sysv-mq", "{addr}"]),
    Mechanism::new("signal", "real-time signals with a value of 8 bytes", &["echo-signal", "{path}"]),
    Mechanism::new("shm-futex", "shared memory, woken by a futex", &["echo-shm", "futex", "{path}"]).usual(),
    Mechanism::new("shm-eventfd", "shared memory, woken by an eventfd", &["echo-shm", "eventfd", "{path}"]),
    Mechanism::new("shm-spin", "shared memory, never asleep", &["echo-shm", "yield", "{path}"])
        .spun_by(&["echo-shm", "spin", "{path}"])
        .usual(),
];

impl Mechanism {
    /// The mechanism called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Mechanism> {
        MECHANISMS.iter().find(|mechanism| mechanism.name == name)
    }

    /// One whose transport has the same name.
    const fn new(name: &'static str, says: &'static str, command: &'static [&'static str]) -> Mechanism {
        Mechanism { name, says, transport: name, command, spinning: None, usual: false }
    }

    const fn over(self, transport: &'static str) -> Mechanism {
        Mechanism { transport, ..self }
    }

    const fn spun_by(self, command: &'static [&'static str]) -> Mechanism {
        Mechanism { spinning: Some(command), ..self }
    }

    const fn usual(self) -> Mechanism {
        Mechanism { usual: true, ..self }
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
