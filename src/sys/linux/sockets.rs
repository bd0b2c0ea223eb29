//! Linux: the kernel's tables of sockets say who listens where, and how each TCP connection stands. proc_pid_net(5).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor};
use std::net::SocketAddr;

use nix::unistd::Pid;
use procfs::FromBufReadSI;
use procfs::net::{TcpNetEntries, TcpNetEntry};

use super::process::{to_io, unmapped};
use super::unix_table;
use crate::sys::types::{SocketAddress, TcpState, covers};

pub fn is_listening(place: SocketAddress<'_>, _holders: &dyn Fn() -> Vec<Pid>) -> io::Result<bool> {
    Ok(socket_id_at(place)?.is_some())
}

pub fn socket_id_at(place: SocketAddress<'_>) -> io::Result<Option<u64>> {
    Ok(match place {
        SocketAddress::Tcp(address) => {
            let mut all = listeners()?.into_iter();
            all.find(|entry| covers(unmapped(entry.local_address), address)).map(|entry| entry.inode)
        }
        SocketAddress::Udp(address) => [procfs::net::udp(), procfs::net::udp6()]
            .into_iter()
            .filter_map(Result::ok)
            .flatten()
            .find(|entry| covers(unmapped(entry.local_address), address))
            .map(|entry| entry.inode),
        SocketAddress::Unix(path) => unix_table::read()?
            .into_iter()
            .find(|entry| entry.path.as_deref() == Some(path) && (entry.accepts || entry.is_datagram))
            .map(|entry| entry.inode),
    })
}

/// The kernel lists listening sockets before all others, so the thousands in TIME_WAIT need not be read.
fn listeners() -> io::Result<Vec<TcpNetEntry>> {
    let mut found = listening_lines("/proc/net/tcp")?;
    // Absent where the kernel has no IPv6.
    found.extend(listening_lines("/proc/net/tcp6").unwrap_or_default());
    Ok(found)
}

fn listening_lines(table: &str) -> io::Result<Vec<TcpNetEntry>> {
    const LISTEN: &str = "0A";
    let mut kept = String::new();
    for (number, line) in BufReader::new(File::open(table)?).lines().enumerate() {
        let line = line?;
        if number > 0 && line.split_whitespace().nth(3) != Some(LISTEN) {
            break;
        }
        kept.push_str(&line);
        kept.push('\n');
    }
    TcpNetEntries::from_buf_read(Cursor::new(kept), procfs::current_system_info())
        .map(|entries| entries.0)
        .map_err(to_io)
}

pub fn tcp_sockets(port: u16) -> io::Result<Vec<(SocketAddr, SocketAddr, TcpState)>> {
    let entries =
        procfs::net::tcp().map_err(to_io)?.into_iter().chain(procfs::net::tcp6().unwrap_or_default());
    Ok(entries
        .filter(|entry| entry.local_address.port() == port)
        .map(|entry| (unmapped(entry.local_address), unmapped(entry.remote_address), state(entry.state)))
        .collect())
}

fn state(state: procfs::net::TcpState) -> TcpState {
    use procfs::net::TcpState as Listed;
    match state {
        Listed::Listen => TcpState::Listen,
        Listed::SynSent => TcpState::SynSent,
        Listed::SynRecv | Listed::NewSynRecv => TcpState::SynReceived,
        Listed::Established => TcpState::Established,
        Listed::FinWait1 => TcpState::FinWait1,
        Listed::FinWait2 => TcpState::FinWait2,
        Listed::CloseWait => TcpState::CloseWait,
        Listed::LastAck => TcpState::LastAck,
        Listed::Closing => TcpState::Closing,
        Listed::TimeWait => TcpState::TimeWait,
        Listed::Close => TcpState::Closed,
    }
}
