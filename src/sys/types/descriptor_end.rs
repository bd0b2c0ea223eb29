//! Descriptors with the objects at their other ends.

use std::net::IpAddr;
use std::os::fd::RawFd;

use super::descriptor::{AccessMode, Object, Socket, SocketName};
use super::network::accepts_packets_to;

/// A descriptor of any process, with what is needed to find its other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorEnd {
    /// The number of the descriptor.
    pub number: RawFd,
    /// The object that the descriptor refers to.
    pub object: Object,
    /// The access mode of the descriptor, where the system shows it.
    pub access: Option<AccessMode>,
    /// The device of the inode of the descriptor's object. A pipe and a FIFO can have the same inode number on
    /// different devices. It is 0 where ids are unique.
    pub device: u64,
    /// The object at the other end of the descriptor, unless `object` identifies it.
    pub peer: Peer,
    /// Details of the descriptor's object in a few words, such as the position in a file. May be empty.
    pub detail: String,
}

/// The object at the other end of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Peer {
    /// The descriptor has no other end, or its own object identifies the other end, as a pipe's does.
    #[default]
    Named,
    /// The other end is the Unix domain socket with this id.
    UnixSocket(u64),
    /// The other end is a Unix domain socket that the server has not accepted yet.
    NotAccepted,
    /// The other end was a Unix domain socket that is now closed.
    Closed,
    /// The other end is the terminal `/dev/pts/N` itself, the slave. The descriptor is the master.
    Terminal(u32),
    /// The other end is the master of the terminal `/dev/pts/N`. The descriptor is the terminal.
    TerminalMaster(u32),
}

impl DescriptorEnd {
    /// Returns whether bytes written to one of the two descriptors can be read from the other.
    #[must_use]
    pub fn is_connected_to(&self, other: &DescriptorEnd) -> bool {
        match (&self.object, &other.object) {
            (Object::Pipe { id }, Object::Pipe { id: same }) => {
                id == same && self.device == other.device && self.has_opposite_access(other)
            }
            (Object::Socket(one), Object::Socket(two)) => self.is_socket_peer_of(one, two, other),
            _ => match (self.peer, other.peer) {
                (Peer::Terminal(number), Peer::TerminalMaster(same))
                | (Peer::TerminalMaster(number), Peer::Terminal(same)) => number == same,
                _ => false,
            },
        }
    }

    /// Returns whether one of two descriptors can be read and the other written.
    fn has_opposite_access(&self, other: &DescriptorEnd) -> bool {
        match (self.access, other.access) {
            (Some(mine), Some(theirs)) => mine != theirs || mine == AccessMode::ReadWrite,
            _ => true,
        }
    }

    /// Returns whether two sockets are connected to each other, or one sends to the other.
    fn is_socket_peer_of(&self, one: &Socket, two: &Socket, other: &DescriptorEnd) -> bool {
        match (&one.name, &two.name) {
            (SocketName::Tcp(local, remote), SocketName::Tcp(far, near)) => {
                !one.listening && !two.listening && (local, remote) == (near, far)
            }
            (SocketName::Udp(local, remote), SocketName::Udp(far, near)) => {
                match (one.listening, two.listening) {
                    (false, false) => (local, remote) == (near, far),
                    (false, true) => accepts_packets_to(*far, *remote),
                    (true, false) => accepts_packets_to(*local, *near),
                    (true, true) => false,
                }
            }
            (SocketName::Unix(_), SocketName::Unix(_)) => {
                self.peer == Peer::UnixSocket(two.id) || other.peer == Peer::UnixSocket(one.id)
            }
            _ => false,
        }
    }

    /// Returns whether the descriptor's other end is on this machine, so that a process here can hold it. `None` if
    /// there is no other end.
    #[must_use]
    pub fn has_local_peer(&self) -> Option<bool> {
        match &self.object {
            Object::Pipe { .. } => Some(true),
            Object::Socket(Socket { listening: false, name, .. }) => match name {
                SocketName::Tcp(local, remote) | SocketName::Udp(local, remote) if remote.port() != 0 => {
                    Some(is_local(local.ip(), remote.ip()))
                }
                SocketName::Unix(_) => Some(self.peer != Peer::Named).filter(|&connected| connected),
                _ => None,
            },
            _ => Some(true).filter(|_| self.peer != Peer::Named),
        }
    }

    /// Returns whether this socket listens at the address that `client` is connected to. It may not have accepted
    /// `client` yet.
    #[must_use]
    pub fn is_listener_for(&self, client: &DescriptorEnd) -> bool {
        match (&self.object, &client.object) {
            (Object::Socket(listener), Object::Socket(Socket { name: SocketName::Tcp(_, remote), .. })) => {
                let SocketName::Tcp(local, _) = listener.name else { return false };
                listener.listening && accepts_packets_to(local, *remote)
            }
            _ => false,
        }
    }
}

/// Returns whether a connection between two addresses stays on this machine. A packet to one's own address always does.
fn is_local(local: IpAddr, remote: IpAddr) -> bool {
    remote.is_loopback() || local == remote
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn end(object: Object, access: AccessMode) -> DescriptorEnd {
        DescriptorEnd {
            number: 3,
            object,
            access: Some(access),
            device: 0,
            peer: Peer::Named,
            detail: String::new(),
        }
    }

    fn tcp(local: &str, remote: &str, listening: bool) -> DescriptorEnd {
        let [local, remote]: [SocketAddr; 2] = [local, remote].map(|text| text.parse().unwrap());
        end(
            Object::Socket(Socket { id: 1, name: SocketName::Tcp(local, remote), listening }),
            AccessMode::ReadWrite,
        )
    }

    #[test]
    fn write_end_is_connected_to_its_read_end_only() {
        let [reader, writer] =
            [AccessMode::ReadOnly, AccessMode::WriteOnly].map(|access| end(Object::Pipe { id: 7 }, access));
        assert!(writer.is_connected_to(&reader) && reader.is_connected_to(&writer));
        assert!(!writer.is_connected_to(&writer.clone()));
        assert!(!writer.is_connected_to(&end(Object::Pipe { id: 8 }, AccessMode::ReadOnly)));
    }

    #[test]
    fn client_is_connected_to_the_accepted_socket_only() {
        let client = tcp("127.0.0.1:50000", "127.0.0.1:7", false);
        let server = tcp("127.0.0.1:7", "127.0.0.1:50000", false);
        let listener = tcp("0.0.0.0:7", "0.0.0.0:0", true);
        assert!(client.is_connected_to(&server) && server.is_connected_to(&client));
        assert!(!client.is_connected_to(&listener) && listener.is_listener_for(&client));
        assert_eq!(listener.has_local_peer(), None);
        assert_eq!(tcp("10.0.0.1:50000", "192.0.2.1:80", false).has_local_peer(), Some(false));
        assert_eq!(tcp("10.0.0.1:50000", "10.0.0.1:80", false).has_local_peer(), Some(true));
    }

    #[test]
    fn one_known_peer_connects_unix_sockets() {
        let unix = |id| Object::Socket(Socket { id, name: SocketName::Unix(None), listening: false });
        let one = DescriptorEnd { peer: Peer::UnixSocket(2), ..end(unix(1), AccessMode::ReadWrite) };
        let two = end(unix(2), AccessMode::ReadWrite);
        assert!(one.is_connected_to(&two) && two.is_connected_to(&one));
        assert!(!one.is_connected_to(&end(unix(3), AccessMode::ReadWrite)));
    }
}
