//! Finds out that a server is ready, without sleeping and without connecting to it.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Instance, LaunchError, LaunchOptions, Spec, describe_process};
use crate::deadline::{Countdown, Deadlines, is_interrupted};
use crate::sys::{self, Descriptor, Object, SocketAddress};
use crate::text::one_line;
use crate::trace::{self, Action};
use crate::transport::{Address, Readiness, Transport, fifo_paths};

/// The exit status by which a server says that this system lacks its mechanism, as in automake's tests.
const UNSUPPORTED: i32 = 77;

/// Waits until `instance` listens at `address`, as the kernel's socket table shows. Without such a table, waits for a
/// line of the server's output that contains the address.
///
/// The kernel has no event for `listen(2)`, so this reads the table again whenever the server prints something,
/// and otherwise at intervals of 1 to 20 ms.
pub(super) fn await_ready(
    instance: &mut Instance,
    spec: &Spec,
    address: &Address,
    options: &LaunchOptions,
) -> Result<(), LaunchError> {
    let deadlines = options.deadlines;
    let mut countdown = Countdown::new(deadlines.start());
    let (began, mut stopwatch) = (Instant::now(), instance.stopwatch(deadlines).of_server_alone());
    let mut last_lap = began;
    let mut interval = Duration::from_millis(1);
    loop {
        // In this order: the background process of a daemon may listen already.
        if let Some(status) = instance.ended() {
            return Err(ended(instance, status, deadlines));
        }
        if is_ready(instance, spec.transport(), address) && says_ready(instance, spec, options) {
            trace::note_event(instance.pid(), || Action::Ready(address.to_string()));
            return Ok(());
        }
        if is_interrupted() {
            return Err(LaunchError::Interrupted);
        }
        let is_late = countdown.left().is_zero();
        if is_late || last_lap.elapsed() >= LAP {
            last_lap = Instant::now();
            let waits_long = began.elapsed() >= deadlines.start() * LONG_START;
            let had_its_time = stopwatch.elapsed() >= deadlines.start()
                || waits_long && processor_time(instance) >= deadlines.start() / ENOUGH_WORK;
            let is_starved = began.elapsed() >= deadlines.start() * LONGEST_START;
            if is_late && (had_its_time || is_starved) {
                return Err(not_ready(instance, spec, address, options, began.elapsed(), had_its_time));
            }
        }
        instance.output().wait(interval);
        interval = (interval * 2).min(Duration::from_millis(20));
    }
}

/// The interval at which the harness looks how long the processes of a server that starts have waited for a processor.
/// The kernel forgets that when a process exits, and a server may be started by several short-lived ones.
const LAP: Duration = Duration::from_millis(100);

/// The longest time that a server may take to become ready on a busy machine, as a multiple of the deadline.
const LONGEST_START: u32 = 8;

/// The time from which a server counts as not ready if it has used enough processor time, as a multiple of the deadline: a
/// server in a busy loop uses all that it gets.
const LONG_START: u32 = 4;

/// The deadline, divided by this number, is enough processor time for a server to become ready.
const ENOUGH_WORK: u32 = 2;

/// Returns the processor time that the processes of `instance` have used; zero where the system does not tell.
fn processor_time(instance: &Instance) -> Duration {
    let processes = instance.processes().unwrap_or_default();
    processes.iter().filter_map(|process| Some(sys::scheduler_stats(process.pid).ok()?.ran)).sum()
}

/// Returns whether the server's output passes the readiness test of its set-up. Returns true if the output cannot be
/// read.
fn says_ready(instance: &Instance, spec: &Spec, options: &LaunchOptions) -> bool {
    let test = spec.setup().ready_when.as_ref().filter(|_| options.captures_output());
    test.is_none_or(|test| test.passes(&instance.output().text()))
}

/// Whether `instance` listens at `address` now.
pub(super) fn is_ready(instance: &Instance, transport: &Transport, address: &Address) -> bool {
    let shown = match (transport.readiness, address) {
        (Readiness::TcpListener, Address::Inet(inet)) => listens(instance, SocketAddress::Tcp(*inet)),
        (Readiness::UdpSocket, Address::Inet(inet)) => listens(instance, SocketAddress::Udp(*inet)),
        (Readiness::UnixSocket, Address::Path(path)) => listens(instance, SocketAddress::Unix(path)),
        (Readiness::NamedPipes, Address::Path(path)) => {
            let (input, output) = fifo_paths(path);
            Some(is_fifo(&input) && is_fifo(&output))
        }
        (Readiness::Objects(exist), address) => Some(exist(address)),
        (Readiness::Immediate, _) => Some(true),
        _ => None,
    };
    shown.unwrap_or_else(|| instance.output().has_line_with(&address.to_string()))
}

/// Whether a process of `instance` holds a socket that listens at `address`. Sockets of other processes at the same
/// address do not count. Where the system does not show descriptors, the server's output must contain the address.
pub(super) fn holds_listener(instance: &Instance, transport: &Transport, address: &Address) -> bool {
    let place = match (transport.readiness, address) {
        (Readiness::TcpListener, Address::Inet(inet)) => SocketAddress::Tcp(*inet),
        (Readiness::UdpSocket, Address::Inet(inet)) => SocketAddress::Udp(*inet),
        (Readiness::UnixSocket, Address::Path(path)) => SocketAddress::Unix(path),
        _ => return is_ready(instance, transport, address),
    };
    // The socket may have been bound by another name of the path.
    let id = sys::socket_id_at(place).ok().flatten();
    let is_there = |descriptor: &Descriptor| match &descriptor.object {
        Object::Socket(socket) => socket.serves(place) || Some(socket.id) == id,
        _ => false,
    };
    let mut shown = true;
    for process in instance.processes().unwrap_or_default() {
        match sys::descriptors(process.pid) {
            Ok(descriptors) if descriptors.iter().any(is_there) => return true,
            Ok(_) => {}
            Err(_) => shown = false,
        }
    }
    !shown && instance.output().has_line_with(&address.to_string())
}

/// Whether any process has a socket bound to the port of `address`; false where the system does not tell.
pub(super) fn is_port_in_use(transport: &Transport, address: &Address) -> bool {
    let taken = match (transport.readiness, address) {
        (Readiness::TcpListener, Address::Inet(inet)) => {
            sys::is_listening(SocketAddress::Tcp(*inet), &Vec::new)
        }
        (Readiness::UdpSocket, Address::Inet(inet)) => {
            sys::is_listening(SocketAddress::Udp(*inet), &Vec::new)
        }
        _ => return false,
    };
    taken.unwrap_or(false)
}

fn listens(instance: &Instance, place: SocketAddress<'_>) -> Option<bool> {
    let holders = || instance.processes().unwrap_or_default().iter().map(|process| process.pid).collect();
    sys::is_listening(place, &holders).ok()
}

fn is_fifo(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_fifo())
}

fn ended(instance: &Instance, status: std::process::ExitStatus, deadlines: Deadlines) -> LaunchError {
    let others = || instance.processes().unwrap_or_default();
    let mut left = others();
    if left.is_empty() || !status.success() {
        // Its last output may still be in the pipe, and a process that holds the pipe may be about to fork.
        instance.output().wait_closed(deadlines.reply());
        left = others();
    }
    if status.success() && !left.is_empty() {
        let names = left.iter().map(|other| format!("{} ({})", other.pid, one_line(&other.name)));
        return LaunchError::Daemonised { status, others: names.collect::<Vec<_>>().join(", ") };
    }
    let output = last_output(instance);
    if status.code() == Some(UNSUPPORTED) {
        return LaunchError::Unsupported { output };
    }
    LaunchError::Ended { status, output }
}

/// Returns the reason why a server is not ready after `waited`. `had_its_time` tells whether it had a processor long
/// enough.
fn not_ready(
    instance: &Instance,
    spec: &Spec,
    address: &Address,
    options: &LaunchOptions,
    waited: Duration,
    had_its_time: bool,
) -> LaunchError {
    let missing = match address {
        _ if is_ready(instance, spec.transport(), address) => {
            "it listens, but its output does not match the pattern of --ready-when".into()
        }
        Address::Inet(_) => format!("nothing listens on {address}"),
        Address::Path(_) => format!("there is no listener at {address}"),
        Address::Stdio => "no conversation".into(),
    };
    let processes = instance.processes().unwrap_or_default();
    let state = processes.iter().take(2).map(describe_process).collect::<Vec<_>>().join("\n");
    let output = last_output(instance);
    if had_its_time {
        let seconds = options.deadlines.start().as_secs_f64();
        return LaunchError::NotReady { seconds, missing, state, output };
    }
    LaunchError::Starved { seconds: waited.as_secs_f64().round(), missing, state, output }
}

fn last_output(instance: &Instance) -> String {
    instance.output().lines_for_report(12).join("\n")
}
