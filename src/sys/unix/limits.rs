//! Limits of this process: getrlimit(2), sysconf(3).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

use nix::libc::c_long;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::unistd::{SysconfVar, sysconf};

use crate::sys::system::limits::container_limits;

/// The limit of open descriptors that the checks with most clients need. The default is 256 on macOS and 1024 on most
/// Linux.
const WANTED_DESCRIPTORS: rlim_t = 4096;

/// The limit of open descriptors before [`raise_descriptor_limit`] changed it.
static FORMER_LIMIT: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Raises this process's soft limit of open descriptors, as far as the hard limit permits. Servers still start with the
/// former limit: [`restore_descriptor_limit`].
pub fn raise_descriptor_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft < WANTED_DESCRIPTORS
        && setrlimit(Resource::RLIMIT_NOFILE, WANTED_DESCRIPTORS.min(hard), hard).is_ok()
    {
        let _ = FORMER_LIMIT.set((soft, hard));
    }
}

/// Raises this process's limit of open descriptors to at least `wanted`: the soft limit, and the hard limit too if that
/// is lower and this process may raise it.
///
/// # Errors
/// `EPERM` if the limit is above the hard limit, or above the highest one of the system.
#[cfg(feature = "cli")]
pub fn raise_descriptor_limit_to(wanted: usize) -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = rlim_t::try_from(wanted).unwrap_or(rlim_t::MAX);
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted))?;
        let _ = FORMER_LIMIT.set((soft, hard));
    }
    Ok(())
}

/// Returns how many descriptors this process may have open.
#[must_use]
pub fn descriptor_limit() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Returns how many descriptors a server may have open: the limit before [`raise_descriptor_limit`] changed it.
#[must_use]
pub fn inherited_descriptor_limit() -> usize {
    FORMER_LIMIT.get().map_or_else(descriptor_limit, |&(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Checks that this process may start others with `limit` as their limit of open descriptors.
///
/// # Errors
/// `EPERM` if the limit is above this process's hard limit, or above the highest one of the system.
pub fn check_descriptor_limit(limit: u64) -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let limit = rlim_t::try_from(limit).unwrap_or(rlim_t::MAX);
    if limit <= hard {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, soft, limit)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?)
}

/// Makes the child of `command` start with the limit of open descriptors that this process was started with.
#[expect(unsafe_code, reason = "a limit can be set for the child only between fork and exec")]
pub fn restore_descriptor_limit(command: &mut Command) {
    let Some(&(soft, hard)) = FORMER_LIMIT.get() else { return };
    let restore = move || Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?);
    // SAFETY: the closure makes one system call and allocates nothing, so it is async-signal-safe.
    unsafe { command.pre_exec(restore) };
}

/// Returns how many processes this user may have at once: `_SC_CHILD_MAX` of sysconf(3), or the container's limit if
/// that is lower.
///
/// # Errors
/// Those of `sysconf(3)`.
pub fn process_limit() -> io::Result<u64> {
    let user = sysconf(SysconfVar::CHILD_MAX)?.map_or(u64::MAX, c_long::unsigned_abs);
    Ok(container_limits().processes.map_or(user, |container| user.min(container)))
}
