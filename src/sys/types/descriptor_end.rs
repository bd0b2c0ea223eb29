//! A descriptor with what leads from it to the other end.

use std::net::IpAddr;
use std::os::fd::RawFd;

use super::descriptor::{AccessMode, Object, Socket, SocketName};
use super::socket::covers;

/// One descriptor, with what leads from it to the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorEnd {
    /// The number the process knows it by.
    pub number: RawFd,
    /// What it refers to.
    pub object: Object,
    /// What the process may do with it, if the system tells.
    pub access: Option<AccessMode>,
    /// The device that the object's number belongs to, 0 where numbers are unique: a FIFO can have that of a pipe.
    pub device: u64,
    /// The other end, where the object's name does not lead there.
    pub peer: Peer,
    /// What else the kernel tells of it, in a few words; else empty.
    pub detail: String,
}

/// The other end of what has its own name at each end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Peer {
    /// There is none, or the object's own name leads there.
    #[default]
    Named,
    /// A Unix domain socket is connected with the one that has this id.
    UnixSocket(u64),
    /// A Unix domain socket's connection waits for the other side to accept it.
    NotAccepted,
    /// A Unix domain socket whose other end has been closed.
    Closed,
    /// The master's side of the terminal with this number.
    Terminal(u32),
    /// The program's side of the terminal with this number.
    TerminalMaster(u32),
}

impl DescriptorEnd {
    /// Whether what goes in here comes out there, or the other way round.
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

    /// One reads and the other writes.
    fn has_opposite_access(&self, other: &DescriptorEnd) -> bool {
        match (self.access, other.access) {
            (Some(mine), Some(theirs)) => mine != theirs || mine == AccessMode::ReadWrite,
            _ => true,
        }
    }

    fn is_socket_peer_of(&self, one: &Socket, two: &Socket, other: &DescriptorEnd) -> bool {
        match (&one.name, &two.name) {
            (SocketName::Tcp(local, remote), SocketName::Tcp(far, near)) => {
                !one.listening && !two.listening && (local, remote) == (near, far)
            }
            (SocketName::Udp(local, remote), SocketName::Udp(far, near)) => {
                match (one.listening, two.listening) {
                    (false, false) => (local, remote) == (near, far),
                    (false, true) => covers(*far, *remote),
                    (true, false) => covers(*local, *near),
                    (true, true) => false,
                }
            }
            (SocketName::Unix(_), SocketName::Unix(_)) => {
                self.peer == Peer::UnixSocket(two.id) || other.peer == Peer::UnixSocket(one.id)
            }
            _ => false,
        }
    }

    /// Whether its other end is on this machine, so that some process here should hold it. None for what has
    /// no other end.
    #[must_use]
    pub fn has_local_peer(&self) -> Option<bool> {
        match &self.object {
            Object::Pipe { .. } => Some(true),
            Object::Socket(Socket { listening: false, name, .. }) => match name {
                SocketName::Tcp(local, remote) | SocketName::Udp(local, remote) if remote.port() != 0 => {
                    Some(stays_here(local.ip(), remote.ip()))
                }
                SocketName::Unix(_) => Some(self.peer != Peer::Named).filter(|&connected| connected),
                _ => None,
            },
            _ => Some(true).filter(|_| self.peer != Peer::Named),
        }
    }

    /// Whether it listens where `client`, a connected socket, has gone: then it may not have accepted it yet.
    #[must_use]
    pub fn is_listener_for(&self, client: &DescriptorEnd) -> bool {
        match (&self.object, &client.object) {
            (Object::Socket(listener), Object::Socket(Socket { name: SocketName::Tcp(_, remote), .. })) => {
                let SocketName::Tcp(local, _) = listener.name else { return false };
                listener.listening && covers(local, *remote)
            }
            _ => false,
        }
    }
}

/// What goes to one's own address never leaves the machine, whichever address that is.
fn stays_here(local: IpAddr, remote: IpAddr) -> bool {
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
    fn a_write_end_faces_the_read_end_of_its_pipe_and_no_other_write_end() {
        let [reader, writer] =
            [AccessMode::ReadOnly, AccessMode::WriteOnly].map(|access| end(Object::Pipe { id: 7 }, access));
        assert!(writer.is_connected_to(&reader) && reader.is_connected_to(&writer));
        assert!(!writer.is_connected_to(&writer.clone()));
        assert!(!writer.is_connected_to(&end(Object::Pipe { id: 8 }, AccessMode::ReadOnly)));
    }

    #[test]
    fn a_connection_faces_its_mirror_image_and_not_the_listener() {
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
    fn unix_sockets_face_each_other_by_what_the_kernel_says_of_either() {
        let unix = |id| Object::Socket(Socket { id, name: SocketName::Unix(None), listening: false });
        let one = DescriptorEnd { peer: Peer::UnixSocket(2), ..end(unix(1), AccessMode::ReadWrite) };
        let two = end(unix(2), AccessMode::ReadWrite);
        assert!(one.is_connected_to(&two) && two.is_connected_to(&one));
        assert!(!one.is_connected_to(&end(unix(3), AccessMode::ReadWrite)));
    }
}
