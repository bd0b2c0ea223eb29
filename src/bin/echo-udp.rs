//! Echo over UDP: each datagram goes back to whoever sent it.
//!
//! UDP (RFC 768) has no connections, so one socket and one loop serve everybody: `recvfrom(2)` says
//! where each datagram came from, and `sendto(2)` returns it there. A datagram is whole or it is
//! lost, never split or joined, and an empty one is a message like any other. Nothing is resent:
//! an echo that cannot be sent is lost, as the network might have lost it (RFC 862, UDP). Bound to
//! a wildcard address such as 0.0.0.0, the kernel picks the source address of each echo, which need
//! not be the one the client wrote to (RFC 1122 §4.1.3.5): bind a concrete address where there are
//! several. One forged datagram would set two servers that answer everything to answering each other
//! for ever (CVE-1999-0103, CVE-2024-2169): what claims to come from another such is left unanswered.
//!
//! ```text
//! echospec check udp -- echo-udp {addr}
//! ```

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;

use nix::sys::socket::{setsockopt, sockopt};

/// More than the largest datagram of IPv4 (65507 bytes of payload) or IPv6 (65527): none is cut.
const LARGEST_DATAGRAM: usize = 65_535;

/// Echo, daytime, chargen, time and DNS: services that answer whatever they are sent.
const ANSWERING_PORTS: [u16; 5] = [7, 13, 19, 37, 53];

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(address), None) = (args.next(), args.next()) else {
        return complain(2, "usage: echo-udp ADDRESS, for instance 127.0.0.1:7007 or [::1]:7007");
    };
    let address = address.to_string_lossy();
    let (socket, local) = match bind(&address) {
        Ok(bound) => bound,
        Err(error) => {
            let hint = "give HOST:PORT of this machine, with port 0 for any free one";
            return complain(1, format!("echo-udp: cannot bind {address}: {error}; {hint}"));
        }
    };
    // Whoever started us may have closed its end; that is no reason to stop serving
    let _ = writeln!(io::stdout(), "ready udp {local}");
    serve(&socket)
}

fn bind(address: &str) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = UdpSocket::bind(address)?;
    let local = socket.local_addr()?;
    // Both are wishes, which the kernel may grant in part. macOS sends at most 9216 bytes unless
    // asked for more; and what arrives while we are busy is lost unless it finds room to wait
    let _ = setsockopt(&socket, sockopt::SndBuf, &LARGEST_DATAGRAM);
    let _ = setsockopt(&socket, sockopt::RcvBuf, &(64 * LARGEST_DATAGRAM));
    Ok((socket, local))
}

fn serve(socket: &UdpSocket) -> ! {
    let mut datagram = [0; LARGEST_DATAGRAM];
    loop {
        // Either call may report what became of an earlier datagram (ECONNREFUSED, when an ICMP
        // message came back): that is news about one client, and no reason to stop serving
        if let Ok((length, client)) = socket.recv_from(&mut datagram)
            && !ANSWERING_PORTS.contains(&client.port())
        {
            let _ = socket.send_to(&datagram[..length], client);
        }
    }
}

fn complain(status: u8, line: impl Display) -> ExitCode {
    // eprintln! would panic where standard error cannot be written
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(status)
}
