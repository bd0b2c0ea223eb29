//! Where the two processes run, and how they wait. It decides more than the mechanism does.

use std::io;

use super::comparison::Placement;
use crate::sys::{IdleStatesDisabled, disable_idle_states, pin_thread, usable_processors};
use crate::transport::WaitMode;

pub mod processors;

/// A placement made out on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Which one it is.
    pub placement: Placement,
    /// The client's processor; any where absent.
    pub client: Option<usize>,
    /// The server's.
    pub server: Option<usize>,
    /// What the client does while nothing has come.
    pub waiting: WaitMode,
}

impl Placement {
    /// Every placement, in the order that help and tables show them.
    pub const ALL: [Placement; 5] =
        [Placement::Same, Placement::Cross, Placement::CrossPolling, Placement::Spin, Placement::Free];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Placement::Same => "same",
            Placement::Cross => "cross",
            Placement::CrossPolling => "cross-polling",
            Placement::Spin => "spin",
            Placement::Free => "free",
        }
    }

    /// The placement called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Placement> {
        Placement::ALL.into_iter().find(|placement| placement.name() == name)
    }

    /// One line about it.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Placement::Same => "both on one processor",
            Placement::Cross => "on two processors, which sleep when idle and are woken by interrupts",
            Placement::CrossPolling => "on two processors, whose idle states are held off",
            Placement::Spin => "on two processors, both sides never sleeping",
            Placement::Free => "wherever the scheduler puts them",
        }
    }

    /// Makes it out with these two processors.
    ///
    /// # Errors
    /// Why it cannot be had here.
    pub fn settle(self, pair: &processors::Pair) -> Result<Site, String> {
        let apart = || pair.server.ok_or_else(|| format!("it needs two processors ({})", pair.says));
        if self != Placement::Free {
            can_confine().map_err(|error| error.to_string())?;
        }
        let (client, server, waiting) = match self {
            Placement::Same => (Some(pair.client), Some(pair.client), WaitMode::Block),
            Placement::Cross | Placement::CrossPolling => {
                (Some(pair.client), Some(apart()?), WaitMode::Block)
            }
            // Spinning for somebody who waits for this very processor would last until the scheduler steps in.
            Placement::Spin if pair.server.is_none() => {
                (Some(pair.client), Some(pair.client), WaitMode::Yield)
            }
            Placement::Spin => (Some(pair.client), Some(apart()?), WaitMode::Spin),
            Placement::Free => (None, None, WaitMode::Block),
        };
        if self == Placement::CrossPolling {
            disable_idle_states().map_err(|error| error.to_string())?;
        }
        Ok(Site { placement: self, client, server, waiting })
    }
}

impl Site {
    /// Whether the server stands still while the client works.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.client.is_some() && self.client == self.server
    }

    /// Holds the processors' idle states off where this placement is about that, for as long as the answer is held.
    ///
    /// # Errors
    /// As [`hold_awake`].
    pub fn hold(&self) -> io::Result<Option<IdleStatesDisabled>> {
        if self.placement == Placement::CrossPolling { disable_idle_states().map(Some) } else { Ok(None) }
    }

    /// The processors that are used; none where the scheduler chooses.
    #[must_use]
    pub fn processors(&self) -> Vec<usize> {
        let mut all: Vec<_> = self.client.into_iter().chain(self.server).collect();
        all.dedup();
        all
    }
}

/// Confines a thread to where it may run anyway: that changes nothing, and tells whether the system can.
fn can_confine() -> io::Result<()> {
    pin_thread(&usable_processors()?)
}

/// Whom nobody has told where: on one processor, and on two in the best way to be had.
#[must_use]
pub fn usual(pair: &processors::Pair) -> Vec<Placement> {
    let best = [Placement::CrossPolling, Placement::Cross].into_iter();
    let across = best.into_iter().find(|placement| placement.settle(pair).is_ok());
    let mut chosen: Vec<_> =
        [Placement::Same].into_iter().filter(|it| it.settle(pair).is_ok()).chain(across).collect();
    if chosen.is_empty() {
        chosen.push(Placement::Free);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lonely() -> processors::Pair {
        let client = usable_processors().unwrap()[0];
        processors::Pair { client, server: None, says: "one processor".into() }
    }

    #[test]
    fn spinning_on_the_only_processor_yields() {
        if let Ok(site) = Placement::Spin.settle(&lonely()) {
            assert_eq!(site.waiting, WaitMode::Yield);
            assert!(site.is_shared());
        }
    }

    #[test]
    fn two_processors_are_not_to_be_had_of_one() {
        for placement in [Placement::Cross, Placement::CrossPolling] {
            assert!(placement.settle(&lonely()).is_err());
        }
        assert_eq!(usual(&lonely()).len(), 1);
    }

    #[test]
    fn names_lead_back_to_their_placements() {
        assert!(Placement::ALL.iter().all(|it| Placement::named(it.name()) == Some(*it)));
    }
}
