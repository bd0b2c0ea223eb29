//! Short descriptions of sets of transports, for tables.

use super::{Capabilities, TRANSPORTS, Transport};

/// Names of common sets of transports, larger sets first. `echospec list --json` has the names instead.
const GROUPS: &[(&str, Capabilities)] = &[
    ("all", Capabilities::empty()),
    ("daemons", Capabilities::MANY_CLIENTS),
    ("streams", Capabilities::STREAM),
    ("messages", Capabilities::MESSAGES),
    ("connections", Capabilities::CONNECTIONS),
];

/// Transports that differ from another transport only in their addresses or in how they wait. A description that names
/// the other transport leaves them out.
const VARIANTS: &[(&str, &str)] = &[
    ("tcp6", "tcp"),
    ("udp6", "udp"),
    ("unix-abstract", "unix"),
    ("shm-eventfd", "shm-futex"),
    ("shm-spin", "shm-futex"),
];

/// Returns names that describe `transports` in as few words as possible: first groups that they contain as a whole,
/// then the names of the other transports.
#[must_use]
pub fn group_names(transports: &[&'static Transport]) -> Vec<&'static str> {
    let has = |wanted: &Transport| transports.iter().any(|it| it.name == wanted.name);
    let mut covered: Vec<&Transport> = Vec::new();
    let mut words = Vec::new();
    for &(word, capabilities) in GROUPS {
        let members = || TRANSPORTS.iter().copied().filter(|it| it.capabilities.contains(capabilities));
        let adds = members().any(|it| !covered.iter().any(|known| known.name == it.name));
        if adds && members().all(has) {
            words.push(word);
            covered.extend(members());
        }
    }
    let is_named_variant = |it: &Transport| {
        let variant = VARIANTS.iter().find(|(variant, _)| *variant == it.name);
        variant.is_some_and(|(_, base)| transports.iter().any(|it| it.name == *base))
    };
    let rest = transports.iter().filter(|it| !covered.iter().any(|known| known.name == it.name));
    words.extend(rest.filter(|it| !is_named_variant(it)).map(|it| it.name));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(names: &[&str]) -> Vec<&'static str> {
        group_names(&names.iter().map(|name| Transport::named(name).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn names_whole_groups_and_omits_variants() {
        assert_eq!(group_names(TRANSPORTS), ["all"]);
        assert_eq!(describe(&["tcp", "tcp6", "udp"]), ["tcp", "udp"]);
        assert_eq!(describe(&["tcp6"]), ["tcp6"]);
        let streams: Vec<_> =
            TRANSPORTS.iter().copied().filter(|it| it.capabilities.contains(Capabilities::STREAM)).collect();
        assert_eq!(group_names(&streams), ["streams"]);
    }

    #[test]
    fn variants_are_transports() {
        assert!(
            VARIANTS.iter().flat_map(|&(one, base)| [one, base]).all(|it| Transport::named(it).is_some())
        );
    }
}
