//! What a server can do wrong: one file for each check, or for each tight family of them.
//!
//! Areas and checks are plain values in order; help, `list`, `explain`, the README's tables and the test
//! matrix are all drawn from them.

use std::fmt;

use crate::check;
use crate::outcome::Level;
use crate::server::Server;
use crate::transport::{Capabilities, TRANSPORTS, Transport, kinds};

mod announcement;
mod echo;
mod fd;
mod life;
mod load;
mod path;
mod port;
mod processes;
mod steps;
mod wire;

/// One thing that a server should do, and how to find out whether it does.
pub struct Check {
    /// `area/slug`, never reused for another meaning.
    pub id: &'static str,
    /// How strongly it binds.
    pub level: Level,
    /// The sentence it verifies.
    pub says: &'static str,
    /// What goes wrong for users of a server that does otherwise.
    pub why: &'static str,
    /// The standards and manual pages behind it.
    pub cites: &'static [&'static str],
    /// What the check does, step by step, for someone who wants to repeat it by hand.
    pub recipe: &'static str,
    /// What the server must offer for the check to make sense.
    pub needs: Capabilities,
    /// Runs it against a freshly launched server.
    pub run: fn(&mut Server) -> check::Result,
}

impl Check {
    /// The area: what stands before the slash.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(area, _)| area)
    }

    /// Whether it makes sense for a server that offers this.
    #[must_use]
    pub fn applies_to(&self, offers: Capabilities) -> bool {
        offers.contains(self.needs)
    }

    /// The transports it applies to, in some way of starting.
    pub fn transports(&self) -> impl Iterator<Item = &'static Transport> {
        let passed = Capabilities::PASSED_LISTENER.union(Capabilities::PASSED_CONNECTION);
        let (needs, passes) = (self.needs.difference(passed), self.needs.intersects(passed));
        let wanted = if passes { needs.union(Capabilities::CONNECTIONS) } else { needs };
        TRANSPORTS.iter().copied().filter(move |transport| transport.offers.contains(wanted))
    }

    /// What it is for, in a few words.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        kinds(&self.transports().collect::<Vec<_>>())
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Checks that ask about one side of a server.
#[derive(Debug)]
pub struct Area {
    /// The first part of its checks' ids.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub says: &'static str,
    /// Its checks, in order.
    pub checks: &'static [&'static Check],
}

/// Every area, in the order in which a run reports them.
pub const AREAS: &[Area] = &[
    Area { name: "echo", says: "byte-for-byte echo", checks: echo::CHECKS },
    Area { name: "fd", says: "descriptors and their inheritance", checks: fd::CHECKS },
    Area { name: "port", says: "ports, and their reuse across many clients", checks: port::CHECKS },
    Area { name: "path", says: "socket files", checks: path::CHECKS },
    Area { name: "life", says: "signals, and clients that go wrong", checks: life::CHECKS },
    Area {
        name: "load",
        says: "slow clients, many clients, and what a server runs out of",
        checks: load::CHECKS,
    },
    Area { name: "wire", says: "packets, as they pass on the loopback interface", checks: wire::CHECKS },
];

/// The checks of a run that has only a few seconds: those that, between them, catch most broken servers.
pub const QUICK: &[&str] = &[
    "echo/empty",
    "echo/one-byte",
    "echo/all-bytes",
    "echo/control-words",
    "echo/byte-by-byte",
    "echo/ping-pong",
    "echo/buffer-boundaries",
    "echo/half-close",
    "echo/message-sizes",
    "echo/large-messages",
    "echo/message-boundaries",
    "echo/empty-message",
    "echo/stale-tail",
    "fd/starts-clean",
    "fd/serves-passed-listener",
    "fd/serves-passed-connection",
    "fd/child-holds-no-listener",
    "fd/eof-arrives",
    "fd/eof-ends-it",
    "fd/no-leak-after-resets",
    "fd/nonblocking-left-behind",
    "port/many-clients",
    "port/same-source-port",
    "port/restart-in-time-wait",
    "port/second-instance",
    "port/address-asked",
    "path/many-clients",
    "path/second-instance",
    "path/restart-after-crash",
    "path/removed-at-exit",
    "life/survives-reset",
    "life/survives-stop-and-continue",
    "life/ends-on-sigterm",
    "load/slow-client-blocks-none",
];

/// Every check, in order.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    AREAS.iter().flat_map(|area| area.checks.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn ids_are_unique_slugs_of_their_area() {
        let mut seen = HashSet::new();
        for area in AREAS {
            for check in area.checks {
                assert!(seen.insert(check.id), "{} is listed twice", check.id);
                assert_eq!(check.area(), area.name, "{} stands in the wrong area", check.id);
                let slug = check.id.chars().all(|letter| matches!(letter, 'a'..='z' | '-' | '/'));
                assert!(slug, "{} is no slug", check.id);
            }
        }
    }

    #[test]
    fn every_check_says_why_and_who_demands_it() {
        for check in checks() {
            assert!(
                !check.why.is_empty() && !check.recipe.is_empty(),
                "{} does not explain itself",
                check.id
            );
            assert!(!check.cites.is_empty(), "{} cites nothing", check.id);
            assert!(!check.says.ends_with('.'), "{}: the sentence carries no full stop", check.id);
        }
    }

    #[test]
    fn a_quick_run_has_checks_for_every_transport() {
        for id in QUICK {
            assert!(checks().any(|check| check.id == *id), "{id} is quick, but there is no such check");
        }
        for transport in TRANSPORTS {
            let quick = |check: &&Check| QUICK.contains(&check.id) && check.applies_to(transport.offers);
            assert!(checks().filter(quick).count() >= 5, "{} has few quick checks", transport.name);
        }
    }

    #[test]
    fn every_check_applies_to_some_transport() {
        for check in checks() {
            assert!(check.transports().next().is_some(), "{} is never run", check.id);
        }
    }

    #[test]
    fn every_file_of_an_area_is_on_its_list() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
        for area in AREAS {
            let folder = root.join(area.name);
            let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
            for entry in fs::read_dir(&folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let module = name.trim_end_matches(".rs");
                let listed = module == "mod" || list.contains(&format!("{module}::"));
                assert!(listed, "src/checks/{}/{name} is on no list", area.name);
            }
        }
    }
}
