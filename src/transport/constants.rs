//! One constant for each transport that is checked.

use super::{
    Transport, fifo, mqueue, pipe, pty, shm, socketpair, sysv_mq, tcp, tcp6, udp, udp6, unix, unix_abstract,
    unix_dgram, unix_seqpacket,
};

impl Transport {
    /// The transport that is TCP over IPv4.
    pub const TCP: &'static Transport = &tcp::TRANSPORT;
    /// The transport that is TCP over IPv6.
    pub const TCP6: &'static Transport = &tcp6::TRANSPORT;
    /// The transport that is UDP over IPv4.
    pub const UDP: &'static Transport = &udp::TRANSPORT;
    /// The transport that is UDP over IPv6.
    pub const UDP6: &'static Transport = &udp6::TRANSPORT;
    /// The transport over Unix domain stream sockets with a path.
    pub const UNIX: &'static Transport = &unix::TRANSPORT;
    /// The transport over Unix domain stream sockets with an abstract name (Linux).
    pub const UNIX_ABSTRACT: &'static Transport = &unix_abstract::TRANSPORT;
    /// The transport over Unix domain datagram sockets.
    pub const UNIX_DGRAM: &'static Transport = &unix_dgram::TRANSPORT;
    /// The transport over Unix domain `SOCK_SEQPACKET` sockets.
    pub const UNIX_SEQPACKET: &'static Transport = &unix_seqpacket::TRANSPORT;
    /// The transport over pipes as the server's standard input and output: a filter such as `cat`.
    pub const PIPE: &'static Transport = &pipe::TRANSPORT;
    /// The transport over two named pipes.
    pub const FIFO: &'static Transport = &fifo::TRANSPORT;
    /// The transport over a stream socket pair as the server's standard input and output.
    pub const SOCKETPAIR: &'static Transport = &socketpair::STREAM;
    /// The transport over a datagram socket pair as the server's standard input and output.
    pub const SOCKETPAIR_DGRAM: &'static Transport = &socketpair::DGRAM;
    /// The transport over a `SOCK_SEQPACKET` socket pair as the server's standard input and output.
    pub const SOCKETPAIR_SEQPACKET: &'static Transport = &socketpair::SEQPACKET;
    /// The transport over a pseudo-terminal as the server's standard input and output.
    pub const PTY: &'static Transport = &pty::TRANSPORT;
    /// The transport over POSIX message queues.
    pub const MQUEUE: &'static Transport = &mqueue::TRANSPORT;
    /// The transport over System V message queues.
    pub const SYSV_MQ: &'static Transport = &sysv_mq::TRANSPORT;
    /// The transport over shared memory, with a futex to wake the other side.
    pub const SHM_FUTEX: &'static Transport = &shm::FUTEX;
    /// The transport over shared memory, with an eventfd or a pipe to wake the other side.
    pub const SHM_EVENTFD: &'static Transport = &shm::EVENTFD;
    /// The transport over shared memory that both sides poll.
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
