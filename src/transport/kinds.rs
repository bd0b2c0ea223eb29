//! A set of transports in a few words, for tables that people read.

use super::{Capabilities, TRANSPORTS, Transport};

/// Words for sets that come often, the larger ones first. Whoever wants the names has `echospec list --json`.
const GROUPS: &[(&str, Capabilities)] = &[
    ("all", Capabilities::empty()),
    ("daemons", Capabilities::MANY_CLIENTS),
    ("streams", Capabilities::STREAM),
    ("messages", Capabilities::MESSAGES),
    ("connections", Capabilities::CONNECTIONS),
];

/// Transports that differ from another in their addresses alone, or in how they wait: they go without saying.
const VARIANTS: &[(&str, &str)] = &[
    ("tcp6", "tcp"),
    ("udp6", "udp"),
    ("unix-abstract", "unix"),
    ("shm-eventfd", "shm-futex"),
    ("shm-spin", "shm-futex"),
];

/// What `transports` are, in as few words as there are for it: names of groups that are in it as a whole, then those
/// of single transports.
#[must_use]
pub fn kinds(transports: &[&'static Transport]) -> Vec<&'static str> {
    let has = |wanted: &Transport| transports.iter().any(|it| it.name == wanted.name);
    let mut said: Vec<&Transport> = Vec::new();
    let mut words = Vec::new();
    for &(word, needs) in GROUPS {
        let members = || TRANSPORTS.iter().copied().filter(|it| it.offers.contains(needs));
        let adds = members().any(|it| !said.iter().any(|known| known.name == it.name));
        if adds && members().all(has) {
            words.push(word);
            said.extend(members());
        }
    }
    let goes_without_saying = |it: &Transport| {
        let of = VARIANTS.iter().find(|(variant, _)| *variant == it.name);
        of.is_some_and(|(_, kin)| transports.iter().any(|it| it.name == *kin))
    };
    let rest = transports.iter().filter(|it| !said.iter().any(|known| known.name == it.name));
    words.extend(rest.filter(|it| !goes_without_saying(it)).map(|it| it.name));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Vec<&'static str> {
        kinds(&names.iter().map(|name| Transport::named(name).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn a_whole_group_is_one_word_and_variants_go_without_saying() {
        assert_eq!(kinds(TRANSPORTS), ["all"]);
        assert_eq!(of(&["tcp", "tcp6", "udp"]), ["tcp", "udp"]);
        assert_eq!(of(&["tcp6"]), ["tcp6"]);
        let streams: Vec<_> =
            TRANSPORTS.iter().copied().filter(|it| it.offers.contains(Capabilities::STREAM)).collect();
        assert_eq!(kinds(&streams), ["streams"]);
    }

    #[test]
    fn every_variant_and_its_kin_are_transports() {
        assert!(VARIANTS.iter().flat_map(|&(one, kin)| [one, kin]).all(|it| Transport::named(it).is_some()));
    }
}
