//! Linux: packet(7), with a filter in the kernel so that only what matters takes room in the queue; socket(7),
//! `Documentation/networking/filter.rst`.

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

/// Room for what passes while nobody reads: a bulk transfer on loopback comes in pieces of 64 KiB.
const QUEUE: usize = 128 * 1024 * 1024;

#[derive(Debug)]
pub struct PacketCapture {
    socket: Socket,
}

impl PacketCapture {
    pub fn open(port: Option<u16>, room: u32) -> io::Result<PacketCapture> {
        // Without a protocol it hears nothing until it is bound, and by then has its filter.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.attach_filter(&filter(port, room))?;
        tell_lengths(&socket)?;
        // Beyond rmem_max only CAP_NET_ADMIN may go: the system's own limit is what the others get.
        let _ = setsockopt(&socket, RcvBufForce, &QUEUE)
            .or_else(|_| socket.set_recv_buffer_size(QUEUE).map_err(|_| nix::errno::Errno::EPERM));
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        socket.bind(&loopback()?)?;
        Ok(PacketCapture { socket })
    }

    pub fn next_packet<'a>(
        &self,
        room: &'a mut [u8],
        limit: Duration,
    ) -> io::Result<Option<CapturedPacket<'a>>> {
        let mut flags = MsgFlags::empty();
        if limit.is_zero() {
            flags |= MsgFlags::MSG_DONTWAIT;
        } else {
            self.socket.set_read_timeout(Some(limit))?;
        }
        let mut control = nix::cmsg_space!(TimeSpec, libc::tpacket_auxdata);
        let mut parts = [IoSliceMut::new(room)];
        let received = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags);
        let (taken, news) = match received {
            Ok(message) => (message.bytes, message.cmsgs()?.collect::<Vec<_>>()),
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (at, length) = (news.iter().find_map(stamp), news.iter().find_map(length));
        let (at, length) =
            at.zip(length).ok_or_else(|| io::Error::other("a packet without a time or length"))?;
        Ok(Some(CapturedPacket { timestamp: at, length, bytes: &room[..taken.min(room.len())] }))
    }

    /// Asking sets it back to nothing.
    #[expect(unsafe_code, reason = "no crate has this option")]
    pub fn take_dropped(&self) -> io::Result<u64> {
        // `struct tpacket_stats`: how many packets, and how many of them were dropped.
        let mut counts = [0_u32; 2];
        let mut length = u32::try_from(size_of::<[u32; 2]>()).unwrap_or_default();
        // SAFETY: both pointers are to locals that outlive the call, and `length` is the size of the first.
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

/// Every protocol (`ETH_P_ALL`) on the loopback interface.
#[expect(unsafe_code, reason = "no crate makes such an address")]
fn loopback() -> io::Result<SockAddr> {
    let interface = i32::try_from(if_nametoindex("lo")?).map_err(io::Error::other)?;
    let family = libc::sa_family_t::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    let protocol = u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?;
    // SAFETY: a `sockaddr_ll` is smaller than the storage that is given, and has its alignment; all of it but three
    // integers stays zero, as it was.
    let made = unsafe {
        SockAddr::try_init(|storage, length| {
            let address = &mut *storage.cast::<libc::sockaddr_ll>();
            address.sll_family = family;
            // In the byte order of the network.
            address.sll_protocol = protocol.to_be();
            address.sll_ifindex = interface;
            *length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
            Ok(())
        })
    };
    made.map(|((), address)| address)
}

fn stamp(message: &ControlMessageOwned) -> Option<Duration> {
    match message {
        ControlMessageOwned::ScmTimestampns(time) => Some((*time).into()),
        _ => None,
    }
}

/// Has each packet come with how long it was before the filter cut it.
#[expect(unsafe_code, reason = "no crate has this option")]
fn tell_lengths(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of::<libc::c_int>()).map_err(io::Error::other)?;
    let (level, option) = (libc::SOL_PACKET, libc::PACKET_AUXDATA);
    // SAFETY: the pointer is to a local that outlives the call, and `size` is its size.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), size) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The second field of `struct tpacket_auxdata`.
fn length(message: &ControlMessageOwned) -> Option<usize> {
    let ControlMessageOwned::Unknown(UnknownCmsg { cmsg_header, data_bytes }) = message else { return None };
    let kind = (cmsg_header.cmsg_level, cmsg_header.cmsg_type);
    let length = data_bytes.get(4..8).filter(|_| kind == (libc::SOL_PACKET, libc::PACKET_AUXDATA))?;
    usize::try_from(u32::from_ne_bytes(length.try_into().ok()?)).ok()
}

/// The fields of a packet beside its bytes: `SKF_AD_OFF` and its like in `<linux/filter.h>`.
const ASIDE: u32 = (-0x1000_i32).cast_unsigned();
const KIND: u32 = ASIDE + 4;

/// On loopback every packet is seen going out and coming in; the former is left out, and of the others what is beyond
/// `room`, which would only fill the queue.
fn filter(port: Option<u16>, room: u32) -> Vec<SockFilter> {
    let mut program =
        vec![load(BYTE, KIND), SockFilter::new(EQUAL, 0, 1, libc::PACKET_OUTGOING.into()), DROP];
    if let Some(port) = port {
        program.extend(only(port.into()));
    }
    program.push(SockFilter::new(RETURN, 0, 0, room));
    program
}

/// Drops what has `port` at neither side. TCP and UDP both begin with the two ports.
fn only(port: u32) -> [SockFilter; 15] {
    const ETHERNET: u32 = 14;
    const IPV4: u32 = 0x0800;
    const IPV6: u32 = 0x86dd;
    const IPV6_HEADER: u32 = 40;
    [
        load(HALF, ETHERNET - 2),
        SockFilter::new(EQUAL, 0, 6, IPV4),
        // IPv4's header says in its first byte how long it is.
        SockFilter::new(LOAD_INDEX, 0, 0, ETHERNET),
        SockFilter::new(INDEXED, 0, 0, ETHERNET),
        SockFilter::new(EQUAL, 10, 0, port),
        SockFilter::new(INDEXED, 0, 0, ETHERNET + 2),
        SockFilter::new(EQUAL, 8, 0, port),
        DROP,
        SockFilter::new(EQUAL, 1, 0, IPV6),
        DROP,
        load(HALF, ETHERNET + IPV6_HEADER),
        SockFilter::new(EQUAL, 3, 0, port),
        load(HALF, ETHERNET + IPV6_HEADER + 2),
        SockFilter::new(EQUAL, 1, 0, port),
        DROP,
    ]
}

/// `<linux/bpf_common.h>`: BPF_LD | BPF_ABS with BPF_H, BPF_B; BPF_LD | BPF_IND | BPF_H;
/// BPF_LDX | BPF_MSH | BPF_B; BPF_JMP | BPF_JEQ | BPF_K; BPF_RET | BPF_K.
const HALF: u16 = 0x28;
const BYTE: u16 = 0x30;
const INDEXED: u16 = 0x48;
const LOAD_INDEX: u16 = 0xb1;
const EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const DROP: SockFilter = SockFilter::new(RETURN, 0, 0, 0);

const fn load(width: u16, place: u32) -> SockFilter {
    SockFilter::new(width, 0, 0, place)
}
