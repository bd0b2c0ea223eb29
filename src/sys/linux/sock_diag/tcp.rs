//! TCP sockets: the requests and answers of `<linux/inet_diag.h>`.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use nix::libc::{AF_INET, AF_INET6, IPPROTO_TCP, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_ERROR};

use super::{diag_socket, dump, header, next_attribute, next_message, number};
use crate::sys::types::{AcceptQueue, TcpQueues, TcpState};
use crate::sys::unsupported::unsupported;

/// The size of `struct inet_diag_req_v2`, a request for TCP sockets.
const REQUEST: usize = 56;
/// The size of `struct inet_diag_msg`, the description of a TCP socket. Its attributes follow.
const MESSAGE: usize = 72;

/// The attribute that holds `struct tcp_info`.
const INET_DIAG_INFO: u16 = 2;

/// The port that stands for all ports in a request.
const ANY_PORT: u16 = 0;

/// A TCP socket in the kernel's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpEntry {
    /// The inode number; 0 for a connection without a process, such as one in TIME_WAIT.
    pub id: u64,
    pub state: TcpState,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    queues: TcpQueues,
    transferred: Option<Transferred>,
}

/// The numbers of bytes that a TCP socket has taken from its program, and received from its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Transferred {
    taken: u64,
    received: u64,
}

/// Returns the TCP sockets that a process may hold: all but those in TIME_WAIT.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn all_tcp_sockets() -> io::Result<Vec<TcpEntry>> {
    const TIME_WAIT: u32 = 1 << 6;
    list(!TIME_WAIT, ANY_PORT)
}

/// Returns the TCP sockets in any state whose local port is `port`.
///
/// # Errors
/// As [`all_tcp_sockets`].
pub fn tcp_sockets_of_port(port: u16) -> io::Result<Vec<TcpEntry>> {
    list(u32::MAX, port)
}

fn list(states: u32, port: u16) -> io::Result<Vec<TcpEntry>> {
    let mut found = Vec::new();
    dump(&list_request(AF_INET, states, port), |body| found.extend(TcpEntry::parse(body)))?;
    // A kernel may have no IPv6.
    let _ = dump(&list_request(AF_INET6, states, port), |body| found.extend(TcpEntry::parse(body)));
    Ok(found)
}

/// Returns the queues of the TCP socket at `local` that is connected to `remote`. `None` if there is no such socket.
///
/// The kernel looks this one socket up, however many others there are.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn tcp_queues(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpQueues>> {
    // A listening socket is found where no connected one is.
    Ok(find(local, remote)?.filter(|entry| entry.remote == remote).map(|entry| entry.queues))
}

/// Returns the state of the TCP socket at `local` that is connected to `remote`. `None` if there is no such socket.
///
/// # Errors
/// As [`tcp_queues`].
pub fn tcp_state(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpState>> {
    Ok(find(local, remote)?.filter(|entry| entry.remote == remote).map(|entry| entry.state))
}

/// Returns how many bytes the TCP socket at `from` has taken from its program and the one at `to` has not received. `None` if
/// one of the two sockets is not on this machine or no longer open, and before Linux 4.19.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn tcp_bytes_in_flight(from: SocketAddr, to: SocketAddr) -> io::Result<Option<u64>> {
    // The sender is asked first: bytes that it takes later do not count.
    let (Some(sender), Some(receiver)) = (find(from, to)?, find(to, from)?) else { return Ok(None) };
    // A listening socket is found where no connected one is.
    let are_connected = sender.remote == to && receiver.remote == from;
    let counts = sender.transferred.zip(receiver.transferred).filter(|_| are_connected);
    Ok(counts.map(|(sender, receiver)| sender.taken.saturating_sub(receiver.received)))
}

/// Returns the queue of connections that wait for accept(2) at the TCP socket that listens at `address`, or at the
/// wildcard address. `None` if there is no such socket.
///
/// # Errors
/// `Unsupported` if the kernel was built without `CONFIG_INET_DIAG`.
pub fn accept_queue(address: SocketAddr) -> io::Result<Option<AcceptQueue>> {
    // Of a listening socket, these fields hold the length of the queue and its limit.
    let queue = |TcpQueues { unread, unacknowledged }| AcceptQueue { waiting: unread, limit: unacknowledged };
    Ok(find_listener(address)?.map(|entry| queue(entry.queues)))
}

/// Returns the inode number of the TCP socket that listens at `address`, or at the wildcard address. `None` if there is no
/// such socket.
///
/// # Errors
/// As [`accept_queue`].
pub fn listener_id(address: SocketAddr) -> io::Result<Option<u64>> {
    Ok(find_listener(address)?.map(|entry| entry.id))
}

fn find_listener(address: SocketAddr) -> io::Result<Option<TcpEntry>> {
    let nobody = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    Ok(find(address, nobody)?.filter(|entry| entry.state == TcpState::Listen))
}

/// Returns the TCP socket at `local` that is connected to `remote`, or the one that would accept that connection.
fn find(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpEntry>> {
    let mut socket = diag_socket()?;
    socket.send(&connection_request(local, remote))?;
    let mut buffer = [0; 1024];
    let length = socket.read(&mut buffer)?;
    match next_message(&buffer[..length]) {
        Some((kind, body, _)) if i32::from(kind) == NLMSG_ERROR => match number(body) {
            Some(error) if error.cast_signed() == -nix::libc::ENOENT && answers_for_tcp() => Ok(None),
            _ => unsupported("the kernel shows no queues: it may lack CONFIG_INET_DIAG"),
        },
        Some((_, body, _)) => {
            TcpEntry::parse(body).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
        }
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Whether the kernel answers requests for TCP sockets. Where the module `tcp_diag` cannot be loaded, it answers a request
/// for one socket with ENOENT, as if there were no such socket.
fn answers_for_tcp() -> bool {
    const IN_NO_STATE: u32 = 0;
    static ANSWERS: LazyLock<bool> =
        LazyLock::new(|| dump(&list_request(AF_INET, IN_NO_STATE, ANY_PORT), |_| ()).is_ok());
    *ANSWERS
}

/// Builds a `struct nlmsghdr` and a `struct inet_diag_req_v2`, which asks for TCP sockets in these states by their local
/// port.
fn list_request(family: i32, states: u32, port: u16) -> Vec<u8> {
    let mut message = header(REQUEST, NLM_F_REQUEST | NLM_F_DUMP);
    message.extend(prefix(family, 0, states));
    message.extend(port.to_be_bytes());
    message.extend([0; 38]); // Any other port, addresses and interface.
    message.extend([0xff; 8]); // No cookie.
    message
}

/// Builds a `struct nlmsghdr` and a `struct inet_diag_req_v2`, which asks for the TCP socket of one connection.
fn connection_request(local: SocketAddr, remote: SocketAddr) -> Vec<u8> {
    let mut message = header(REQUEST, NLM_F_REQUEST);
    let family = if local.is_ipv4() { AF_INET } else { AF_INET6 };
    message.extend(prefix(family, 1 << (INET_DIAG_INFO - 1), u32::MAX));
    message.extend(local.port().to_be_bytes());
    message.extend(remote.port().to_be_bytes());
    message.extend(padded(local.ip()));
    message.extend(padded(remote.ip()));
    message.extend([0; 4]); // Any interface.
    message.extend([0xff; 8]); // No cookie.
    message
}

/// Builds the first fields of `struct inet_diag_req_v2`, which requests TCP sockets. `attributes` has a bit for each
/// attribute that the answer has.
fn prefix(family: i32, attributes: u8, states: u32) -> Vec<u8> {
    let byte = |number: i32| u8::try_from(number).unwrap_or_default();
    [&[byte(family), byte(IPPROTO_TCP), attributes, 0], &states.to_ne_bytes()[..]].concat()
}

/// Returns an IP address as the 16 bytes with which netlink represents it.
fn padded(address: IpAddr) -> [u8; 16] {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes = address.octets(),
    }
    bytes
}

impl TcpEntry {
    /// Parses a `struct inet_diag_msg`: the family, the state and two other bytes, the ports, both addresses, and, after
    /// other fields, the lengths of both queues, the owner and the inode number.
    fn parse(message: &[u8]) -> Option<TcpEntry> {
        let family = i32::from(*message.first()?);
        let port = |at: usize| Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?));
        let address = |at: usize| {
            let bytes: [u8; 16] = message.get(at..at + 16)?.try_into().ok()?;
            Some(match family {
                AF_INET => IpAddr::from(*bytes.first_chunk::<4>()?),
                // A dual-stack socket shows an IPv4 peer as `::ffff:127.0.0.1`.
                _ => Ipv6Addr::from(bytes).to_canonical(),
            })
        };
        let length = |at: usize| usize::try_from(number(message.get(at..)?)?).ok();
        Some(TcpEntry {
            state: state(*message.get(1)?)?,
            local: SocketAddr::new(address(8)?, port(4)?),
            remote: SocketAddr::new(address(24)?, port(6)?),
            queues: TcpQueues { unread: length(56)?, unacknowledged: length(60)? },
            id: number(message.get(68..)?)?.into(),
            transferred: transferred(message.get(MESSAGE..)?),
        })
    }
}

/// Reads the counts of bytes in the `struct tcp_info` of a message: `<linux/tcp.h>`. The count of sent bytes includes bytes
/// sent again.
fn transferred(mut attributes: &[u8]) -> Option<Transferred> {
    while let Some((kind, info, next)) = next_attribute(attributes) {
        if kind == INET_DIAG_INFO {
            let count = |at: usize| Some(u64::from_ne_bytes(info.get(at..at + 8)?.try_into().ok()?));
            let (received, sent, sent_again) = (count(128)?, count(200)?, count(208)?);
            let unsent = u64::from(number(info.get(144..)?)?);
            return Some(Transferred { taken: sent.saturating_sub(sent_again) + unsent, received });
        }
        attributes = next;
    }
    None
}

/// Returns the state with this number in `<net/tcp_states.h>`.
fn state(number: u8) -> Option<TcpState> {
    Some(match number {
        1 => TcpState::Established,
        2 => TcpState::SynSent,
        3 | 12 => TcpState::SynReceived,
        4 => TcpState::FinWait1,
        5 => TcpState::FinWait2,
        6 => TcpState::TimeWait,
        7 => TcpState::Closed,
        8 => TcpState::CloseWait,
        9 => TcpState::LastAck,
        10 => TcpState::Listen,
        11 => TcpState::Closing,
        _ => return None,
    })
}
