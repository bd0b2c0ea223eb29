//! Packets on the loopback interface: packet(7), with a filter in the kernel (socket(7),
//! `Documentation/networking/filter.rst`).

use std::io::{self, IoSliceMut};
use std::mem::size_of;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimestampns};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnknownCmsg, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, SockAddr, SockFilter, Socket, Type};

use crate::sys::types::CapturedPacket;

/// The size of a capture's receive buffer in bytes. A bulk transfer on loopback comes in packets of 64 KiB.
const RECEIVE_BUFFER: usize = 128 * 1024 * 1024;

/// A socket that receives a copy of each packet on the loopback interface, once.
#[derive(Debug)]
pub struct PacketCapture {
    socket: Socket,
}

impl PacketCapture {
    /// Starts to capture packets on the loopback interface: all, or those from or to the TCP or UDP port `port`. Keeps
    /// the first `snap_length` bytes of each.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`.
    pub fn open(port: Option<u16>, snap_length: u32) -> io::Result<PacketCapture> {
        // A socket without a protocol receives nothing before bind(2), so no packet passes the filter by.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.attach_filter(&filter(port, snap_length))?;
        request_lengths(&socket)?;
        // SO_RCVBUFFORCE needs CAP_NET_ADMIN. Without it, the kernel caps the size at rmem_max.
        let _ = setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER)
            .or_else(|_| socket.set_recv_buffer_size(RECEIVE_BUFFER).map_err(|_| nix::errno::Errno::EPERM));
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        socket.bind(&loopback_address()?)?;
        Ok(PacketCapture { socket })
    }

    /// Waits up to `timeout` for the next captured packet and stores the packet's beginning in `buffer`.
    ///
    /// # Errors
    /// Those of `recvmsg(2)`.
    pub fn next_packet<'a>(
        &self,
        buffer: &'a mut [u8],
        timeout: Duration,
    ) -> io::Result<Option<CapturedPacket<'a>>> {
        let mut flags = MsgFlags::empty();
        if timeout.is_zero() {
            flags |= MsgFlags::MSG_DONTWAIT;
        } else {
            self.socket.set_read_timeout(Some(timeout))?;
        }
        let mut control = nix::cmsg_space!(TimeSpec, libc::tpacket_auxdata);
        let mut parts = [IoSliceMut::new(buffer)];
        let received = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags);
        let (taken, messages) = match received {
            Ok(message) => (message.bytes, message.cmsgs()?.collect::<Vec<_>>()),
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (timestamp, length) =
            (messages.iter().find_map(timestamp), messages.iter().find_map(original_length));
        let (timestamp, length) =
            timestamp.zip(length).ok_or_else(|| io::Error::other("a packet without a time or length"))?;
        Ok(Some(CapturedPacket { timestamp, length, bytes: &buffer[..taken.min(buffer.len())] }))
    }

    /// Returns how many packets the kernel has dropped since the last call, because the receive buffer was full. The
    /// kernel resets the count when it is read.
    ///
    /// # Errors
    /// Those of `getsockopt(2)`.
    #[expect(unsafe_code, reason = "no crate has the option PACKET_STATISTICS")]
    pub fn take_dropped(&self) -> io::Result<u64> {
        // The layout of `struct tpacket_stats`: number of packets, number of dropped packets.
        let mut counts = [0_u32; 2];
        let mut length = u32::try_from(size_of::<[u32; 2]>()).unwrap_or_default();
        // SAFETY: both pointers are to locals that outlive the call, and `length` is the size of `counts`.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                counts.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if result == 0 { Ok(counts[1].into()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Returns the address to which a packet(7) socket is bound to capture all protocols (`ETH_P_ALL`) on the loopback
/// interface.
#[expect(unsafe_code, reason = "no crate makes a packet address")]
fn loopback_address() -> io::Result<SockAddr> {
    let interface = i32::try_from(if_nametoindex("lo")?).map_err(io::Error::other)?;
    let family = libc::sa_family_t::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    let protocol = u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?;
    // SAFETY: a `sockaddr_ll` fits into the storage and has its alignment. All other bytes stay zero, which is valid.
    let made = unsafe {
        SockAddr::try_init(|storage, length| {
            let address = &mut *storage.cast::<libc::sockaddr_ll>();
            address.sll_family = family;
            // The kernel expects network byte order.
            address.sll_protocol = protocol.to_be();
            address.sll_ifindex = interface;
            *length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
            Ok(())
        })
    };
    made.map(|((), address)| address)
}

fn timestamp(message: &ControlMessageOwned) -> Option<Duration> {
    match message {
        ControlMessageOwned::ScmTimestampns(time) => Some((*time).into()),
        _ => None,
    }
}

/// Asks the kernel to add to each packet its length before the filter cut it: `PACKET_AUXDATA`.
#[expect(unsafe_code, reason = "no crate has the option PACKET_AUXDATA")]
fn request_lengths(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of::<libc::c_int>()).map_err(io::Error::other)?;
    let (level, option) = (libc::SOL_PACKET, libc::PACKET_AUXDATA);
    // SAFETY: the pointer is to a local that outlives the call, and `size` is its size.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), size) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns the length of a packet before the filter cut it: the second field of `struct tpacket_auxdata`.
fn original_length(message: &ControlMessageOwned) -> Option<usize> {
    let ControlMessageOwned::Unknown(UnknownCmsg { cmsg_header, data_bytes }) = message else { return None };
    let kind = (cmsg_header.cmsg_level, cmsg_header.cmsg_type);
    let length = data_bytes.get(4..8).filter(|_| kind == (libc::SOL_PACKET, libc::PACKET_AUXDATA))?;
    usize::try_from(u32::from_ne_bytes(length.try_into().ok()?)).ok()
}

/// The offset at which a packet filter finds a packet's metadata: `SKF_AD_OFF` and `SKF_AD_PKTTYPE` of
/// `<linux/filter.h>`.
const METADATA: u32 = (-0x1000_i32).cast_unsigned();
const PACKET_TYPE: u32 = METADATA + 4;

/// Builds the packet filter of a capture. On loopback the kernel shows each packet when it is sent and when it is
/// received. The filter drops the sent copy, and cuts the received one to `snap_length` to save space in the buffer.
fn filter(port: Option<u16>, snap_length: u32) -> Vec<SockFilter> {
    let mut program =
        vec![load(BYTE, PACKET_TYPE), SockFilter::new(EQUAL, 0, 1, libc::PACKET_OUTGOING.into()), DROP];
    if let Some(port) = port {
        program.extend(require_port(port.into()));
    }
    program.push(SockFilter::new(RETURN, 0, 0, snap_length));
    program
}

/// Returns filter instructions that drop packets that are neither from nor to `port`. A TCP and a UDP header both begin
/// with the two ports.
fn require_port(port: u32) -> [SockFilter; 15] {
    const ETHERNET_HEADER: u32 = 14;
    const IPV4: u32 = 0x0800;
    const IPV6: u32 = 0x86dd;
    const IPV6_HEADER: u32 = 40;
    [
        load(HALF, ETHERNET_HEADER - 2),
        SockFilter::new(EQUAL, 0, 6, IPV4),
        // The first byte of an IPv4 header contains the header's length.
        SockFilter::new(LOAD_INDEX, 0, 0, ETHERNET_HEADER),
        SockFilter::new(INDEXED, 0, 0, ETHERNET_HEADER),
        SockFilter::new(EQUAL, 10, 0, port),
        SockFilter::new(INDEXED, 0, 0, ETHERNET_HEADER + 2),
        SockFilter::new(EQUAL, 8, 0, port),
        DROP,
        SockFilter::new(EQUAL, 1, 0, IPV6),
        DROP,
        load(HALF, ETHERNET_HEADER + IPV6_HEADER),
        SockFilter::new(EQUAL, 3, 0, port),
        load(HALF, ETHERNET_HEADER + IPV6_HEADER + 2),
        SockFilter::new(EQUAL, 1, 0, port),
        DROP,
    ]
}

/// The codes of instructions in a packet filter, from `<linux/bpf_common.h>`: BPF_LD | BPF_ABS with BPF_H and with
/// BPF_B; BPF_LD | BPF_IND | BPF_H; BPF_LDX | BPF_MSH | BPF_B; BPF_JMP | BPF_JEQ | BPF_K; BPF_RET | BPF_K.
const HALF: u16 = 0x28;
const BYTE: u16 = 0x30;
const INDEXED: u16 = 0x48;
const LOAD_INDEX: u16 = 0xb1;
const EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const DROP: SockFilter = SockFilter::new(RETURN, 0, 0, 0);

const fn load(width: u16, offset: u32) -> SockFilter {
    SockFilter::new(width, 0, 0, offset)
}
