//! Linuxes that differ from a developer's: containers, small machines, and machines that lack something.

/// A Linux on which the bundled servers are checked.
#[derive(Debug)]
pub struct Linux {
    pub name: &'static str,
    /// The commands that make it. Each runs the next, and the last runs the check.
    pub steps: &'static [Step],
    /// The requirements without which the program refuses to check some servers, or all.
    pub refusals: &'static [&'static str],
}

/// A command that runs its arguments in a changed environment.
#[derive(Debug)]
pub enum Step {
    /// A program, as words.
    Program(&'static [&'static str]),
    /// A script of the shell, which runs `"$@"`.
    Script(&'static str),
}

use Step::{Program, Script};

impl Linux {
    /// Returns the words that come before the command.
    pub fn words(&self) -> Vec<&'static str> {
        let words = |step: &Step| match *step {
            Program(words) => words.to_vec(),
            Script(text) => vec!["sh", "-ec", text, "sh"],
        };
        self.steps.iter().flat_map(words).collect()
    }
}

/// The first: all others are compared with it.
pub const USUAL: Linux = Linux { name: "this machine", steps: &[], refusals: &[] };

pub const LINUXES: &[Linux] = &[
    Linux { name: "an unprivileged user", steps: &[AS_USER], refusals: &[] },
    Linux {
        name: "a container of root: Docker's capabilities without CAP_NET_RAW, read-only /sys, a filter of system calls, 400 processes",
        steps: &[
            LIMITED_PROCESSES,
            OWN_NAMESPACES,
            Script("mount -t proc proc /proc; mount -o remount,bind,ro /sys; ip link set lo up; exec \"$@\""),
            Program(&["setpriv", "--bounding-set", CAPABILITIES_OF_CONTAINERS, "--inh-caps", "-all"]),
            FILTER,
        ],
        refusals: &[],
    },
    Linux {
        name: "a container of a user: hidepid, no capability, no new privileges, read-only /sys, a filter of system calls",
        steps: &[
            OWN_NAMESPACES,
            Script(
                "mount -t proc -o hidepid=2 proc /proc; mount -o remount,bind,ro /sys; ip link set lo up; exec \"$@\"",
            ),
            Program(&[
                "setpriv",
                "--reuid=64321",
                "--regid=64321",
                "--clear-groups",
                "--bounding-set=-all",
                "--no-new-privs",
            ]),
            FILTER,
        ],
        refusals: &[],
    },
    Linux {
        name: "read-only root and current directory",
        steps: &[
            Program(&["unshare", "--mount"]),
            Script(
                "mount --bind \"$PLACE\" \"$PLACE\"; mount -o remount,bind,ro /; cd /; ! touch x 2>&-; exec \"$@\"",
            ),
        ],
        refusals: &[],
    },
    Linux {
        name: "no IPv6",
        steps: &[
            Program(&["unshare", "--net"]),
            Script("ip link set lo up; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; exec \"$@\""),
        ],
        refusals: &[],
    },
    Linux { name: "one processor", steps: &[Program(&["taskset", "--cpu-list", "0"])], refusals: &[] },
    Linux { name: "256 descriptors", steps: &[Program(&["prlimit", "--nofile=256:256"])], refusals: &[] },
    Linux {
        name: "64 descriptors",
        steps: &[Program(&["prlimit", "--nofile=64:64"])],
        refusals: &["descriptors"],
    },
    Linux {
        name: "no /proc",
        steps: &[Program(&["unshare", "--mount"]), Script("umount -l /proc; exec \"$@\"")],
        refusals: &["process table"],
    },
    Linux {
        name: "a full /dev/shm",
        steps: &[
            Program(&["unshare", "--mount"]),
            Script(
                "mount -t tmpfs -o size=4k none /dev/shm; ! dd if=/dev/zero of=/dev/shm/full 2>&-; exec \"$@\"",
            ),
        ],
        refusals: &[],
    },
    Linux {
        name: "SIGINT, SIGCHLD, SIGPIPE ignored at start",
        steps: &[Program(&["env", "--ignore-signal=INT,CHLD,PIPE"])],
        refusals: &[],
    },
];

/// A user that owns nothing.
const AS_USER: Step = Program(&["setpriv", "--reuid", "64321", "--regid", "64321", "--clear-groups"]);

/// The program becomes the first process of its PID namespace.
const OWN_NAMESPACES: Step =
    Program(&["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "--ipc", "--uts"]);

/// System calls that Docker's default filter denies.
const FILTER: Step = Program(&["deny-system-calls", "io_uring_setup,perf_event_open"]);

/// Docker's default capabilities, without `net_raw`.
const CAPABILITIES_OF_CONTAINERS: &str = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,\
    +net_bind_service,+sys_chroot,+mknod,+audit_write,+setfcap";

/// A control group whose processes are limited: cgroups(7), of version 1 or 2.
const LIMITED_PROCESSES: Step = Script(
    "all=/sys/fs/cgroup; [ ! -d $all/pids ] || all=$all/pids; ours=$all/echospec-$$; mkdir $ours
    leave() { echo $$ >$all/cgroup.procs; rmdir $ours; }; trap leave EXIT
    echo 400 >$ours/pids.max; echo $$ >$ours/cgroup.procs; \"$@\"",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_one_another() {
        let steps = &[Program(&["env", "A=b"]), Script("exec \"$@\"")];
        let words = Linux { steps, ..USUAL }.words();
        assert_eq!(words, ["env", "A=b", "sh", "-ec", "exec \"$@\"", "sh"]);
    }
}
