//! What the harness can do on this machine, and what would give it the rest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, access};
use serde::Serialize;
use socket2::{Domain, Socket, Type};

use crate::bench::comparison::Machine;
use crate::bench::machine;
use crate::bench::machine::suitability::{self, Inspection};
use crate::requirement::{self, MissingRequirement};
use crate::sys::disable_idle_states;
use crate::sys::{self, PacketCapture, TcpState};
use crate::transport::{is_loopback_address, missing_loopback_address};
use crate::wire::explain_capture_error;

/// One thing that some checks, or comparisons, need.
pub struct Probe {
    /// What is looked for.
    pub lack: &'static MissingRequirement,
    /// Looks; the error says what was found instead.
    look: fn() -> Result<String, String>,
}

/// What a probe found.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// What was looked for.
    pub name: &'static str,
    /// Whether it is there.
    pub healthy: bool,
    /// What was found.
    pub found: String,
    /// What cannot be told or done without it; empty where all is well.
    pub without: &'static str,
    /// What would mend it; empty where all is well.
    pub mend: &'static str,
}

/// Every probe, in the order in which they are told.
pub const PROBES: &[Probe] = &[
    Probe { lack: &requirement::PROCESS_TABLE, look: process_table },
    Probe { lack: &requirement::CONNECTION_TABLE, look: connection_table },
    Probe { lack: &requirement::PROCESSOR_TIME, look: processor_time },
    Probe { lack: &requirement::KERNEL_OBJECTS, look: kernel_objects },
    Probe { lack: &requirement::MORE_LOOPBACK, look: more_loopback },
    Probe { lack: &requirement::IPV6_LOOPBACK, look: ipv6 },
    Probe { lack: &requirement::DESCRIPTORS, look: descriptor_limit },
    Probe { lack: &requirement::PROCESSES, look: process_limit },
    Probe { lack: &requirement::CONTAINER, look: container },
    Probe { lack: &requirement::SEQPACKET, look: seqpacket },
    Probe { lack: &requirement::ABSTRACT_NAMES, look: abstract_names },
    Probe { lack: &requirement::SIGNALS, look: signals },
    Probe { lack: &requirement::PRIVILEGED_PORTS, look: privileged_ports },
    Probe { lack: &requirement::PACKETS, look: packets },
    Probe { lack: &requirement::SHELL, look: shell },
    Probe { lack: &requirement::OPTIMISED, look: || suitability::optimised(machine()?) },
    Probe { lack: &requirement::SECOND_PROCESSOR, look: || suitability::second_processor(machine()?) },
    Probe { lack: &requirement::QUOTA, look: || suitability::quota(machine()?) },
    Probe { lack: &requirement::GOVERNOR, look: || suitability::governor(machine()?) },
    Probe { lack: &requirement::CLOCK, look: || suitability::clock(machine()?) },
    Probe { lack: &requirement::QUIET, look: || suitability::quiet(machine()?) },
    Probe { lack: &requirement::CONGESTION, look: || suitability::congestion(machine()?) },
    Probe { lack: &requirement::AWAKE, look: awake },
    Probe { lack: &requirement::SYSTEM_CALLS, look: || suitability::calls(machine()?) },
    Probe { lack: &requirement::LARGE_QUEUES, look: || suitability::message_queues(machine()?) },
    Probe { lack: &requirement::IO_URING, look: || suitability::io_uring(machine()?) },
];

impl Probe {
    /// Looks now.
    #[must_use]
    pub fn diagnose(&self) -> Diagnosis {
        let MissingRequirement { name, without, mend } = *self.lack;
        match (self.look)() {
            Ok(found) => Diagnosis { name, healthy: true, found, without: "", mend: "" },
            Err(found) => Diagnosis { name, healthy: false, found, without, mend },
        }
    }
}

/// What comparisons run on: looked at once, for all probes.
static MACHINE: LazyLock<Result<Machine, String>> =
    LazyLock::new(|| machine::describe().map_err(|error| error.to_string()));

fn machine() -> Result<&'static Machine, String> {
    MACHINE.as_ref().map_err(String::clone)
}

fn awake() -> Inspection {
    // What would mend it comes behind the reason, and is told by the probe.
    let reason = |error: std::io::Error| error.to_string().split(';').next().unwrap_or_default().to_owned();
    disable_idle_states().map(|_| "can be held off".into()).map_err(reason)
}

fn process_table() -> Inspection {
    let all = sys::processes().map_err(|error| error.to_string())?;
    sys::descriptors(Pid::this()).map_err(|error| error.to_string())?;
    Ok(format!("{} processes to be seen, and the descriptors of our own", all.len()))
}

/// A listener of our own must be in it.
fn connection_table() -> Inspection {
    let listener =
        std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let states = sys::tcp_sockets(port).map_err(|error| error.to_string())?;
    let seen = states.iter().any(|(_, _, state)| *state == TcpState::Listen);
    if seen {
        Ok("shows a listener of our own".into())
    } else {
        Err("does not show a listener of our own".into())
    }
}

fn processor_time() -> Inspection {
    sys::process_stats(Pid::this())
        .map(|it| format!("{:.2} s so far", it.cpu.as_secs_f64()))
        .map_err(|error| error.to_string())
}

fn kernel_objects() -> Inspection {
    sys::ipc_objects().map(|all| format!("{} to be seen", all.len())).map_err(|_| "not listed here".into())
}

fn more_loopback() -> Inspection {
    let asked = [2, 3].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
    missing_loopback_address(&asked).map_or_else(|| Ok("on the loopback interface".into()), Err)
}

fn ipv6() -> Inspection {
    if is_loopback_address(Ipv6Addr::LOCALHOST.into()) {
        Ok("::1 can be bound".into())
    } else {
        Err("::1 cannot be bound".into())
    }
}

fn descriptor_limit() -> Inspection {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    let text = format!("up to {hard} for a process");
    if hard >= 4096 { Ok(text) } else { Err(text) }
}

fn process_limit() -> Inspection {
    let most = sys::process_limit().map_err(|error| error.to_string())?;
    let text = format!("up to {most}");
    if most >= 1000 { Ok(text) } else { Err(text) }
}

/// Less than this, and the largest payloads of a few checks at once may not fit.
const ENOUGH_MEMORY: u64 = 1 << 30;

fn container() -> Inspection {
    let sys::ContainerLimits { memory, processors, .. } = sys::container_limits();
    let memory_text = memory.map(|bytes| format!("{} MiB of memory", bytes >> 20));
    let processors_text = processors.map(|number| format!("{number:.1} processors"));
    let limits: Vec<_> = [memory_text, processors_text].into_iter().flatten().collect();
    let text =
        if limits.is_empty() { "sets no limit".into() } else { format!("allows {}", limits.join(", ")) };
    let small = memory.is_some_and(|it| it < ENOUGH_MEMORY) || processors.is_some_and(|it| it < 1.0);
    if small { Err(text) } else { Ok(text) }
}

fn seqpacket() -> Inspection {
    Socket::new(Domain::UNIX, Type::SEQPACKET, None)
        .map(|_| "can be made".into())
        .map_err(|error| error.to_string())
}

fn abstract_names() -> Inspection {
    let claim =
        sys::claim_name(&format!("echospec-doctor-{}", Pid::this())).map_err(|error| error.to_string())?;
    claim.map(|_| "can be bound".into()).ok_or_else(|| "this system has none".into())
}

fn signals() -> Inspection {
    let sets = sys::signal_sets(Pid::this()).map_err(|_| "this system does not tell".to_owned())?;
    let ignored = |signal: &Signal| sets.ignored & 1 << (*signal as i32 - 1) != 0;
    let wanted = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    let names: Vec<_> = wanted.into_iter().filter(ignored).map(Signal::as_str).collect();
    if names.is_empty() {
        Ok("reach us".into())
    } else {
        Err(format!("{} ignored since our start", names.join(", ")))
    }
}

fn privileged_ports() -> Inspection {
    let bound = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 7));
    match bound {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err("not to be bound".into()),
        _ => Ok("can be bound".into()),
    }
}

fn packets() -> Inspection {
    PacketCapture::check_permission()
        .map(|()| "seen as they pass".into())
        .map_err(|error| explain_capture_error(&error))
}

fn shell() -> Inspection {
    let executable = access("/bin/sh", nix::unistd::AccessFlags::X_OK);
    executable.map(|()| "/bin/sh".into()).map_err(|error| format!("/bin/sh: {error}"))
}
