//! The verbs of the language: one file for each kind of actor. To add a verb, add an entry to the list of a file.

use super::verb::Verb;

mod clients;
mod descriptors;
mod exits;
mod facts;
mod peers;
mod programs;
mod queues;
mod server;

/// The lists of all verbs, each with its title in `docs/scenes.md`.
pub(super) const LISTS: &[(&str, &[Verb])] = &[
    ("Clients", clients::VERBS),
    ("The server", server::VERBS),
    ("Exits", exits::VERBS),
    ("Facts", facts::VERBS),
    ("Descriptors and connections", descriptors::VERBS),
    ("Queues", queues::VERBS),
    ("Peers", peers::VERBS),
    ("Programs", programs::VERBS),
];

/// Returns every verb, in the order of the documentation.
pub(super) fn all() -> impl Iterator<Item = &'static Verb> {
    LISTS.iter().flat_map(|(_, verbs)| verbs.iter())
}
