//! The checks: one folder for each area, and one file for each check or group of closely related checks.
//!
//! Areas and checks are ordered lists of plain values. Help, `list`, `explain`, the tables in `docs` and the test matrix
//! are generated from them.

use std::fmt;

use crate::check;
use crate::outcome::Level;
use crate::server::Server;
use crate::transport::{Capabilities, TRANSPORTS, Transport, group_names};

mod announcement;
mod bad_requests;
mod busy_loop;
mod company;
mod conversation;
mod cut_request;
mod echo;
mod fd;
mod leaving;
mod lent_flags;
mod life;
mod load;
mod pace;
mod path;
mod port;
mod processes;
mod reply;
mod requests;
mod stall;
mod stdio;
mod steps;
#[cfg(feature = "cli")]
pub(crate) mod systems;
mod uncut;
mod whole;
mod wire;

/// Capabilities that a server has by the way it is started, its set-up or its protocol, and not by its transport.
const NOT_OF_TRANSPORTS: Capabilities =
    Capabilities::ANY_ADDRESS.union(Capabilities::OF_LAUNCHED).union(Capabilities::OF_PROTOCOLS);

/// A check: one property of a server, and the test for it.
pub struct Check {
    /// The id of a check, `area/slug`. An id is never reused for another check.
    pub id: &'static str,
    /// The level of a check: whether the verified property is a MUST, a SHOULD or a MAY.
    pub level: Level,
    /// The sentence that states the property which a check verifies.
    pub sentence: &'static str,
    /// The harm that a server without the verified property does.
    pub why: &'static str,
    /// Standards and manual pages that demand or explain the verified property.
    pub citations: &'static [&'static str],
    /// The steps of a check, for a reader who repeats it by hand.
    pub recipe: &'static str,
    /// Capabilities that a server must have for a check to apply.
    pub requires: Capabilities,
    /// Runs a check against a freshly launched server, or one that an earlier check of its
    /// [conversation](CONVERSATIONS) has left as it was.
    pub(crate) run: fn(&mut Server) -> check::Result,
}

impl Check {
    /// Returns the area of a check: the part of the id before the slash.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(area, _)| area)
    }

    /// Reports whether a check applies to a server with these `capabilities`.
    #[must_use]
    pub fn applies_to(&self, capabilities: Capabilities) -> bool {
        capabilities.contains(self.requires)
    }

    /// Returns the transports to which a check applies with at least one way of starting the server.
    pub fn transports(&self) -> impl Iterator<Item = &'static Transport> {
        let passed = Capabilities::PASSED_LISTENER.union(Capabilities::PASSED_CONNECTION);
        let (rest, passes) =
            (self.requires.difference(passed.union(NOT_OF_TRANSPORTS)), self.requires.intersects(passed));
        let wanted = if passes { rest.union(Capabilities::CONNECTIONS) } else { rest };
        TRANSPORTS.iter().copied().filter(move |transport| transport.capabilities.contains(wanted))
    }

    /// Returns short names for the transports to which a check applies, such as "streams".
    #[must_use]
    pub fn transport_groups(&self) -> Vec<&'static str> {
        group_names(&self.transports().collect::<Vec<_>>())
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// A group of checks about one aspect of a server.
#[derive(Debug)]
pub struct Area {
    /// The name of an area of checks, which is the first part of their ids.
    pub name: &'static str,
    /// A short description of an area of checks.
    pub summary: &'static str,
    /// The checks of an area, in the order of a run.
    pub checks: &'static [&'static Check],
}

/// All areas of checks, in the order in which a run reports them.
pub const AREAS: &[Area] = &[
    Area { name: "echo", summary: "byte-for-byte echo", checks: echo::CHECKS },
    Area {
        name: "reply",
        summary: "replies of any protocol, however its requests arrive",
        checks: reply::CHECKS,
    },
    Area { name: "stdio", summary: "servers on standard input and output", checks: stdio::CHECKS },
    Area { name: "fd", summary: "descriptors and their inheritance", checks: fd::CHECKS },
    Area { name: "port", summary: "ports, and many clients on one port", checks: port::CHECKS },
    Area { name: "path", summary: "socket files", checks: path::CHECKS },
    Area { name: "life", summary: "start and exit, signals, and clients that fail", checks: life::CHECKS },
    Area {
        name: "load",
        summary: "slow and many clients, memory, descriptors and processor time",
        checks: load::CHECKS,
    },
    Area { name: "wire", summary: "packets on the loopback interface", checks: wire::CHECKS },
];

/// The ids of the checks that take longest with most servers, the longest first. Several workers begin with them, so
/// that no worker has one of them left at the end of a run.
pub(crate) const LONG_CHECK_IDS: &[&str] = &[
    "port/second-instance",
    "load/beyond-fd-setsize",
    "load/idle-while-stalled",
    "load/idle-client",
    "stdio/input-from-file",
    "stdio/survives-bad-header",
    "stdio/ends-on-sigint",
    "stdio/nonblocking-output",
    "stdio/ends-at-eof",
    "reply/after-resets",
    "life/unread-log",
    "load/out-of-descriptors",
    "reply/cut-anywhere",
    "load/slow-client-blocks-none",
    "reply/beside-stalled-reader",
    "life/survives-reset",
    "load/no-cross-talk",
    "life/ends-on-sigterm",
    "echo/half-close",
    "load/idle",
    "life/delivers-before-ending",
    "life/other-signals",
    "reply/nothing-unasked",
    "stdio/keeps-nothing-open",
    "stdio/answers-no-notification",
];

/// The ids of checks that go on with one conversation, in this order, if the server is on standard input and output. Each
/// but the last leaves the server as it was. So a server that starts slowly is started once for all of them.
pub(crate) const CONVERSATIONS: &[&[&str]] = &[
    &[
        "reply/nothing-unasked",
        "reply/cut-anywhere",
        "reply/together",
        "reply/byte-by-byte",
        "stdio/any-id",
        "stdio/cut-characters",
        "stdio/survives-bad-messages",
    ],
    &[
        "stdio/answers-no-notification",
        "stdio/long-message",
        "stdio/line-ends",
        "stdio/header-fields",
        "stdio/header-names",
        "stdio/answers-unknown-method",
        "stdio/method-not-found",
        "stdio/answers-each-once",
        "stdio/cancelled-request",
    ],
    &[
        "stdio/keeps-nothing-open",
        "stdio/keeps-no-memory",
        "load/idle",
        "stdio/idle-wake-ups",
        "stdio/ends-at-goodbye",
        "stdio/status-at-eof",
    ],
];

/// The ids of the checks that `--quick` selects. Together they catch most broken servers, in a few seconds.
pub const QUICK_CHECK_IDS: &[&str] = &[
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
    "reply/nothing-unasked",
    "reply/cut-anywhere",
    "reply/together",
    "reply/while-stopped",
    "stdio/protocol-only",
    "stdio/survives-bad-messages",
    "stdio/ends-at-eof",
    "stdio/answers-before-eof",
    "stdio/ends-at-goodbye",
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

/// Returns the checks of all areas, in the order of a run.
pub fn all_checks() -> impl Iterator<Item = &'static Check> {
    AREAS.iter().flat_map(|area| area.checks.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn ids_are_unique_slugs_in_their_area() {
        let mut seen = HashSet::new();
        for area in AREAS {
            for check in area.checks {
                assert!(seen.insert(check.id), "{} is listed twice", check.id);
                assert_eq!(check.area(), area.name, "{} is in the wrong area", check.id);
                let slug = check.id.chars().all(|letter| matches!(letter, 'a'..='z' | '-' | '/'));
                assert!(slug, "{} is not a slug", check.id);
            }
        }
    }

    #[test]
    fn every_check_has_reasons_and_citations() {
        for check in all_checks() {
            assert!(
                !check.why.is_empty() && !check.recipe.is_empty(),
                "{} has no why or no recipe",
                check.id
            );
            assert!(!check.citations.is_empty(), "{} has no citations", check.id);
            assert!(!check.sentence.ends_with('.'), "{}: the sentence ends with a full stop", check.id);
        }
    }

    #[test]
    fn quick_run_has_checks_for_every_transport() {
        for id in QUICK_CHECK_IDS.iter().chain(LONG_CHECK_IDS).chain(CONVERSATIONS.iter().copied().flatten())
        {
            assert!(
                all_checks().any(|check| check.id == *id),
                "{id} is on a list, but there is no such check"
            );
        }
        for transport in TRANSPORTS {
            let all =
                transport.capabilities.union(Capabilities::OF_LAUNCHED).union(Capabilities::OF_PROTOCOLS);
            let quick = |check: &&Check| QUICK_CHECK_IDS.contains(&check.id) && check.applies_to(all);
            assert!(all_checks().filter(quick).count() >= 5, "{} has few quick checks", transport.name);
        }
    }

    #[test]
    fn every_check_applies_to_some_transport() {
        for check in all_checks() {
            assert!(check.transports().next().is_some(), "{} is never run", check.id);
        }
    }

    #[test]
    fn every_file_of_an_area_is_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
        for area in AREAS {
            let folder = root.join(area.name);
            let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
            for entry in fs::read_dir(&folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let module = name.trim_end_matches(".rs");
                let listed = module == "mod" || list.contains(&format!("{module}::"));
                assert!(listed, "src/checks/{}/{name} is not listed", area.name);
            }
        }
    }
}
