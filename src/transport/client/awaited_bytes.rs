//! The bytes that a stream client still expects, compared with what it receives as it is received.

use crate::check::{self, Finding};
use crate::text::{count_with_noun, describe_difference, describe_displacement, excerpt};

/// The bytes that a stream client expects, and how many of them it has received.
pub(super) struct AwaitedBytes<'a> {
    all: &'a [u8],
    received: usize,
}

impl<'a> AwaitedBytes<'a> {
    /// Creates the expectation of `bytes`, none of which has been received.
    pub fn of(bytes: &'a [u8]) -> AwaitedBytes<'a> {
        AwaitedBytes { all: bytes, received: 0 }
    }

    /// Compares the beginning of `inbox` with the expected bytes, and removes what matches. Returns true once no
    /// expected byte is missing.
    pub fn is_met_by(&mut self, inbox: &mut Vec<u8>) -> check::Result<bool> {
        let rest = &self.all[self.received..];
        let arrived = inbox.len().min(rest.len());
        if rest[..arrived] != inbox[..arrived] {
            return Err(Finding::fail(self.description(), self.describe_wrong(inbox)).about_echo());
        }
        if arrived == inbox.len() {
            inbox.clear();
        } else {
            drop(inbox.drain(..arrived));
        }
        self.received += arrived;
        Ok(self.received == self.all.len())
    }

    /// Says where `inbox` differs from the expected bytes, and whether bytes got lost or came twice.
    fn describe_wrong(&self, inbox: &[u8]) -> String {
        let rest = &self.all[self.received..];
        // The report shows all that was received: "hello" in place of "well" says more than "hell".
        let place = describe_difference(rest, inbox, self.received).unwrap_or_default();
        let right = rest.iter().zip(inbox).take_while(|(wanted, got)| wanted == got).count();
        match describe_displacement(self.all, &inbox[right..], self.received + right) {
            Some(displaced) => format!("{place}; {displaced}"),
            None => place,
        }
    }

    /// Returns the number of expected bytes that have been received.
    pub fn received(&self) -> usize {
        self.received
    }

    /// Returns a description of the expected bytes for a report.
    pub fn description(&self) -> String {
        match self.all.len() {
            0..=24 => format!("{} back", excerpt(self.all)),
            length => format!("{} back, unchanged", count_with_noun(length, "byte")),
        }
    }
}
