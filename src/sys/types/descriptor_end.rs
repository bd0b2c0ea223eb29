//! A descriptor with what leads from it to the other end.

use std::net::IpAddr;
use std::os::fd::RawFd;

use super::descriptor::{Access, Object, Socket, SocketName};
use super::socket::covers;

/// One descriptor, with what leads from it to the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The number the process knows it by.
    pub number: RawFd,
    /// What it refers to.
    pub object: Object,
    /// What the process may do with it, if the system tells.
    pub access: Option<Access>,
    /// The device that the object's number belongs to, 0 where numbers are unique: a FIFO can have that of a pipe.
    pub device: u64,
    /// The other end, where the object's name does not lead there.
    pub partner: Partner,
    /// What else the kernel tells of it, in a few words; else empty.
    pub detail: String,
}

/// The other end of what has its own name at each end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Partner {
    /// There is none, or the object's own name leads there.
    #[default]
    Named,
    /// A Unix domain socket is connected with the one that has this id.
    Socket(u64),
    /// A Unix domain socket's connection waits for the other side to accept it.
    Unaccepted,
    /// A Unix domain socket whose other end has been closed.
    Closed,
    /// The master's side of the terminal with this number.
    Terminal(u32),
    /// The program's side of the terminal with this number.
    Master(u32),
}

impl End {
    /// Whether what goes in here comes out there, or the other way round.
    #[must_use]
    pub fn faces(&self, other: &End) -> bool {
        match (&self.object, &other.object) {
            (Object::Pipe { id }, Object::Pipe { id: same }) => {
                id == same && self.device == other.device && self.complements(other)
            }
            (Object::Socket(one), Object::Socket(two)) => self.converses(one, two, other),
            _ => match (self.partner, other.partner) {
                (Partner::Terminal(number), Partner::Master(same))
                | (Partner::Master(number), Partner::Terminal(same)) => number == same,
                _ => false,
            },
        }
    }

    /// One reads and the other writes.
    fn complements(&self, other: &End) -> bool {
        match (self.access, other.access) {
            (Some(mine), Some(theirs)) => mine != theirs || mine == Access::Both,
            _ => true,
        }
    }

    fn converses(&self, one: &Socket, two: &Socket, other: &End) -> bool {
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
                self.partner == Partner::Socket(two.id) || other.partner == Partner::Socket(one.id)
            }
            _ => false,
        }
    }

    /// Whether its other end is on this machine, so that some process here should hold it. None for what has
    /// no other end.
    #[must_use]
    pub fn has_other_end_here(&self) -> Option<bool> {
        match &self.object {
            Object::Pipe { .. } => Some(true),
            Object::Socket(Socket { listening: false, name, .. }) => match name {
                SocketName::Tcp(local, remote) | SocketName::Udp(local, remote) if remote.port() != 0 => {
                    Some(stays_here(local.ip(), remote.ip()))
                }
                SocketName::Unix(_) => Some(self.partner != Partner::Named).filter(|&connected| connected),
                _ => None,
            },
            _ => Some(true).filter(|_| self.partner != Partner::Named),
        }
    }

    /// Whether it listens where `client`, a connected socket, has gone: then it may not have accepted it yet.
    #[must_use]
    pub fn awaits(&self, client: &End) -> bool {
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

    fn end(object: Object, access: Access) -> End {
        End {
            number: 3,
            object,
            access: Some(access),
            device: 0,
            partner: Partner::Named,
            detail: String::new(),
        }
    }

    fn tcp(local: &str, remote: &str, listening: bool) -> End {
        let [local, remote]: [SocketAddr; 2] = [local, remote].map(|text| text.parse().unwrap());
        end(Object::Socket(Socket { id: 1, name: SocketName::Tcp(local, remote), listening }), Access::Both)
    }

    #[test]
    fn a_write_end_faces_the_read_end_of_its_pipe_and_no_other_write_end() {
        let [reader, writer] =
            [Access::Read, Access::Write].map(|access| end(Object::Pipe { id: 7 }, access));
        assert!(writer.faces(&reader) && reader.faces(&writer));
        assert!(!writer.faces(&writer.clone()));
        assert!(!writer.faces(&end(Object::Pipe { id: 8 }, Access::Read)));
    }

    #[test]
    fn a_connection_faces_its_mirror_image_and_not_the_listener() {
        let client = tcp("127.0.0.1:50000", "127.0.0.1:7", false);
        let server = tcp("127.0.0.1:7", "127.0.0.1:50000", false);
        let listener = tcp("0.0.0.0:7", "0.0.0.0:0", true);
        assert!(client.faces(&server) && server.faces(&client));
        assert!(!client.faces(&listener) && listener.awaits(&client));
        assert_eq!(listener.has_other_end_here(), None);
        assert_eq!(tcp("10.0.0.1:50000", "192.0.2.1:80", false).has_other_end_here(), Some(false));
        assert_eq!(tcp("10.0.0.1:50000", "10.0.0.1:80", false).has_other_end_here(), Some(true));
    }

    #[test]
    fn unix_sockets_face_each_other_by_what_the_kernel_says_of_either() {
        let unix = |id| Object::Socket(Socket { id, name: SocketName::Unix(None), listening: false });
        let one = End { partner: Partner::Socket(2), ..end(unix(1), Access::Both) };
        let two = end(unix(2), Access::Both);
        assert!(one.faces(&two) && two.faces(&one));
        assert!(!one.faces(&end(unix(3), Access::Both)));
    }
}
