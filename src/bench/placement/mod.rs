//! Placements on this machine: which processors client and server run on, and how they wait.

use std::io;

use crate::sys::{IdleStatesDisabled, disable_idle_states, pin_thread, usable_processors};
use crate::transport::ClientWaitMode;

use super::comparison::Placement;

pub mod processors;

use processors::ProcessorPair;

/// A placement of client and server, with the processors chosen for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolvedPlacement {
    /// The placement for which processors were chosen.
    pub placement: Placement,
    /// The processor that the client runs on. `None` if the scheduler chooses.
    pub client: Option<usize>,
    /// The processor that the server runs on. `None` if the scheduler chooses.
    pub server: Option<usize>,
    /// The way in which the client waits for input: it sleeps or polls.
    pub waiting: ClientWaitMode,
}

impl Placement {
    /// Assigns the processors of `pair` to client and server, as the placement demands.
    ///
    /// # Errors
    /// The reason why this placement is not available on this machine.
    pub fn resolve(self, pair: &ProcessorPair) -> Result<ResolvedPlacement, String> {
        let second = || pair.server.ok_or_else(|| format!("it needs two processors ({})", pair.description));
        if self != Placement::Free {
            check_affinity().map_err(|error| error.to_string())?;
        }
        let (client, server, waiting) = match self {
            Placement::Same => (Some(pair.client), Some(pair.client), ClientWaitMode::Block),
            Placement::Cross | Placement::CrossPolling => {
                (Some(pair.client), Some(second()?), ClientWaitMode::Block)
            }
            // A process that spins on the only processor would keep the other from running until its time slice ends.
            Placement::Spin if pair.server.is_none() => {
                (Some(pair.client), Some(pair.client), ClientWaitMode::Yield)
            }
            Placement::Spin => (Some(pair.client), Some(second()?), ClientWaitMode::Spin),
            Placement::Free => (None, None, ClientWaitMode::Block),
        };
        if self == Placement::CrossPolling {
            disable_idle_states().map_err(|error| error.to_string())?;
        }
        Ok(ResolvedPlacement { placement: self, client, server, waiting })
    }
}

impl ResolvedPlacement {
    /// Returns whether client and server share a processor, so that only one of them runs at a time.
    #[must_use]
    pub fn shares_processor(&self) -> bool {
        self.client.is_some() && self.client == self.server
    }

    /// Returns whether client and server never sleep in this placement.
    #[must_use]
    pub fn never_sleeps(&self) -> bool {
        self.waiting != ClientWaitMode::Block
    }

    /// Disables the idle states of the processors for as long as the returned value exists, if the placement demands
    /// it.
    ///
    /// # Errors
    /// The errors of [`disable_idle_states`].
    pub fn keep_awake(&self) -> io::Result<Option<IdleStatesDisabled>> {
        if self.placement == Placement::CrossPolling { disable_idle_states().map(Some) } else { Ok(None) }
    }

    /// Returns the processors that client and server use. Empty if the scheduler chooses.
    #[must_use]
    pub fn processors(&self) -> Vec<usize> {
        let mut all: Vec<_> = self.client.into_iter().chain(self.server).collect();
        all.dedup();
        all
    }
}

/// Fails if the system cannot confine threads to processors. Confines this thread to the processors that it may use
/// already, which changes nothing.
fn check_affinity() -> io::Result<()> {
    pin_thread(&usable_processors()?)
}

/// Returns the placements used when `--placement` is not given: on one processor, and the best available one on two.
#[must_use]
pub fn default_placements(pair: &ProcessorPair) -> Vec<Placement> {
    let on_two = [Placement::CrossPolling, Placement::Cross].into_iter();
    let best = on_two.into_iter().find(|placement| placement.resolve(pair).is_ok());
    let mut chosen: Vec<_> =
        [Placement::Same].into_iter().filter(|it| it.resolve(pair).is_ok()).chain(best).collect();
    if chosen.is_empty() {
        chosen.push(Placement::Free);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single_processor() -> ProcessorPair {
        let client = usable_processors().unwrap()[0];
        ProcessorPair { client, server: None, description: "one processor".into() }
    }

    #[test]
    fn spin_yields_on_a_single_processor() {
        if let Ok(resolved) = Placement::Spin.resolve(&single_processor()) {
            assert_eq!(resolved.waiting, ClientWaitMode::Yield);
            assert!(resolved.shares_processor());
        }
    }

    #[test]
    fn cross_needs_two_processors() {
        for placement in [Placement::Cross, Placement::CrossPolling] {
            assert!(placement.resolve(&single_processor()).is_err());
        }
        assert_eq!(default_placements(&single_processor()).len(), 1);
    }
}
