//! What a server always leaves behind, and no check alone is to blame for.

use std::sync::OnceLock;

use super::Options;
use crate::server::{Server, Spec};

/// The kinds of things that a server leaves behind after a life without incident: `life/leaves-nothing-behind`
/// and `path/removed-at-exit` tell of those, once, and no other check is to blame for them.
#[derive(Default)]
pub(super) struct Habits(OnceLock<Option<Vec<&'static str>>>);

/// How many lives are tried until one is without incident.
const LIVES: usize = 3;

impl Habits {
    /// Whether such things are always left. So they are taken to be, too, of a server none of whose lives was without
    /// incident. Found out when it is first asked: most servers leave nothing.
    pub fn include(&self, kind: &str, spec: &Spec, options: &Options) -> bool {
        let habits = self.0.get_or_init(|| (0..LIVES).find_map(|_| one_life(spec, options)));
        habits.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// What is left after an ordinary client and SIGTERM; `None` of one that did not start, or had to be killed.
fn one_life(spec: &Spec, options: &Options) -> Option<Vec<&'static str>> {
    let mut server = Server::launch(spec, options.launch()).ok()?;
    // Whether it answers is not the question here.
    let _ = server.connect_and_exchange();
    let shutdown = server.shutdown();
    shutdown.clean.then(|| shutdown.leaks.into_iter().map(|remnant| remnant.kind).collect())
}
