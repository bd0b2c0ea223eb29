//! No account of what another process uses.

use std::io;

use nix::unistd::Pid;

use super::unsupported;
use crate::sys::types::Account;

pub fn account(_pid: Pid) -> io::Result<Account> {
    unsupported("what another process uses is not told on this system")
}
