//! Finds what this machine lacks for checks and comparisons.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, access};
use serde::Serialize;
use socket2::{Domain, Socket, Type};

use crate::bench::comparison::Machine;
use crate::bench::machine;
use crate::bench::machine::suitability::{self, Judgement};
use crate::requirement::{self, Requirement};
use crate::server::prerequisites;
use crate::sys::disable_idle_states;
use crate::sys::{self, PacketCapture, TcpState};
use crate::transport::{is_loopback_address, missing_loopback_address};
use crate::wire::explain_capture_error;

/// A probe of this machine: a requirement, and a function that inspects whether the machine meets it.
pub struct Probe {
    /// The requirement that a probe examines.
    pub requirement: &'static Requirement,
    /// Inspects the machine. Returns a description of it, as an error if the machine does not meet the requirement.
    inspect: fn() -> Judgement,
}

/// The result of one probe of the machine.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// The name of the requirement that a probe has examined.
    pub name: &'static str,
    /// Whether the machine meets the requirement that a probe has examined.
    pub healthy: bool,
    /// The state of the machine that a probe found, in one line.
    pub found: String,
    /// The checks or results that a missing requirement affects. Empty if the machine meets the requirement.
    #[serde(rename = "without")]
    pub affects: &'static str,
    /// Instructions to make the machine meet the requirement. Empty if it does.
    #[serde(rename = "mend")]
    pub help: &'static str,
}

/// Every probe of the machine, in the order of the report.
pub const PROBES: &[Probe] = &[
    Probe { requirement: &requirement::PROCESS_TABLE, inspect: process_table },
    Probe { requirement: &requirement::CONNECTION_TABLE, inspect: connection_table },
    Probe { requirement: &requirement::PROCESSOR_TIME, inspect: processor_time },
    Probe { requirement: &requirement::KERNEL_OBJECTS, inspect: kernel_objects },
    Probe { requirement: &requirement::LOOPBACK, inspect: loopback },
    Probe { requirement: &requirement::TEMPORARY_DIRECTORY, inspect: temporary_directory },
    Probe { requirement: &requirement::SEVERAL_LOOPBACK_ADDRESSES, inspect: more_loopback },
    Probe { requirement: &requirement::IPV6_LOOPBACK, inspect: ipv6 },
    Probe { requirement: &requirement::MANY_DESCRIPTORS, inspect: descriptor_limit },
    Probe { requirement: &requirement::MANY_PROCESSES, inspect: process_limit },
    Probe { requirement: &requirement::CONTAINER_SIZE, inspect: container },
    Probe { requirement: &requirement::SEQPACKET, inspect: seqpacket },
    Probe { requirement: &requirement::ABSTRACT_NAMES, inspect: abstract_names },
    Probe { requirement: &requirement::SIGNALS_NOT_IGNORED, inspect: signals },
    Probe { requirement: &requirement::PRIVILEGED_PORTS, inspect: privileged_ports },
    Probe { requirement: &requirement::PACKET_CAPTURE, inspect: packets },
    Probe { requirement: &requirement::SHELL, inspect: shell },
    Probe {
        requirement: &requirement::OPTIMISED_BUILD,
        inspect: || suitability::judge_build_profile(machine()?),
    },
    Probe {
        requirement: &requirement::SECOND_PROCESSOR,
        inspect: || suitability::judge_second_processor(machine()?),
    },
    Probe {
        requirement: &requirement::NO_PROCESSOR_QUOTA,
        inspect: || suitability::judge_processor_quota(machine()?),
    },
    Probe {
        requirement: &requirement::FIXED_FREQUENCY,
        inspect: || suitability::judge_frequency_governor(machine()?),
    },
    Probe { requirement: &requirement::FAST_CLOCK, inspect: || suitability::judge_clock_source(machine()?) },
    Probe {
        requirement: &requirement::QUIET_MACHINE,
        inspect: || suitability::judge_load_average(machine()?),
    },
    Probe {
        requirement: &requirement::UNPACED_TCP,
        inspect: || suitability::judge_congestion_control(machine()?),
    },
    Probe { requirement: &requirement::NO_IDLE_STATES, inspect: awake },
    Probe {
        requirement: &requirement::SYSTEM_CALL_COUNTING,
        inspect: || suitability::judge_call_counting(machine()?),
    },
    Probe {
        requirement: &requirement::LARGE_QUEUES,
        inspect: || suitability::judge_message_queues(machine()?),
    },
    Probe { requirement: &requirement::IO_URING, inspect: || suitability::judge_io_uring(machine()?) },
];

impl Probe {
    /// Runs a probe on this machine.
    #[must_use]
    pub fn diagnose(&self) -> Diagnosis {
        let Requirement { name, affects, help } = *self.requirement;
        match (self.inspect)() {
            Ok(found) => Diagnosis { name, healthy: true, found, affects: "", help: "" },
            Err(found) => Diagnosis { name, healthy: false, found, affects, help },
        }
    }
}

/// The description of this machine that several probes share.
static MACHINE: LazyLock<Result<Machine, String>> =
    LazyLock::new(|| machine::describe_machine().map_err(|error| error.to_string()));

fn machine() -> Result<&'static Machine, String> {
    MACHINE.as_ref().map_err(String::clone)
}

fn awake() -> Judgement {
    // Omits the remedy after the semicolon, which the requirement includes.
    let reason = |error: std::io::Error| error.to_string().split(';').next().unwrap_or_default().to_owned();
    disable_idle_states().map(|_| "can be disabled".into()).map_err(reason)
}

fn loopback() -> Judgement {
    prerequisites::exchange_on(Ipv4Addr::LOCALHOST.into(), true)
}

fn temporary_directory() -> Judgement {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    prerequisites::writable(directory.path())
}

fn process_table() -> Judgement {
    prerequisites::own_process_is_listed()?;
    let all = sys::processes().map_err(|error| error.to_string())?;
    sys::descriptors(Pid::this()).map_err(|error| error.to_string())?;
    Ok(format!("shows {} processes, and our own descriptors", all.len()))
}

/// Checks that the system's table of connections contains a listener of this process.
fn connection_table() -> Judgement {
    let listener =
        std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let states = sys::tcp_sockets(port).map_err(|error| error.to_string())?;
    let seen = states.iter().any(|(_, _, state)| *state == TcpState::Listen);
    if seen { Ok("shows our own listener".into()) } else { Err("does not show our own listener".into()) }
}

fn processor_time() -> Judgement {
    sys::process_stats(Pid::this())
        .map(|it| format!("{:.2} s so far", it.cpu.as_secs_f64()))
        .map_err(|error| error.to_string())
}

fn kernel_objects() -> Judgement {
    sys::ipc_objects().map(|all| format!("{} are listed", all.len())).map_err(|_| "not listed here".into())
}

fn more_loopback() -> Judgement {
    let asked = [2, 3].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
    missing_loopback_address(&asked).map_or_else(|| Ok("on the loopback interface".into()), Err)
}

fn ipv6() -> Judgement {
    if is_loopback_address(Ipv6Addr::LOCALHOST.into()) {
        Ok("::1 can be bound".into())
    } else {
        Err("::1 cannot be bound".into())
    }
}

fn descriptor_limit() -> Judgement {
    prerequisites::free_descriptors()?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    let text = format!("up to {hard} for a process");
    if hard >= 4096 { Ok(text) } else { Err(text) }
}

fn process_limit() -> Judgement {
    prerequisites::room_for_processes()?;
    let max = sys::process_limit().map_err(|error| error.to_string())?;
    let text = format!("up to {max}");
    if max >= 1000 { Ok(text) } else { Err(text) }
}

/// Minimum memory of the machine: enough for the largest payloads of several checks at once.
const MIN_MEMORY: u64 = 1 << 30;

fn container() -> Judgement {
    let sys::ContainerLimits { memory, processors, .. } = sys::container_limits();
    let memory_text = memory.map(|bytes| format!("{} MiB of memory", bytes >> 20));
    let processors_text = processors.map(|number| format!("{number:.1} processors"));
    let limits: Vec<_> = [memory_text, processors_text].into_iter().flatten().collect();
    let text =
        if limits.is_empty() { "sets no limit".into() } else { format!("allows {}", limits.join(", ")) };
    let small = memory.is_some_and(|it| it < MIN_MEMORY) || processors.is_some_and(|it| it < 1.0);
    if small { Err(text) } else { Ok(text) }
}

fn seqpacket() -> Judgement {
    Socket::new(Domain::UNIX, Type::SEQPACKET, None)
        .map(|_| "can be created".into())
        .map_err(|error| error.to_string())
}

fn abstract_names() -> Judgement {
    let claim = sys::claim_abstract_name(&format!("echospec-doctor-{}", Pid::this()))
        .map_err(|error| error.to_string())?;
    claim.map(|_| "can be bound".into()).ok_or_else(|| "this system lacks them".into())
}

fn signals() -> Judgement {
    let sets = sys::signal_sets(Pid::this()).map_err(|_| "unknown on this system".to_owned())?;
    let ignored = |signal: &Signal| sets.ignored & 1 << (*signal as i32 - 1) != 0;
    let wanted = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    let names: Vec<_> = wanted.into_iter().filter(ignored).map(Signal::as_str).collect();
    if names.is_empty() {
        Ok("are not ignored".into())
    } else {
        Err(format!("{} ignored since the start of echospec", names.join(", ")))
    }
}

fn privileged_ports() -> Judgement {
    let bound = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 7));
    match bound {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err("cannot be bound".into()),
        _ => Ok("can be bound".into()),
    }
}

fn packets() -> Judgement {
    PacketCapture::check_permission()
        .map(|()| "can be captured".into())
        .map_err(|error| explain_capture_error(&error))
}

fn shell() -> Judgement {
    let executable = access("/bin/sh", nix::unistd::AccessFlags::X_OK);
    executable.map(|()| "/bin/sh".into()).map_err(|error| format!("/bin/sh: {error}"))
}
