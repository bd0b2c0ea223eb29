//! A command that runs once, so that the place where its server listens can be found.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::placeholders::{PlaceholderValues, contains_placeholder};
use super::program::{check_executable, locate_program};
use super::{Instance, LaunchError, Scratch};
use crate::deadline::{Deadlines, is_interrupted, until};
use crate::sys::{self, Object, Socket, SocketName};
use crate::transport::{Address, Transport};

/// The place where a server listens.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The transports that a socket of this kind can have, the most likely one first.
    pub transports: Vec<&'static Transport>,
    pub address: Address,
}

impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        self.transports[0].name == other.transports[0].name && self.address == other.address
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transports[0].name, self.address)
    }
}

/// Starts `command` once, with placeholders for an address filled, and returns the places where its processes listen.
/// The list is empty if the command has no listening socket and all its threads are blocked for as long as `blocked`,
/// as those of a server on standard input are.
///
/// # Errors
/// [`LaunchError`] if the command cannot be executed, if it exits, or if the system does not list its sockets.
pub(crate) fn find_places(
    command: &[OsString],
    deadlines: Deadlines,
    blocked: Duration,
) -> Result<Vec<Place>, LaunchError> {
    let scratch = Scratch::new().map_err(LaunchError::Harness)?;
    let by_path = command.iter().any(|word| contains_placeholder(word, "{path}"));
    let transport = if by_path { Transport::UNIX } else { Transport::TCP };
    let reserved = (transport.reserve)(scratch.path()).map_err(LaunchError::Harness)?;
    let directory = scratch.directory_for(&reserved.address).map_err(LaunchError::Harness)?;
    let mut instance = start(command, &reserved.address, &directory)?;
    let places = await_places(&mut instance, deadlines, blocked);
    instance.terminate();
    places
}

fn start(command: &[OsString], address: &Address, directory: &Path) -> Result<Instance, LaunchError> {
    let values = PlaceholderValues::new(address, directory);
    let mut words = command.iter().map(|word| values.fill(word));
    let program = locate_program(words.next().ok_or(LaunchError::NoCommand)?);
    check_executable(&program).map_err(|error| LaunchError::Spawn {
        program: program.to_string_lossy().into_owned(),
        error: error.into(),
    })?;
    Instance::start([program].into_iter().chain(words), Default::default())
}

/// Waits until `instance` listens, or until all its threads have been blocked for as long as `blocked`.
fn await_places(
    instance: &mut Instance,
    deadlines: Deadlines,
    blocked: Duration,
) -> Result<Vec<Place>, LaunchError> {
    let (mut blocked_since, mut failed) = (None, None);
    let found = until(deadlines.start(), || {
        let found = places(instance).unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        });
        let is_blocked = sys::all_threads_blocked(instance.pid()) == Some(true);
        blocked_since = blocked_since.filter(|_| is_blocked).or(is_blocked.then(Instant::now));
        let has_settled = blocked_since.is_some_and(|since| since.elapsed() >= blocked);
        let is_over = failed.is_some() || !found.is_empty() || has_settled || instance.ended().is_some();
        Ok(is_over.then_some(found))
    });
    match (found.ok().flatten(), failed) {
        _ if is_interrupted() => Err(LaunchError::Interrupted),
        (_, Some(error)) => Err(LaunchError::Harness(error)),
        (Some(places), None) if !places.is_empty() => Ok(places),
        (found, None) => nothing_found(instance, found.is_some(), deadlines),
    }
}

/// Judges a command that does not listen: `has_settled` tells whether it waits for something, such as its input.
fn nothing_found(
    instance: &mut Instance,
    has_settled: bool,
    deadlines: Deadlines,
) -> Result<Vec<Place>, LaunchError> {
    let output = |instance: &Instance| instance.output().lines_for_report(12).join("\n");
    if let Some(status) = instance.ended() {
        instance.output().wait_closed(deadlines.reply());
        return Err(LaunchError::Ended { status, output: output(instance) });
    }
    if has_settled {
        return Ok(Vec::new());
    }
    Err(LaunchError::NotReady {
        seconds: deadlines.start().as_secs_f64(),
        missing: "it has no listening socket, and does not wait for input".into(),
        state: String::new(),
        output: output(instance),
    })
}

/// Lists the places where the processes of `instance` listen: streams first, then datagrams.
fn places(instance: &Instance) -> io::Result<Vec<Place>> {
    let mut found: Vec<Place> = Vec::new();
    for process in instance.processes()? {
        for descriptor in sys::descriptors(process.pid)? {
            let Object::Socket(socket) = descriptor.object else { continue };
            found.extend(place(&socket).filter(|place| !found.contains(place)));
        }
    }
    let is_datagram =
        |place: &Place| [Transport::UDP.name, Transport::UDP6.name].contains(&place.transports[0].name);
    found.sort_by_key(is_datagram);
    Ok(found)
}

fn place(socket: &Socket) -> Option<Place> {
    if !socket.listening {
        return None;
    }
    let inet = |local: SocketAddr, v4: &'static Transport, v6: &'static Transport| {
        let ip = local.ip().to_canonical();
        // A socket for every address of IPv6 usually takes IPv4 as well: ipv6(7), IPV6_V6ONLY.
        let (ip, transports): (IpAddr, _) = match ip {
            IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST.into(), vec![v4]),
            IpAddr::V4(ip) => (ip.into(), vec![v4]),
            IpAddr::V6(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST.into(), vec![v4]),
            IpAddr::V6(ip) => (ip.into(), vec![v6]),
        };
        Place { transports, address: Address::Inet(SocketAddr::new(ip, local.port())) }
    };
    match &socket.name {
        SocketName::Tcp(local, _) => Some(inet(*local, Transport::TCP, Transport::TCP6)),
        SocketName::Udp(local, _) => Some(inet(*local, Transport::UDP, Transport::UDP6)),
        SocketName::Unix(Some(path)) => {
            let is_abstract = path.as_os_str().as_encoded_bytes().starts_with(b"@");
            let transports = if is_abstract {
                vec![Transport::UNIX_ABSTRACT]
            } else {
                vec![Transport::UNIX, Transport::UNIX_SEQPACKET, Transport::UNIX_DGRAM]
            };
            Some(Place { transports, address: Address::Path(path.clone()) })
        }
        SocketName::Unix(None) | SocketName::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(name: SocketName) -> Option<Place> {
        place(&Socket { id: 1, name, listening: true })
    }

    #[test]
    fn a_socket_for_every_address_is_reached_on_loopback() {
        let none: SocketAddr = "0.0.0.0:0".parse().unwrap();
        for (local, transport, address) in [
            ("0.0.0.0:80", "tcp", "127.0.0.1:80"),
            ("[::]:80", "tcp", "127.0.0.1:80"),
            ("[::1]:80", "tcp6", "[::1]:80"),
            ("127.0.0.3:80", "tcp", "127.0.0.3:80"),
        ] {
            let found = listener(SocketName::Tcp(local.parse().unwrap(), none)).unwrap();
            assert_eq!((found.transports[0].name, &*found.address.to_string()), (transport, address));
        }
    }

    #[test]
    fn a_socket_file_may_be_of_three_kinds() {
        let found = listener(SocketName::Unix(Some("/run/x".into()))).unwrap();
        let names: Vec<_> = found.transports.iter().map(|transport| transport.name).collect();
        assert_eq!(names, ["unix", "unix-seqpacket", "unix-dgram"]);
        assert!(listener(SocketName::Unix(None)).is_none());
    }
}
