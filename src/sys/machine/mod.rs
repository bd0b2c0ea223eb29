//! What a comparison of mechanisms asks of the machine: where processes run, and what they use.
//!
//! One contract, kept by one whole file (or folder) per system. What a system cannot do is
//! [`io::ErrorKind::Unsupported`] with the reason in its text.
//!
//! | contract | Linux | macOS | elsewhere |
//! |---|---|---|---|
//! | [`usable_processors`] | `sched_getaffinity(2)` | `sysconf(3)` | `sysconf(3)` |
//! | [`core_of`] | `/sys/devices/system/cpu/cpuN/topology` | unsupported | unsupported |
//! | [`confine_thread`], [`confine_process`] | `sched_setaffinity(2)` | unsupported: hints only | unsupported |
//! | [`hold_awake`] | `/dev/cpu_dma_latency` | unsupported | unsupported |
//! | [`occupation`] | `/proc/stat` | unsupported | unsupported |
//! | [`Partner`], handing over by sleeping | `futex(2)` | unsupported | unsupported |
//! | [`properties`] | `/proc/sys`, `/sys` | `sysctl(3)` | `sysctl(3)` on FreeBSD |
//! | [`load_average`] | `getloadavg(3)` | `getloadavg(3)` | `getloadavg(3)` |
//! | [`Calls`] | `perf_event_open(2)` | `proc_pidinfo(3)` | unsupported |
//! | [`io_uring()`] | `io_uring_setup(2)` | unsupported | unsupported |
//! | [`account`] | process clocks, `/proc/PID/{stat,task}` | `proc_pid_rusage` | unsupported |

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "other.rs"]
mod system;

mod calls;
mod partner;
mod properties;

pub use calls::Calls;
pub use partner::{Handover, Partner};
pub use properties::{Property, processor_model, properties};

/// The core that a processor belongs to: processors with equal cores are hardware threads of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// The package (socket) that it sits in.
    pub package: usize,
    /// Its processors, in ascending order.
    pub threads: Vec<usize>,
}

/// Holds the idle states of all processors off: they poll for work. Dropping it lets them sleep again.
#[derive(Debug)]
pub struct Awake {
    #[expect(dead_code, reason = "the kernel honours the wish for as long as the descriptor is open")]
    wish: OwnedFd,
}

/// What a process has used since it began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// When it began, in the system's own unit: with its number it names the process for good.
    pub began: u64,
    /// Processor time of all its threads, those that have ended included.
    pub cpu: Duration,
    /// The part of it that was spent in user mode, by the system's own sampling: see [`account`].
    pub user: Duration,
    /// The part of it that was spent in the kernel; the two may be less than `cpu`.
    pub system: Duration,
    /// Processor time of its children that have ended and that it has waited for.
    pub reaped: Duration,
    /// How often threads gave the processor up, or lost it, by thread; a thread that has ended is missing. `None`
    /// where the system does not tell.
    pub switches: Option<BTreeMap<i32, Switches>>,
}

/// What processors have done since the system began, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occupation {
    /// The time in which they were at work, for whomever.
    pub busy: Duration,
    /// The time in which they had work, and a hypervisor let others use them.
    pub stolen: Duration,
    /// How finely the system counts these.
    pub grain: Duration,
}

impl Occupation {
    /// What tells of it here.
    pub const SOURCE: &str = system::OCCUPATION_SOURCE;
}

/// How often a thread stopped running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// Because it had to wait for something.
    pub voluntary: u64,
    /// Because the scheduler gave the processor to another.
    pub involuntary: u64,
}

/// The processors that this thread may use, in ascending order.
///
/// # Errors
/// Those of the system's call.
pub fn usable_processors() -> io::Result<Vec<usize>> {
    system::usable_processors()
}

/// The core that `processor` belongs to.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn core_of(processor: usize) -> io::Result<Core> {
    system::core_of(processor)
}

/// Lets the calling thread, and whatever it will start, run on `processors` only.
///
/// # Errors
/// `Unsupported` where the system has no hard affinity; `InvalidInput` for processors that this process may not
/// use.
pub fn confine_thread(processors: &[usize]) -> io::Result<()> {
    system::confine_thread(processors)
}

/// Lets all threads of `pid`, and whatever they will start, run on `processors` only. Children that it has
/// already are not touched.
///
/// # Errors
/// As [`confine_thread`]; `NotFound` once it has gone; `PermissionDenied` for another user's process.
pub fn confine_process(pid: Pid, processors: &[usize]) -> io::Result<()> {
    system::confine_process(pid, processors)
}

/// Has all processors poll for work instead of sleeping, for as long as the value is held: a wake-up then costs no
/// interrupt. Linux: Documentation/power/pm_qos_interface.rst.
///
/// # Errors
/// `Unsupported`, `PermissionDenied` or `NotFound`, each with a text that says what would mend it.
pub fn hold_awake() -> io::Result<Awake> {
    system::hold_awake().map(|wish| Awake { wish })
}

/// What `pid` has used.
///
/// Linux: `cpu` counts nanoseconds, and is exact for a process whose threads all sleep; a thread that runs at that
/// moment on another processor was last counted at its scheduler tick, 1 to 10 ms ago. `user` and `system` are
/// sampled by that tick, and by nothing else unless the kernel was built with `VIRT_CPU_ACCOUNTING`: over a second
/// they are good to some percent. `reaped` counts in ticks of 10 ms.
///
/// # Errors
/// `NotFound` once it has gone; `Unsupported` where the system does not tell.
pub fn account(pid: Pid) -> io::Result<Account> {
    system::account(pid)
}

/// What `processors` have done so far.
///
/// # Errors
/// `Unsupported` where the system does not tell.
pub fn occupation(processors: &[usize]) -> io::Result<Occupation> {
    system::occupation(processors)
}

/// Whether this process may have an io_uring(7).
///
/// # Errors
/// `Unsupported` where there is none; `PermissionDenied` where it is forbidden.
pub fn io_uring() -> io::Result<()> {
    system::io_uring()
}

/// How many processes wanted a processor at once in the last minute, on average.
///
/// # Errors
/// `Unsupported` where the system does not tell.
#[expect(unsafe_code, reason = "getloadavg(3) has no safe binding")]
pub fn load_average() -> io::Result<f64> {
    let mut average = 0.0;
    // SAFETY: one number is asked for, and there is room for it.
    let told = unsafe { nix::libc::getloadavg(&raw mut average, 1) };
    if told == 1 { Ok(average) } else { Err(io::ErrorKind::Unsupported.into()) }
}

/// What this process has used, by `getrusage(2)`: in microseconds, with the switches of threads that have ended,
/// which are put under the number 0.
///
/// # Errors
/// Those of `getrusage(2)`.
pub fn own_account() -> io::Result<Account> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let children = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let (user, system) = (duration(usage.user_time()), duration(usage.system_time()));
    let switches = Switches {
        voluntary: usage.voluntary_context_switches().unsigned_abs(),
        involuntary: usage.involuntary_context_switches().unsigned_abs(),
    };
    Ok(Account {
        began: 0,
        cpu: user + system,
        user,
        system,
        reaped: duration(children.user_time()) + duration(children.system_time()),
        switches: Some(BTreeMap::from([(0, switches)])),
    })
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_micros(time.num_microseconds().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a system that refuses, the refusal says why.
    fn or_unsupported<T>(answer: io::Result<T>) -> Option<T> {
        answer.map_err(|error| assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}")).ok()
    }

    #[test]
    fn a_confined_thread_may_use_what_it_was_given() {
        let chosen = usable_processors().unwrap()[0];
        std::thread::scope(|scope| {
            let confined = scope
                .spawn(|| or_unsupported(confine_thread(&[chosen])).map(|()| usable_processors().unwrap()));
            assert!(confined.join().unwrap().is_none_or(|usable| usable == [chosen]));
        });
    }

    #[test]
    fn every_thread_of_a_confined_process_is() {
        let everywhere = usable_processors().unwrap();
        // Confined to where it may run anyway, so that the other tests of this process keep their processors.
        or_unsupported(confine_process(Pid::this(), &everywhere));
    }

    #[test]
    fn an_unusable_processor_is_refused() {
        let error = confine_thread(&[1023]).unwrap_err();
        assert!([io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported].contains(&error.kind()), "{error}");
    }

    #[test]
    fn a_processor_is_a_thread_of_its_core() {
        let processor = usable_processors().unwrap()[0];
        assert!(
            core_of(processor).is_ok_and(|core| core.threads.contains(&processor))
                || core_of(processor).is_err()
        );
    }

    #[test]
    fn our_account_can_be_had_by_number_too() {
        let Some(account) = or_unsupported(account(Pid::this())) else { return };
        assert!(account.cpu > Duration::ZERO);
        assert!(own_account().unwrap().cpu > Duration::ZERO);
    }
}
