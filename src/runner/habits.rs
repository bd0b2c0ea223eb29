//! What a server always leaves behind, and no check alone is to blame for.

use std::sync::OnceLock;

use super::Options;
use crate::server::{Server, Spec};
use crate::transport::Needs;

/// The kinds of things that a server leaves behind after a life without incident: `life/leaves-nothing-behind`
/// and `path/removed-at-exit` tell of those, once, and no other check is to blame for them.
#[derive(Default)]
pub(super) struct Habits(OnceLock<Vec<&'static str>>);

impl Habits {
    /// Found out when it is first asked: most servers leave nothing.
    pub fn of(&self, spec: &Spec, options: &Options) -> &[&'static str] {
        self.0.get_or_init(|| {
            let Ok(mut server) = Server::launch(spec, options.patience, options.seed) else {
                return Vec::new();
            };
            // Whether it answers is not the question here.
            let _ = if spec.offers().contains(Needs::STREAM) {
                server.connect().and_then(|mut client| client.exchange(b"here"))
            } else {
                server.messenger().and_then(|mut client| client.exchange(b"here").map(drop))
            };
            server.put_away().into_iter().map(|remnant| remnant.kind).collect()
        })
    }
}
