//! Proofs, before the first launch, that this machine offers what a run needs to say something about a server.
//!
//! Without this proof, a loopback interface that is down looks like a server that refuses its clients, and an empty table
//! of processes like a server that has ended.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::unistd::Pid;

use super::LaunchError;
use crate::requirement::{
    IPV6_LOOPBACK, LOOPBACK, MANY_DESCRIPTORS, MANY_PROCESSES, PROCESS_TABLE, Requirement,
    TEMPORARY_DIRECTORY,
};
use crate::sys::{self, Object};
use crate::transport::{Address, Capabilities, Transport, loopback_address};

/// The result of examining this machine: a description of what was found, as an error if that does not suffice.
type Found = Result<String, String>;

/// Checks that this process and a server can open descriptors, once for each run.
///
/// # Errors
/// [`LaunchError::MissingRequirement`] with what is missing and how to provide it.
pub(super) fn prove_descriptors() -> Result<(), LaunchError> {
    once("descriptors", || met(&MANY_DESCRIPTORS, free_descriptors()))
}

/// Checks that this machine has what the harness and a server of `transport` need. Each check is made once. Files are
/// written to `directory`, which belongs to this run.
///
/// # Errors
/// As [`prove_descriptors`].
pub(super) fn prove(
    transport: &Transport,
    fixed: Option<&Address>,
    directory: &Path,
) -> Result<(), LaunchError> {
    once("every transport", || {
        met(&TEMPORARY_DIRECTORY, writable(directory))?;
        met(&MANY_PROCESSES, room_for_processes())?;
        met(&PROCESS_TABLE, own_process_is_listed())
    })?;
    let Some(ip) = loopback(transport, fixed) else { return Ok(()) };
    let requirement = if ip.is_ipv6() { &IPV6_LOOPBACK } else { &LOOPBACK };
    once(transport.name, || {
        met(requirement, exchange_on(ip, transport.capabilities.contains(Capabilities::TCP)))
    })
}

/// Converts an error of making the run's directory to the requirement that this machine does not meet.
pub(super) fn no_directory(error: io::Error) -> LaunchError {
    if error.kind() == io::ErrorKind::Other {
        return LaunchError::Harness(error);
    }
    missing(&TEMPORARY_DIRECTORY, error.to_string())
}

/// Returns the loopback address on which a server of `transport` listens.
fn loopback(transport: &Transport, fixed: Option<&Address>) -> Option<IpAddr> {
    match fixed {
        Some(address) => address.inet().map(|inet| inet.ip()).filter(IpAddr::is_loopback),
        None => loopback_address(transport),
    }
}

/// Calls the check `proof` unless a check with the same name has succeeded before.
fn once(name: &'static str, proof: impl FnOnce() -> Result<(), LaunchError>) -> Result<(), LaunchError> {
    static PROVED: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut proved = PROVED.lock().unwrap_or_else(PoisonError::into_inner);
    let proved = proved.get_or_insert_default();
    if !proved.contains(name) {
        proof()?;
        proved.insert(name);
    }
    Ok(())
}

fn met(requirement: &'static Requirement, found: Found) -> Result<(), LaunchError> {
    found.map(drop).map_err(|found| missing(requirement, found))
}

fn missing(&Requirement { name, help, .. }: &'static Requirement, found: String) -> LaunchError {
    LaunchError::MissingRequirement { name, found, help }
}

/// The number of descriptors that the harness needs for a few servers and their clients.
const DESCRIPTORS_NEEDED: usize = 100;

/// Checks that this process and a server can each open the descriptors of some clients.
pub(crate) fn free_descriptors() -> Found {
    // Counting fails if not even one descriptor is free. Some systems do not count; then the limit alone decides.
    let open = match sys::descriptor_count(Pid::this()) {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => sys::descriptor_limit(),
        counted => counted.unwrap_or_default(),
    };
    let free = sys::descriptor_limit().saturating_sub(open).min(sys::inherited_descriptor_limit());
    let text = format!("{free} free, of {DESCRIPTORS_NEEDED} needed");
    if free < DESCRIPTORS_NEEDED { Err(text) } else { Ok(text) }
}

/// The number of bytes of free space that the directory for temporary files must have.
const ROOM: usize = 256 * 1024;

/// Checks that files can be written in `directory`.
pub(crate) fn writable(directory: &Path) -> Found {
    let write = || -> io::Result<()> {
        let path = directory.join("room");
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&vec![0; ROOM])?;
            file.sync_data()
        });
        let _ = std::fs::remove_file(path);
        written
    };
    let place = directory.parent().unwrap_or(directory).display();
    write().map(|()| format!("{place} can be written to")).map_err(|error| format!("{place}: {error}"))
}

/// The number of threads that a user must be able to add. Linux counts threads and processes together: `RLIMIT_NPROC`
/// of getrlimit(2), and the pids controller of cgroups(7).
const TASKS: usize = 64;

/// Checks that this user can make more threads and processes.
pub(crate) fn room_for_processes() -> Found {
    let gate = Mutex::new(());
    let made = thread::scope(|scope| {
        let closed = gate.lock();
        let waits_at_gate = || drop(gate.lock());
        let is_made = |_: &usize| thread::Builder::new().spawn_scoped(scope, waits_at_gate).is_ok();
        let made = (0..TASKS).take_while(is_made).count();
        drop(closed);
        made
    });
    let text = format!("{made} of {TASKS} more could be made");
    if made < TASKS { Err(text) } else { Ok(text) }
}

/// Checks that this system lists processes, and that its list is that of our own PID namespace.
pub(crate) fn own_process_is_listed() -> Found {
    match shows_own_pipe() {
        Ok(true) => Ok("lists our own process".into()),
        // The list of another PID namespace has another process with our number (pid_namespaces(7)).
        Ok(false) => Err("does not list our own process".into()),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok("not listed here".into()),
        Err(error) => Err(format!("cannot list processes: {error}")),
    }
}

/// Whether the system lists this process, and both ends of a pipe among its descriptors.
fn shows_own_pipe() -> io::Result<bool> {
    let listed = sys::processes()?.iter().any(|process| process.pid == Pid::this());
    let (reader, writer) = os_pipe::pipe()?;
    let table = sys::descriptors(Pid::this())?;
    let object = |end: RawFd| table.iter().find(|it| it.number == end).map(|it| &it.object);
    let ends = (object(reader.as_raw_fd()), object(writer.as_raw_fd()));
    Ok(listed && ends.0 == ends.1 && matches!(ends.0, Some(Object::Pipe { .. })))
}

/// The maximum time that a test packet may take on the loopback interface.
const LOOPBACK_TIME: Duration = Duration::from_secs(5);

/// Connects two sockets of this process on the loopback address `ip`, or sends a datagram between them.
pub(crate) fn exchange_on(ip: IpAddr, tcp: bool) -> Found {
    let exchange = || if tcp { connect_on(ip) } else { send_on(ip) };
    // A process that is launched meanwhile could inherit the sockets.
    let done = sys::between_launches(exchange);
    done.map(|()| format!("{ip} can be reached")).map_err(|error| format!("{ip} cannot be reached: {error}"))
}

fn connect_on(ip: IpAddr) -> io::Result<()> {
    let listener = TcpListener::bind((ip, 0))?;
    TcpStream::connect_timeout(&listener.local_addr()?, LOOPBACK_TIME).map(drop)
}

fn send_on(ip: IpAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((ip, 0))?;
    socket.set_read_timeout(Some(LOOPBACK_TIME))?;
    socket.send_to(b"?", socket.local_addr()?)?;
    socket.recv(&mut [0]).map(drop)
}
