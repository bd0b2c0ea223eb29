//! Expectations and conditions of checks that differ from system to system. `echospec explain` shows them.

/// Differences between systems in one matter, and the checks that take them into account.
#[derive(Debug)]
pub struct Difference {
    /// The ids of the checks that a difference concerns.
    pub checks: &'static [&'static str],
    /// The matter in which systems differ.
    pub matter: &'static str,
    /// The behaviour of each system, and that which POSIX demands.
    pub systems: &'static [(&'static str, &'static str)],
}

/// All differences between systems, in no particular order.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        checks: &["echo/large-messages", "echo/message-sizes"],
        matter: "the longest message that is sent",
        systems: &[
            ("Linux", "65,507 bytes over UDP, and more on a Unix domain socket"),
            ("macOS", "9,216 bytes over UDP and 2,048 on a Unix domain socket, until SO_SNDBUF is raised"),
            ("POSIX", "unspecified; a longer one fails with EMSGSIZE"),
        ],
    },
    Difference {
        checks: &["load/full-queue-blocks-none"],
        matter: "a full queue of a Unix datagram socket",
        systems: &[
            ("Linux", "send waits, or fails with EAGAIN; the check fills the queue"),
            ("macOS", "send fails with ENOBUFS, blocking or not; the check is unsupported"),
            ("POSIX", "send waits, or fails with EAGAIN"),
        ],
    },
    Difference {
        checks: &["load/backlog", "load/clients-arrive-together"],
        matter: "a full queue of connections on a Unix domain socket",
        systems: &[
            ("Linux", "connect waits, or fails with EAGAIN"),
            ("macOS", "connect fails with ECONNREFUSED at once; listen(2) allows 128"),
            ("POSIX", "unspecified"),
        ],
    },
    Difference {
        checks: &["port/same-source-port", "port/address-asked", "port/answers-from-address-asked"],
        matter: "addresses of the loopback interface",
        systems: &[
            ("Linux", "all of 127.0.0.0/8"),
            ("macOS", "127.0.0.1 alone, so 127.0.0.2 is unsupported unless ifconfig(8) adds it"),
            ("POSIX", "unspecified"),
        ],
    },
    Difference {
        checks: &["port/restart-in-time-wait"],
        matter: "the proof that a connection is in TIME_WAIT",
        systems: &[
            ("Linux", "a bind without SO_REUSEADDR fails, and the kernel's table shows the connection"),
            ("macOS", "the bind alone: users see no such table"),
            ("POSIX", "unspecified"),
        ],
    },
    Difference {
        checks: &["fd/nonblocking-listener", "fd/serves-passed-listener", "fd/serves-every-listener"],
        matter: "O_NONBLOCK of an accepted socket",
        systems: &[
            ("Linux", "not inherited"),
            ("macOS", "inherited from the listener: a server sets the flag after accept(2)"),
            ("POSIX", "unspecified"),
        ],
    },
    Difference {
        checks: &["life/survives-reset-before-accept"],
        matter: "accept(2) after the client has reset its connection",
        systems: &[
            ("Linux", "returns a socket, on which getpeername(2) fails"),
            (
                "macOS",
                "fails with ECONNABORTED, or returns a socket on which setsockopt(2) fails with EINVAL",
            ),
            ("POSIX", "may fail with ECONNABORTED"),
        ],
    },
    Difference {
        checks: &["life/survives-reset", "life/ends-with-its-client", "fd/no-leak-after-resets"],
        matter: "the error of a write to a connection that the client has reset",
        systems: &[
            ("Linux", "ECONNRESET once, then EPIPE"),
            ("macOS", "the same, and EPROTOTYPE while the connection is torn down"),
            ("POSIX", "ECONNRESET or EPIPE"),
        ],
    },
    Difference {
        checks: &["echo/slow-reader", "load/slow-client-blocks-none", "load/bounded-buffering"],
        matter: "the bytes between a sender and a reader that does not read",
        systems: &[
            ("Linux", "208 KiB on a Unix domain socket, 64 KiB in a pipe; megabytes over TCP"),
            ("macOS", "8 KiB for each direction of a Unix domain socket, 16 to 64 KiB in a pipe"),
            ("POSIX", "unspecified: the check finds the size by filling"),
        ],
    },
    Difference {
        checks: &["path/too-long"],
        matter: "the longest path of a Unix domain socket",
        systems: &[("Linux", "107 bytes"), ("macOS", "103 bytes"), ("POSIX", "unspecified, 91 to 107 bytes")],
    },
    Difference {
        checks: &["path/abstract-name", "path/answers-abstract-client"],
        matter: "names of Unix domain sockets without a file",
        systems: &[("Linux", "abstract names: unix(7)"), ("macOS", "none: unsupported"), ("POSIX", "none")],
    },
    Difference {
        checks: &["life/no-orphans", "life/leaves-nothing-behind", "life/no-zombies"],
        matter: "finding the processes that a server leaves behind",
        systems: &[
            ("Linux", "they become children of echospec: PR_SET_CHILD_SUBREAPER of prctl(2)"),
            (
                "macOS",
                "launchd adopts them: they are found by their process group and a mark in their environment",
            ),
            ("POSIX", "unspecified: an implementation-defined process adopts them"),
        ],
    },
    Difference {
        checks: &["life/ends-on-sigterm-as-first-process"],
        matter: "the first process of a container",
        systems: &[("Linux", "PID namespaces"), ("macOS", "unsupported"), ("POSIX", "unspecified")],
    },
    Difference {
        checks: &["load/idle", "load/idle-while-stalled", "load/idle-client", "stdio/idle-wake-ups"],
        matter: "the work of an idle server",
        systems: &[
            ("Linux", "processor time, and how often its threads ran: proc(5)"),
            ("macOS", "processor time; how often threads ran is unsupported"),
            ("POSIX", "unspecified"),
        ],
    },
    Difference {
        checks: &["wire/udp-two-datagrams", "wire/orderly-close", "wire/handshake"],
        matter: "packets on the loopback interface",
        systems: &[
            ("Linux", "packet sockets, with CAP_NET_RAW"),
            ("macOS", "unsupported: BPF devices need root"),
            ("POSIX", "unspecified"),
        ],
    },
];

/// Returns the differences that concern the check `id`.
pub fn differences(id: &str) -> impl Iterator<Item = &'static Difference> {
    DIFFERENCES.iter().filter(move |it| it.checks.contains(&id))
}

impl Difference {
    /// Returns one line for a reader, such as `a path. Linux: 107 bytes; macOS: 103 bytes; POSIX: unspecified`.
    #[must_use]
    pub fn line(&self) -> String {
        let parts: Vec<_> = self.systems.iter().map(|(system, does)| format!("{system}: {does}")).collect();
        format!("{}. {}", self.matter, parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::all_checks;

    #[test]
    fn each_check_exists() {
        for id in DIFFERENCES.iter().flat_map(|it| it.checks) {
            assert!(all_checks().any(|check| check.id == *id), "{id}");
        }
    }

    #[test]
    fn linux_macos_and_posix_are_named() {
        for difference in DIFFERENCES {
            for system in ["Linux", "macOS", "POSIX"] {
                let named = difference.systems.iter().filter(|(name, _)| *name == system).count();
                assert_eq!(named, 1, "{}: {system}", difference.matter);
            }
        }
    }
}
