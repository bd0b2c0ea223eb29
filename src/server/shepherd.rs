//! Finding and ending every process of a server, however it has hidden itself.
//!
//! A server's processes are its children and theirs, the members of its process group, and every orphan
//! that carries its mark in the environment. Orphans come to us, because we are their sub-reaper (Linux);
//! `setsid` and a double fork change a process's group and parent, but not that.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp};

use super::{guard, scratch};
use crate::deadline::{Countdown, GLANCE};
use crate::sys::{self, Process};
use crate::transport::remove_leftovers;

/// The environment variable that marks the processes of one server.
pub(super) const MARK: &str = "ECHOSPEC_SERVER";

/// How long a killed process may take to leave the process table.
const REAP_TIMEOUT: Duration = Duration::from_secs(5);

/// One server's processes.
#[derive(Debug, Clone)]
pub(super) struct Flock {
    /// The process that was launched; also the number of its process group.
    pub leader: Pid,
    /// The value of [`MARK`] in its environment.
    pub mark: String,
    seen: Arc<Mutex<Seen>>,
}

/// All that was ever seen to be one server's.
#[derive(Debug, Default)]
struct Seen {
    processes: HashSet<Pid>,
    groups: HashSet<Pid>,
}

/// How the last of a server's processes went.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Nobody was left to be killed.
    pub in_order: bool,
    /// Who could not be killed.
    pub survivors: Vec<Process>,
}

impl Flock {
    pub fn new(leader: Pid, mark: String) -> Flock {
        let seen = Seen { processes: HashSet::from([leader]), groups: HashSet::from([leader]) };
        Flock { leader, mark, seen: Arc::new(Mutex::new(seen)) }
    }

    /// Every process that was ever seen to be this server's, living or dead.
    pub fn seen(&self) -> HashSet<Pid> {
        self.seen_so_far().processes.clone()
    }

    fn seen_so_far(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every living process of this server, the leader first.
    pub fn members(&self) -> io::Result<Vec<Process>> {
        let mut found = self.collect()?;
        found.retain(|process| !process.zombie);
        Ok(found)
    }

    /// From one list of all processes, which misses none that lives while it is made.
    fn collect(&self) -> io::Result<Vec<Process>> {
        let all = sys::processes()?;
        let ours = all.iter().filter(|process| sys::may_be_ours(process) && self.owns(process)).cloned();
        let (mut found, orphans): (Vec<_>, Vec<_>) = ours.partition(|process| process.pid == self.leader);
        found.extend(orphans);
        let mut next = 0;
        while let Some(parent) = found.get(next).map(|process| process.pid) {
            for child in all.iter().filter(|process| process.parent == parent) {
                if !found.contains(child) {
                    found.push(child.clone());
                }
            }
            next += 1;
        }
        let mut seen = self.seen_so_far();
        seen.processes.extend(found.iter().map(|process| process.pid));
        seen.groups.extend(found.iter().map(|process| process.group).filter(|&group| group != getpgrp()));
        drop(seen);
        // What lies between a server and its daemon has ended, and tells no mark any more; but it led the daemon's group.
        let groups = &self.seen_so_far().groups;
        let between = |it: &&Process| it.zombie && sys::may_be_ours(it) && groups.contains(&it.group);
        let between: Vec<_> = all.iter().filter(between).filter(|it| !found.contains(it)).cloned().collect();
        found.extend(between);
        Ok(found)
    }

    fn owns(&self, child: &Process) -> bool {
        child.pid == self.leader
            || child.group == self.leader
            || sys::has_mark(child.pid, MARK, &self.mark).unwrap_or(false)
    }

    /// Kills every process but leaves the leader unreaped; those that we adopted are reaped.
    ///
    /// A process can fork while the others die, so this looks again until nobody is left, or nobody that
    /// we may signal.
    pub fn end(&self) -> End {
        let mut countdown = Countdown::new(REAP_TIMEOUT);
        let in_order = self.members().is_ok_and(|living| living.is_empty());
        let _ = killpg(self.leader, Signal::SIGKILL);
        let mut survivors = Vec::new();
        while !countdown.left().is_zero() {
            let Ok(mut all) = self.collect() else { break };
            all.iter().filter(|process| process.zombie).for_each(|process| self.reap(process));
            all.retain(|process| !process.zombie);
            survivors.clone_from(&all);
            all.retain(|process| kill(process.pid, Signal::SIGKILL) != Err(Errno::EPERM));
            if all.is_empty() {
                break;
            }
            for process in &all {
                let _ = sys::wait_for_exit(process.pid, GLANCE);
                self.reap(process);
            }
        }
        End { in_order, survivors }
    }

    /// Once the leader has been reaped: reaps what is left of its process group, whose number stays taken
    /// until then. Lists of children can miss one while others end; `waitpid(2)` cannot.
    pub fn bury(&self) {
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

    /// Reaps an adopted orphan. The leader is its launcher's to reap, and others' children are theirs.
    fn reap(&self, process: &Process) {
        if process.pid != self.leader {
            while waitpid(process.pid, Some(WaitPidFlag::WNOHANG)) == Err(Errno::EINTR) {}
        }
    }
}

/// How long the leader, killed, may take to become a zombie.
pub(super) fn wait_for_burial(leader: Pid) -> bool {
    let mut countdown = Countdown::new(REAP_TIMEOUT);
    loop {
        match sys::wait_for_exit(leader, GLANCE) {
            Ok(true) => return true,
            Ok(false) if !countdown.left().is_zero() => {}
            _ => return false,
        }
    }
}

/// Kills every descendant of this process that is left, and removes what servers that live would leave behind.
///
/// For programs at their end, which have no children of their own. A process that cleared its environment
/// and left its group and its parent is found no other way; where there are no sub-reapers it is not ours
/// any more, and not found.
pub fn sweep() {
    guard::dismiss();
    let mut countdown = Countdown::new(REAP_TIMEOUT);
    while !countdown.left().is_zero() {
        let mut doomed = sys::children(Pid::this()).unwrap_or_default();
        while let Some(process) = doomed.pop() {
            doomed.extend(sys::children(process.pid).unwrap_or_default());
            let _ = kill(process.pid, Signal::SIGKILL);
        }
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => thread::park_timeout(Duration::from_millis(1)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => break, // ECHILD: nobody is left.
        }
    }
    scratch::remove_all();
    remove_leftovers();
}
