//! Processor time and context switches of a set of processes.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use nix::unistd::Pid;

use crate::sys::{ContextSwitches, ResourceUsage, own_resource_usage, resource_usage};

/// The processor time and context switches of a set of processes, read at one moment.
#[derive(Debug, Clone, Default)]
pub struct CpuSnapshot {
    /// The processor time of each process in a snapshot, by process id and start time, because process ids are
    /// reused.
    accounts: HashMap<(Pid, u64), ResourceUsage>,
}

/// The processor time and context switches that a set of processes used between two snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuUsage {
    /// Processor time of a set of processes in user mode.
    pub user: Duration,
    /// Processor time of a set of processes in the kernel.
    pub system: Duration,
    /// Context switches of a set of processes, or `None` where the system does not tell.
    pub switches: Option<ContextSwitches>,
    /// The number of processes of the first snapshot that had exited by the second. Their last use is counted only if
    /// another process of the set has waited for them, so the rest is not exact if this is not 0.
    pub exited: usize,
}

impl CpuSnapshot {
    /// Reads the processor time and context switches of the processes `pids`. Leaves out a process that has exited.
    ///
    /// # Errors
    /// The errors of [`resource_usage`], except that a process has exited.
    pub fn of_processes(pids: impl IntoIterator<Item = Pid>) -> io::Result<CpuSnapshot> {
        let mut accounts = HashMap::new();
        for pid in pids {
            match resource_usage(pid) {
                Ok(account) => accounts.insert((pid, account.start_time), account),
                Err(error) if has_exited(&error) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(CpuSnapshot { accounts })
    }

    /// Reads the processor time and context switches of this process. The snapshot holds more than that of another
    /// process: see [`own_resource_usage`].
    ///
    /// # Errors
    /// The errors of [`own_resource_usage`].
    pub fn of_this_process() -> io::Result<CpuSnapshot> {
        Ok(CpuSnapshot { accounts: HashMap::from([((Pid::this(), 0), own_resource_usage()?)]) })
    }

    /// Returns the processor time and context switches that the processes used since `earlier`.
    ///
    /// A process that has started since then counts in full, so both snapshots must include all processes of the
    /// session. A process that started and exited in between counts by what wait4(2) reported to its parent, if the
    /// parent is in the set. Its context switches are lost, as are those of threads that started and exited in between.
    /// No result is negative.
    #[must_use]
    pub fn usage_since(&self, earlier: &CpuSnapshot) -> CpuUsage {
        let mut sum = Sum::default();
        for (key, now) in &self.accounts {
            sum.add(now, earlier.accounts.get(key).unwrap_or(&ResourceUsage::default()));
        }
        let exited: Vec<_> = earlier
            .accounts
            .iter()
            .filter(|(key, _)| !self.accounts.contains_key(key))
            .map(|(_, then)| then)
            .collect();
        // The parent's account then includes all that the child ever used, also before the first snapshot.
        sum.reaped = sum.reaped.saturating_sub(exited.iter().map(|then| then.cpu + then.children).sum());
        sum.usage(exited.len(), self.accounts.values().all(|account| account.switches.is_some()))
    }
}

/// Returns whether the error is `ESRCH`, no such process, which has no [`io::ErrorKind`] of its own.
fn has_exited(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(nix::libc::ESRCH)
}

#[derive(Debug, Default)]
struct Sum {
    cpu: Duration,
    user: Duration,
    system: Duration,
    reaped: Duration,
    switches: ContextSwitches,
}

impl Sum {
    fn add(&mut self, now: &ResourceUsage, then: &ResourceUsage) {
        self.cpu += now.cpu.saturating_sub(then.cpu);
        self.user += now.user.saturating_sub(then.user);
        self.system += now.system.saturating_sub(then.system);
        self.reaped += now.children.saturating_sub(then.children);
        for (thread, now) in now.switches.iter().flatten() {
            let then = then.switches.as_ref().and_then(|threads| threads.get(thread));
            let then = then.copied().unwrap_or_default();
            self.switches.voluntary += now.voluntary.saturating_sub(then.voluntary);
            self.switches.involuntary += now.involuntary.saturating_sub(then.involuntary);
        }
    }

    /// Divides the exact processor time of a process by the sampled times in user mode and in the kernel. Without a
    /// sample, all of it counts as kernel time: a process that waits for messages spends nearly all its time there.
    fn usage(&self, exited: usize, with_switches: bool) -> CpuUsage {
        let cpu = self.cpu + self.reaped;
        let sampled = (self.user + self.system).as_secs_f64();
        let share = if sampled > 0.0 { self.user.as_secs_f64() / sampled } else { 0.0 };
        let user = cpu.mul_f64(share).min(cpu);
        CpuUsage { user, system: cpu - user, switches: with_switches.then_some(self.switches), exited }
    }
}

impl CpuUsage {
    /// Returns the processor time of a set of processes in user mode and in the kernel together.
    #[must_use]
    pub fn total_time(&self) -> Duration {
        self.user + self.system
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn used(cpu: u32, reaped: u32, voluntary: u64) -> ResourceUsage {
        let switches = BTreeMap::from([(1, ContextSwitches { voluntary, involuntary: 0 })]);
        let (user, system) = (MS * cpu / 4, MS * cpu / 2);
        ResourceUsage {
            start_time: 1,
            cpu: MS * cpu,
            user,
            system,
            children: MS * reaped,
            switches: Some(switches),
        }
    }

    fn snapshot(accounts: &[(i32, ResourceUsage)]) -> CpuSnapshot {
        let key = |(pid, it): &(i32, ResourceUsage)| ((Pid::from_raw(*pid), it.start_time), it.clone());
        CpuSnapshot { accounts: accounts.iter().map(key).collect() }
    }

    #[test]
    fn divides_exact_time_by_sampled_modes() {
        let usage = snapshot(&[(7, used(50, 0, 9))]).usage_since(&snapshot(&[(7, used(20, 0, 4))]));
        assert_eq!((usage.user, usage.system), (MS * 10, MS * 20));
        assert_eq!(usage.switches, Some(ContextSwitches { voluntary: 5, involuntary: 0 }));
        assert_eq!(usage.exited, 0);
    }

    #[test]
    fn short_lived_child_counts_by_its_parents_account() {
        let usage = snapshot(&[(7, used(20, 30, 0))]).usage_since(&snapshot(&[(7, used(20, 0, 0))]));
        assert_eq!(usage.total_time(), MS * 30);
    }

    #[test]
    fn earlier_use_of_an_exited_child_is_not_counted_again() {
        let before = snapshot(&[(7, used(20, 0, 0)), (8, used(25, 0, 0))]);
        let usage = snapshot(&[(7, used(20, 30, 0))]).usage_since(&before);
        assert_eq!((usage.total_time(), usage.exited), (MS * 5, 1));
    }

    #[test]
    fn usage_is_never_negative() {
        let usage = snapshot(&[]).usage_since(&snapshot(&[(7, used(20, 9, 4))]));
        assert_eq!((usage.total_time(), usage.exited), (Duration::ZERO, 1));
        let usage = snapshot(&[(7, used(1, 0, 0))]).usage_since(&snapshot(&[(7, used(20, 9, 4))]));
        assert_eq!((usage.total_time(), usage.switches), (Duration::ZERO, Some(ContextSwitches::default())));
    }

    #[test]
    fn own_usage_grows() {
        let before = CpuSnapshot::of_this_process().unwrap();
        while CpuSnapshot::of_this_process().unwrap().usage_since(&before).total_time().is_zero() {}
    }

    #[test]
    fn leaves_out_an_exited_process() {
        match CpuSnapshot::of_processes([Pid::from_raw(i32::MAX)]) {
            Ok(snapshot) => assert!(snapshot.accounts.is_empty()),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
        }
    }
}
