//! The file status flags of descriptors that a server was lent, before and after its run.

use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::check::{self, Finding, OrFinding};

/// The flags that a server must leave as they were. They belong to the open file description, which others share.
const FLAGS: [(OFlag, &str); 2] = [(OFlag::O_NONBLOCK, "O_NONBLOCK"), (OFlag::O_APPEND, "O_APPEND")];

/// Duplicates of descriptors that a server was lent, with the flags that they had.
pub(super) struct LentFlags(Vec<Lent>);

struct Lent {
    descriptor: OwnedFd,
    name: &'static str,
    flags: OFlag,
}

impl LentFlags {
    /// Records the flags of `descriptors`. The server is lent duplicates of them, which share their flags.
    ///
    /// # Errors
    /// Broken if the system refuses to tell.
    pub(super) fn of(
        descriptors: impl IntoIterator<Item = (OwnedFd, &'static str)>,
    ) -> check::Result<LentFlags> {
        let lent = descriptors.into_iter().map(|(descriptor, name)| {
            let flags = flags_of(&descriptor)?;
            Ok(Lent { descriptor, name, flags })
        });
        lent.collect::<check::Result<_>>().map(LentFlags)
    }

    /// Fails if O_NONBLOCK or O_APPEND of any of the descriptors is not as it was.
    ///
    /// # Errors
    /// A failure that names the descriptor and the flag.
    pub(super) fn expect_unchanged(&self) -> check::Result {
        for Lent { descriptor, name, flags } in &self.0 {
            let now = flags_of(descriptor)?;
            let changed = FLAGS.iter().find(|(flag, _)| now.contains(*flag) != flags.contains(*flag));
            if let Some((flag, flag_name)) = changed {
                let change = if now.contains(*flag) { "set" } else { "cleared" };
                let wanted = format!("{name} with the flags with which it was given");
                return Err(Finding::fail(wanted, format!("{flag_name} is {change} on it")));
            }
        }
        Ok(())
    }
}

fn flags_of(descriptor: &OwnedFd) -> check::Result<OFlag> {
    let flags = fcntl(descriptor, FcntlArg::F_GETFL).or_broken("F_GETFL")?;
    Ok(OFlag::from_bits_retain(flags))
}
