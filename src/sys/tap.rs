//! Every packet that passes over the loopback interface, whosever it is.
//!
//! | contract | Linux | elsewhere |
//! |---|---|---|
//! | [`Tap::open`] | an `AF_PACKET` socket with a filter, packet(7) | unsupported |

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
#[path = "tap_linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "tap_other.rs"]
mod system;

/// A socket that is given a copy of each packet on the loopback interface, once.
#[derive(Debug)]
pub struct Tap(system::Tap);

/// One packet as it passed.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The time since 1970 at which it passed.
    pub at: Duration,
    /// How long it was, in bytes.
    pub length: usize,
    /// Its beginning, from the Ethernet header on; all of it where there was room.
    pub bytes: &'a [u8],
}

impl Tap {
    /// Whether packets can be heard at all.
    ///
    /// # Errors
    /// As [`open`](Tap::open).
    pub fn can_open() -> io::Result<()> {
        Tap::open(None, 0).map(drop)
    }

    /// Hears from now on all that passes; with `port` only what comes from that TCP or UDP port or goes there. Of each
    /// packet the first `room` bytes are kept.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; `Unsupported` where the system has no such sockets.
    pub fn open(port: Option<u16>, room: u32) -> io::Result<Tap> {
        system::Tap::open(port, room).map(Tap)
    }

    /// The next packet, as much of it as was asked for and `room` holds; none if none comes within `limit`.
    ///
    /// # Errors
    /// Those of `recvmsg(2)`.
    pub fn next<'a>(&self, room: &'a mut [u8], limit: Duration) -> io::Result<Option<Frame<'a>>> {
        self.0.next(room, limit)
    }

    /// How many packets have passed unheard since this was last asked, because they came faster than they were read.
    ///
    /// # Errors
    /// Those of `getsockopt(2)`.
    pub fn missed(&self) -> io::Result<u64> {
        self.0.missed()
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::Tap;

    const HEADERS: usize = 14 + 20 + 8;

    #[test]
    fn each_packet_of_the_port_is_heard_once_and_no_other() {
        let [here, elsewhere] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let [port, other] = [&here, &elsewhere].map(|socket| socket.local_addr().unwrap().port());
        let tap = match Tap::open(Some(port), 64) {
            Ok(tap) => tap,
            Err(error) => return eprintln!("skipped: packets cannot be seen here: {error}"),
        };
        for length in [1, 2, 3] {
            here.send_to(&vec![0; length], ("127.0.0.1", other)).unwrap();
            elsewhere.send_to(&[0; 100], ("127.0.0.1", other)).unwrap();
        }
        let mut room = [0; 64];
        for length in [1, 2, 3] {
            let frame = tap.next(&mut room, Duration::from_secs(5)).unwrap().unwrap();
            assert_eq!((frame.length, frame.bytes.len()), (HEADERS + length, HEADERS + length));
        }
        assert!(tap.next(&mut room, Duration::ZERO).unwrap().is_none());
        here.send_to(&[0; 1000], ("127.0.0.1", other)).unwrap();
        let frame = tap.next(&mut room, Duration::from_secs(5)).unwrap().unwrap();
        assert_eq!((frame.length, frame.bytes.len()), (HEADERS + 1000, 64));
        assert_eq!(tap.missed().unwrap(), 0);
    }
}
