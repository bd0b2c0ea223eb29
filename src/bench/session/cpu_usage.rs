//! What a set of processes used between two looks.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use nix::unistd::Pid;

use crate::sys::{ContextSwitches, ResourceUsage, own_resource_usage, resource_usage};

/// A look at what processes have used so far.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// By number and beginning: numbers are given out again.
    of: HashMap<(Pid, u64), ResourceUsage>,
}

/// What was used between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// How often a thread gave the processor up, or lost it; `None` where the system does not tell.
    pub switches: Option<ContextSwitches>,
    /// How many processes of the first look had gone by the second. What such a one used in between is counted only
    /// if another of the set has waited for it: a caller that sees this number should not trust the rest.
    pub gone: usize,
}

impl Accounts {
    /// Looks at `pids`. One that has ended already is left out.
    ///
    /// # Errors
    /// As [`account`], save that a process may have gone.
    pub fn of(pids: impl IntoIterator<Item = Pid>) -> io::Result<Accounts> {
        let mut of = HashMap::new();
        for pid in pids {
            match resource_usage(pid) {
                Ok(account) => of.insert((pid, account.start_time), account),
                Err(error) if has_gone(&error) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(Accounts { of })
    }

    /// Looks at this process. More is known of it than of others: see [`own_account`].
    ///
    /// # Errors
    /// As [`own_account`].
    pub fn of_ourselves() -> io::Result<Accounts> {
        Ok(Accounts { of: HashMap::from([((Pid::this(), 0), own_resource_usage()?)]) })
    }

    /// What was used since `earlier`.
    ///
    /// A process that has come since then counts whole, so both looks must ask for all of a family. One that has come
    /// and gone in between counts by what its parent, if that is of the set, was told when it waited for it; its
    /// switches are lost, as are those of threads that came and went. Nothing can come out negative.
    #[must_use]
    pub fn since(&self, earlier: &Accounts) -> Usage {
        let mut sum = Sum::default();
        for (key, now) in &self.of {
            sum.add(now, earlier.of.get(key).unwrap_or(&ResourceUsage::default()));
        }
        let gone: Vec<_> =
            earlier.of.iter().filter(|(key, _)| !self.of.contains_key(key)).map(|(_, then)| then).collect();
        // A parent is told of all that its child ever used, also before the first look.
        sum.reaped = sum.reaped.saturating_sub(gone.iter().map(|then| then.cpu + then.children).sum());
        sum.usage(gone.len(), self.of.values().all(|account| account.switches.is_some()))
    }
}

/// `ESRCH` has no kind of its own.
fn has_gone(error: &io::Error) -> bool {
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

    /// The time is exact and the two modes are sampled: the samples share the time out. Where no sample fell all of it
    /// goes to the kernel, in which a process that waits for messages spends nearly all of its time.
    fn usage(&self, gone: usize, with_switches: bool) -> Usage {
        let cpu = self.cpu + self.reaped;
        let sampled = (self.user + self.system).as_secs_f64();
        let share = if sampled > 0.0 { self.user.as_secs_f64() / sampled } else { 0.0 };
        let user = cpu.mul_f64(share).min(cpu);
        Usage { user, system: cpu - user, switches: with_switches.then_some(self.switches), gone }
    }
}

impl Usage {
    /// Processor time in both modes.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

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

    fn look(accounts: &[(i32, ResourceUsage)]) -> Accounts {
        let key = |(pid, it): &(i32, ResourceUsage)| ((Pid::from_raw(*pid), it.start_time), it.clone());
        Accounts { of: accounts.iter().map(key).collect() }
    }

    #[test]
    fn samples_share_out_the_exact_time() {
        let usage = look(&[(7, used(50, 0, 9))]).since(&look(&[(7, used(20, 0, 4))]));
        assert_eq!((usage.user, usage.system), (MS * 10, MS * 20));
        assert_eq!(usage.switches, Some(ContextSwitches { voluntary: 5, involuntary: 0 }));
        assert_eq!(usage.gone, 0);
    }

    #[test]
    fn a_child_that_came_and_went_counts_by_what_its_parent_was_told() {
        let usage = look(&[(7, used(20, 30, 0))]).since(&look(&[(7, used(20, 0, 0))]));
        assert_eq!(usage.cpu(), MS * 30);
    }

    #[test]
    fn what_a_child_used_before_the_first_look_is_not_counted_when_it_ends() {
        let before = look(&[(7, used(20, 0, 0)), (8, used(25, 0, 0))]);
        let usage = look(&[(7, used(20, 30, 0))]).since(&before);
        assert_eq!((usage.cpu(), usage.gone), (MS * 5, 1));
    }

    #[test]
    fn nothing_comes_out_negative() {
        let usage = look(&[]).since(&look(&[(7, used(20, 9, 4))]));
        assert_eq!((usage.cpu(), usage.gone), (Duration::ZERO, 1));
        let usage = look(&[(7, used(1, 0, 0))]).since(&look(&[(7, used(20, 9, 4))]));
        assert_eq!((usage.cpu(), usage.switches), (Duration::ZERO, Some(ContextSwitches::default())));
    }

    #[test]
    fn own_use_grows() {
        let (before, began) = (Accounts::of_ourselves().unwrap(), Instant::now());
        let used = || Accounts::of_ourselves().unwrap().since(&before).cpu();
        // Some systems count processor time in clock ticks.
        while used().is_zero() && began.elapsed() < Duration::from_secs(10) {}
        assert!(!used().is_zero());
    }

    #[test]
    fn a_process_that_has_gone_is_left_out() {
        let nobody = Pid::from_raw(i32::MAX);
        match Accounts::of([nobody]) {
            Ok(accounts) => assert!(accounts.of.is_empty()),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
        }
    }
}
