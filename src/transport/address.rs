//! Addresses of servers, and how an address is kept from other programs.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::Capabilities;
use super::leftover::LeftoverObject;
use crate::wire::Protocol;
use crate::wire::claims::Claim;

/// The address at which a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Address {
    /// The server listens at this IP address and port.
    Inet(SocketAddr),
    /// The server listens at this path in the file system, this abstract name that begins with `@`, or another object
    /// of this name.
    Path(PathBuf),
    /// The server has no address: it reads standard input and writes standard output.
    Stdio,
}

impl Address {
    /// Returns the IP address and port of the server, if the transport has them.
    #[must_use]
    pub fn inet(&self) -> Option<SocketAddr> {
        if let Address::Inet(address) = self { Some(*address) } else { None }
    }

    /// Returns the path or name of the server's address, if the transport has one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        if let Address::Path(path) = self { Some(path) } else { None }
    }

    pub(crate) fn expect_inet(&self) -> io::Result<SocketAddr> {
        self.inet().ok_or_else(|| io::Error::other("this transport has no port"))
    }

    pub(crate) fn expect_path(&self) -> io::Result<&Path> {
        self.path().ok_or_else(|| io::Error::other("this transport has no path"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Inet(address) => write!(f, "{address}"),
            Address::Path(path) => write!(f, "{}", path.display()),
            Address::Stdio => f.write_str("standard input and output"),
        }
    }
}

/// An address that no other run of echospec uses while this value exists.
#[derive(Debug)]
pub(crate) struct ReservedAddress {
    pub address: Address,
    pub _reservation: Option<Reservation>,
}

impl ReservedAddress {
    /// Returns an address that needs no reservation because no other process uses it, such as one in the run's own
    /// directory.
    pub fn unguarded(address: Address) -> ReservedAddress {
        ReservedAddress { address, _reservation: None }
    }

    /// Returns a reservation of the address that a server always uses. A packet recorder learns that the address's port
    /// is ours.
    pub fn fixed(address: Address, capabilities: Capabilities) -> ReservedAddress {
        let protocol = if capabilities.contains(Capabilities::UDP) { Protocol::Udp } else { Protocol::Tcp };
        let claim = address.inet().map(|inet| Claim::new(protocol, inet.port()));
        ReservedAddress {
            address,
            _reservation: Some(Reservation { _claim: claim, ..Reservation::default() }),
        }
    }
}

/// Keeps a server's address reserved until the value is dropped. The fields are dropped in order.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    /// The claim that tells a packet recorder that the port is ours. It is dropped first, while the port still is ours.
    pub _claim: Option<Claim>,
    /// The locks that keep other runs of echospec from using the address.
    pub _locks: Vec<OwnedFd>,
    /// The record of the objects that the server may leave behind. The objects are removed when the record is dropped.
    pub _leftover: Option<LeftoverObject>,
}
