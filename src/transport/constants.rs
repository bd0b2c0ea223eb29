//! One constant for each transport that is checked.

use super::{
    Transport, fifo, mqueue, pipe, pty, shm, socketpair, sysv_mq, tcp, tcp6, udp, udp6, unix, unix_abstract,
    unix_dgram, unix_seqpacket,
};

impl Transport {
    /// TCP over IPv4.
    pub const TCP: &'static Transport = &tcp::TRANSPORT;
    /// TCP over IPv6.
    pub const TCP6: &'static Transport = &tcp6::TRANSPORT;
    /// UDP over IPv4.
    pub const UDP: &'static Transport = &udp::TRANSPORT;
    /// UDP over IPv6.
    pub const UDP6: &'static Transport = &udp6::TRANSPORT;
    /// Unix domain stream sockets with a path.
    pub const UNIX: &'static Transport = &unix::TRANSPORT;
    /// Unix domain stream sockets with an abstract name (Linux).
    pub const UNIX_ABSTRACT: &'static Transport = &unix_abstract::TRANSPORT;
    /// Unix domain datagram sockets.
    pub const UNIX_DGRAM: &'static Transport = &unix_dgram::TRANSPORT;
    /// Unix domain `SOCK_SEQPACKET` sockets.
    pub const UNIX_SEQPACKET: &'static Transport = &unix_seqpacket::TRANSPORT;
    /// Pipes as standard input and output: a filter such as `cat`.
    pub const PIPE: &'static Transport = &pipe::TRANSPORT;
    /// Two named pipes.
    pub const FIFO: &'static Transport = &fifo::TRANSPORT;
    /// A stream socket pair as standard input and output.
    pub const SOCKETPAIR: &'static Transport = &socketpair::STREAM;
    /// A datagram socket pair as standard input and output.
    pub const SOCKETPAIR_DGRAM: &'static Transport = &socketpair::DGRAM;
    /// A `SOCK_SEQPACKET` socket pair as standard input and output.
    pub const SOCKETPAIR_SEQPACKET: &'static Transport = &socketpair::SEQPACKET;
    /// A pseudo-terminal as standard input and output.
    pub const PTY: &'static Transport = &pty::TRANSPORT;
    /// POSIX message queues.
    pub const MQUEUE: &'static Transport = &mqueue::TRANSPORT;
    /// System V message queues.
    pub const SYSV_MQ: &'static Transport = &sysv_mq::TRANSPORT;
    /// Shared memory, with a futex to wake the other side.
    pub const SHM_FUTEX: &'static Transport = &shm::FUTEX;
    /// Shared memory, with an eventfd or a pipe to wake the other side.
    pub const SHM_EVENTFD: &'static Transport = &shm::EVENTFD;
    /// Shared memory, polled by both sides.
    pub const SHM_SPIN: &'static Transport = &shm::SPIN;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TRANSPORTS;

    #[test]
    fn every_checked_transport_has_a_constant() {
        for transport in TRANSPORTS {
            let constant = transport.name.to_uppercase().replace('-', "_");
            let declaration = format!("pub const {constant}: &'static Transport");
            assert!(include_str!("constants.rs").contains(&declaration), "{constant} is missing");
        }
        assert_eq!(Transport::UNIX_SEQPACKET.name, "unix-seqpacket");
    }
}
