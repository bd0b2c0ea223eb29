//! What a client of a stream still has coming, compared as it comes.

use crate::check::{self, Finding};
use crate::text::{count, difference, excerpt};

/// Bytes of which some are still to come.
pub(super) struct Due<'a> {
    all: &'a [u8],
    met: usize,
}

impl<'a> Due<'a> {
    pub fn new(all: &'a [u8]) -> Due<'a> {
        Due { all, met: 0 }
    }

    /// Takes from `inbox` what was due; true once nothing is.
    pub fn met(&mut self, inbox: &mut Vec<u8>) -> check::Result<bool> {
        let rest = &self.all[self.met..];
        let arrived = inbox.len().min(rest.len());
        if rest[..arrived] != inbox[..arrived] {
            // With all that came: "hello" in place of "well" says more than "hell".
            let place = difference(rest, inbox, self.met).unwrap_or_default();
            return Err(Finding::fail(self.wanted(), place).about_echo());
        }
        if arrived == inbox.len() {
            inbox.clear();
        } else {
            drop(inbox.drain(..arrived));
        }
        self.met += arrived;
        Ok(self.met == self.all.len())
    }

    /// How many have come.
    pub fn so_far(&self) -> usize {
        self.met
    }

    /// What a report says was expected.
    pub fn wanted(&self) -> String {
        match self.all.len() {
            0..=24 => format!("{} back", excerpt(self.all)),
            length => format!("{} back, unchanged", count(length, "byte")),
        }
    }
}
