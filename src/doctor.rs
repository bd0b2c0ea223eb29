//! What the harness can do on this machine, and what would give it the rest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, access};
use serde::Serialize;
use socket2::{Domain, Socket, Type};

use crate::os::{self, Tap, TcpState};
use crate::transport::loopback_has;
use crate::wire::{MEND, obstacle};

/// One thing that some checks need.
pub struct Probe {
    /// What is looked for.
    pub name: &'static str,
    /// What cannot be told or done without it.
    pub without: &'static str,
    /// What would mend it.
    pub mend: &'static str,
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
    Probe {
        name: "process table",
        without: "which processes a server makes, what they hold, whether they are left: most checks of fd/, life/no-*",
        mend: "mount /proc (Linux); other systems do not tell",
        look: process_table,
    },
    Probe {
        name: "connection table",
        without: "whether a connection is in TIME_WAIT, what a server has not yet read, what it buffers",
        mend: "mount /proc (Linux); elsewhere a bind stands in as the proof of TIME_WAIT",
        look: connection_table,
    },
    Probe {
        name: "processor time",
        without: "whether a server spins, or grows: load/idle, load/no-*",
        mend: "mount /proc (Linux)",
        look: processor_time,
    },
    Probe {
        name: "127.0.0.2 and 127.0.0.3",
        without: "one port from two addresses: port/same-source-port; servers bound to every address",
        mend: "Linux has them; on macOS: sudo ifconfig lo0 alias 127.0.0.2 up, and 127.0.0.3",
        look: more_loopback,
    },
    Probe {
        name: "IPv6 loopback",
        without: "servers asked to listen on [::1]",
        mend: "enable IPv6 on the loopback interface (Linux: sysctl net.ipv6.conf.lo.disable_ipv6=0)",
        look: ipv6,
    },
    Probe {
        name: "descriptors",
        without: "more than a thousand clients at once: load/beyond-fd-setsize",
        mend: "raise the hard limit: ulimit -Hn 4096, LimitNOFILE= or docker run --ulimit nofile=4096",
        look: descriptor_limit,
    },
    Probe {
        name: "processes",
        without: "200 clients of a server with a process for each",
        mend: "raise ulimit -u, or the container's pids limit, to 1000",
        look: process_limit,
    },
    Probe {
        name: "seqpacket sockets",
        without: "the transport unix-seqpacket",
        mend: "Linux and FreeBSD have them, macOS does not",
        look: seqpacket,
    },
    Probe {
        name: "signals",
        without: "nothing: servers are started with all signals at their defaults, whatever we were started with",
        mend: "start without nohup to let Ctrl-C and hang-ups through",
        look: signals,
    },
    Probe {
        name: "privileged ports",
        without: "datagrams that pretend to come from another echo server: port/echo-loop",
        mend: "run as root or with CAP_NET_BIND_SERVICE, or leave it: it is for information only",
        look: privileged_ports,
    },
    Probe {
        name: "packets",
        without: "what passes on the wire: wire/*, echospec capture",
        mend: MEND,
        look: packets,
    },
    Probe {
        name: "a shell",
        without: "passing listeners (LISTEN_PID), and ending the servers of a run that is killed",
        mend: "provide /bin/sh",
        look: shell,
    },
];

impl Probe {
    /// Looks now.
    #[must_use]
    pub fn diagnose(&self) -> Diagnosis {
        match (self.look)() {
            Ok(found) => Diagnosis { name: self.name, healthy: true, found, without: "", mend: "" },
            Err(found) => {
                let Probe { name, without, mend, .. } = *self;
                Diagnosis { name, healthy: false, found, without, mend }
            }
        }
    }
}

type Found = Result<String, String>;

fn process_table() -> Found {
    let all = os::processes().map_err(|error| error.to_string())?;
    os::descriptors(Pid::this()).map_err(|error| error.to_string())?;
    Ok(format!("{} processes to be seen, and the descriptors of our own", all.len()))
}

/// A listener of our own must be in it.
fn connection_table() -> Found {
    let listener =
        std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let states = os::tcp_states(port).map_err(|error| error.to_string())?;
    let seen = states.iter().any(|(_, _, state)| *state == TcpState::Listen);
    if seen {
        Ok("shows a listener of our own".into())
    } else {
        Err("does not show a listener of our own".into())
    }
}

fn processor_time() -> Found {
    os::vitals(Pid::this())
        .map(|it| format!("{:.2} s so far", it.cpu.as_secs_f64()))
        .map_err(|error| error.to_string())
}

fn more_loopback() -> Found {
    let absent = [2, 3]
        .map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
        .into_iter()
        .find(|&it| !loopback_has(it));
    absent.map_or_else(|| Ok("on the loopback interface".into()), |it| Err(format!("{it} cannot be bound")))
}

fn ipv6() -> Found {
    if loopback_has(Ipv6Addr::LOCALHOST.into()) {
        Ok("::1 can be bound".into())
    } else {
        Err("::1 cannot be bound".into())
    }
}

fn descriptor_limit() -> Found {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    let text = format!("up to {hard} for a process");
    if hard >= 4096 { Ok(text) } else { Err(text) }
}

fn process_limit() -> Found {
    let most = os::most_processes().map_err(|error| error.to_string())?;
    let text = format!("up to {most}");
    if most >= 1000 { Ok(text) } else { Err(text) }
}

fn seqpacket() -> Found {
    Socket::new(Domain::UNIX, Type::SEQPACKET, None)
        .map(|_| "can be made".into())
        .map_err(|error| error.to_string())
}

fn signals() -> Found {
    let sets = os::signals(Pid::this()).map_err(|_| "this system does not tell".to_owned())?;
    let ignored = |signal: &Signal| sets.ignored & 1 << (*signal as i32 - 1) != 0;
    let wanted = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    let names: Vec<_> = wanted.into_iter().filter(ignored).map(Signal::as_str).collect();
    if names.is_empty() {
        Ok("reach us".into())
    } else {
        Err(format!("{} ignored since our start", names.join(", ")))
    }
}

fn privileged_ports() -> Found {
    let bound = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 7));
    match bound {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err("not to be bound".into()),
        _ => Ok("can be bound".into()),
    }
}

fn packets() -> Found {
    Tap::can_open().map(|()| "seen as they pass".into()).map_err(|error| obstacle(&error))
}

fn shell() -> Found {
    let executable = access("/bin/sh", nix::unistd::AccessFlags::X_OK);
    executable.map(|()| "/bin/sh".into()).map_err(|error| format!("/bin/sh: {error}"))
}
