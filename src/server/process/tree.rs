//! Finds and kills every process of a server, however it has hidden itself.
//!
//! The processes of a server are the one that was launched, the members of its process group, every orphan
//! that carries the server's mark in its environment, and the descendants of all these. On Linux the harness
//! is a child subreaper, so orphans become its own children. `setsid(2)` and a double fork change a
//! process's group and parent, but not its environment.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp};

use crate::deadline::{Countdown, INTERRUPT_CHECK_INTERVAL};
use crate::sys::{self, Process};

/// The environment variable that marks the processes of one server.
pub(super) const MARK_VARIABLE: &str = "ECHOSPEC_SERVER";

/// The time that a killed process may take to leave the process table.
pub(crate) const REAP_TIMEOUT: Duration = Duration::from_secs(5);

/// The tree of processes of one server, recognised by descent, process group and a mark in the environment.
#[derive(Debug, Clone)]
pub(super) struct ProcessTree {
    /// The launched process of the server. Its number is also that of its process group.
    pub leader: Pid,
    /// The value of [`MARK_VARIABLE`] in the environment of the server.
    pub mark: String,
    seen: Arc<Mutex<Seen>>,
}

/// Every process and process group that ever belonged to one server.
#[derive(Debug, Default)]
struct Seen {
    processes: HashSet<Pid>,
    groups: HashSet<Pid>,
}

/// The result of [`ProcessTree::kill`]: the processes that it found and could not kill.
#[derive(Debug, Default)]
pub(super) struct KillResult {
    /// Whether every process of the server had exited before the first SIGKILL.
    pub none_left: bool,
    /// The processes of the server that could not be killed.
    pub survivors: Vec<Process>,
}

impl ProcessTree {
    pub fn new(leader: Pid, mark: String) -> ProcessTree {
        let seen = Seen { processes: HashSet::from([leader]), groups: HashSet::from([leader]) };
        ProcessTree { leader, mark, seen: Arc::new(Mutex::new(seen)) }
    }

    /// Returns every process that ever belonged to this server, living or dead.
    pub fn seen(&self) -> HashSet<Pid> {
        self.lock_seen().processes.clone()
    }

    fn lock_seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists the living processes of this server, the leader first.
    pub fn members(&self) -> io::Result<Vec<Process>> {
        let mut found = self.collect()?;
        found.retain(|process| !process.zombie);
        Ok(found)
    }

    /// Lists the processes of this server, zombies included, from one list of all processes: that list misses
    /// no process that lives while it is made.
    fn collect(&self) -> io::Result<Vec<Process>> {
        let all = sys::processes()?;
        let ours = all.iter().filter(|process| sys::may_be_descendant(process) && self.owns(process));
        let (mut roots, orphans): (Vec<_>, Vec<_>) =
            ours.map(|process| process.pid).partition(|&pid| pid == self.leader);
        roots.extend(orphans);
        let pids = sys::with_descendants(roots, |parent| {
            all.iter().filter(|process| process.parent == parent).map(|process| process.pid).collect()
        });
        let find = |pid: &Pid| all.iter().find(|process| process.pid == *pid).cloned();
        let mut found: Vec<_> = pids.iter().filter_map(find).collect();
        self.remember(&found);
        // A process between a server and its daemon may be a zombie, whose environment cannot be read any more.
        // It led the daemon's group.
        let groups = &self.lock_seen().groups;
        let between = |it: &&Process| it.zombie && sys::may_be_descendant(it) && groups.contains(&it.group);
        let between: Vec<_> = all.iter().filter(between).filter(|it| !found.contains(it)).cloned().collect();
        found.extend(between);
        Ok(found)
    }

    fn remember(&self, found: &[Process]) {
        let mut seen = self.lock_seen();
        seen.processes.extend(found.iter().map(|process| process.pid));
        seen.groups.extend(found.iter().map(|process| process.group).filter(|&group| group != getpgrp()));
    }

    fn owns(&self, child: &Process) -> bool {
        child.pid == self.leader
            || child.group == self.leader
            || sys::has_env_var(child.pid, MARK_VARIABLE, &self.mark).unwrap_or(false)
    }

    /// Kills every process of the server, reaps the adopted orphans, and leaves the leader a zombie.
    ///
    /// A process can fork while the others die, so this lists them again until none is left, or none that this
    /// user may signal.
    pub fn kill(&self) -> KillResult {
        let mut countdown = Countdown::new(REAP_TIMEOUT);
        let none_left = self.members().is_ok_and(|living| living.is_empty());
        let _ = killpg(self.leader, Signal::SIGKILL);
        let mut survivors = Vec::new();
        // A list is no snapshot: a zombie listed as the child of a process that then exits becomes an orphan. Once no
        // process is left, one more list shows it.
        let mut is_last = none_left;
        while !countdown.left().is_zero() {
            let Ok(mut all) = self.collect() else { break };
            all.iter().filter(|process| process.zombie).for_each(|process| self.reap(process));
            all.retain(|process| !process.zombie);
            survivors.clone_from(&all);
            all.retain(|process| kill(process.pid, Signal::SIGKILL) != Err(Errno::EPERM));
            if all.is_empty() && is_last {
                break;
            }
            is_last = all.is_empty();
            for process in &all {
                let _ = sys::wait_for_exit(process.pid, INTERRUPT_CHECK_INTERVAL);
                self.reap(process);
            }
        }
        KillResult { none_left, survivors }
    }

    /// Reaps the processes left in the leader's process group, once the leader itself is reaped. Until then, the
    /// group's number stays taken. A list of children can miss a child while others exit, but `waitpid(2)` cannot.
    pub fn reap_group(&self) {
        let mut countdown = Countdown::new(REAP_TIMEOUT);
        let group = Pid::from_raw(-self.leader.as_raw());
        while !countdown.left().is_zero() {
            match waitpid(group, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => {
                    let _ = killpg(self.leader, Signal::SIGKILL);
                    thread::park_timeout(Duration::from_millis(1));
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Reaps an adopted orphan of the server. `std::process::Child` reaps the leader, and other parents reap their own
    /// children.
    fn reap(&self, process: &Process) {
        if process.pid != self.leader {
            while waitpid(process.pid, Some(WaitPidFlag::WNOHANG)) == Err(Errno::EINTR) {}
        }
    }
}

/// Waits until the killed leader is a zombie. Returns false if it still runs after [`REAP_TIMEOUT`].
pub(super) fn wait_for_zombie(leader: Pid) -> bool {
    let mut countdown = Countdown::new(REAP_TIMEOUT);
    loop {
        match sys::wait_for_exit(leader, INTERRUPT_CHECK_INTERVAL) {
            Ok(true) => return true,
            Ok(false) if !countdown.left().is_zero() => {}
            _ => return false,
        }
    }
}
