//! Stories told from live kernel state: real programs, drawn as the kernel sees them, step by step.
//!
//! A demo runs bundled servers, stops the film at the moments worth seeing, and shows who holds which
//! descriptor. It claims nothing that it has not verified: a demo whose story is not so on this system
//! fails. One file per demo; what they share is the model ([`picture`]), the narrator ([`story`]), and the stages
//! it tells on ([`stage`]): a terminal ([`terminal`], [`draw`]) or a picture ([`svg`]).

use std::io::Write;

use crate::check;
use crate::deadline::Deadlines;

pub mod draw;
pub mod picture;
pub mod stage;
pub mod story;
pub mod svg;
pub mod terminal;

mod access;
mod activation;
mod actor;
mod calls;
mod canvas;
mod connections;
mod everything_is_a_file;
mod fds;
mod fork;
mod greeting;
mod half_close;
mod inheritance;
mod lanes;
mod launch;
mod many_clients;
mod pipe;
mod pipe_ends;
mod props;
mod redirect;
mod reset;
mod sharing;
mod socket;
mod time_wait;
mod udp;
mod unix;
mod wording;

pub use access::AccessMode;
use stage::Stage;
use story::{Manner, Story};
use terminal::Terminal;

/// Every demo, in the order in which a beginner should see them.
pub const DEMOS: &[&Demo] = &[
    &fds::DEMO,
    &redirect::DEMO,
    &pipe::DEMO,
    &fork::DEMO,
    &socket::DEMO,
    &greeting::DEMO,
    &many_clients::DEMO,
    &half_close::DEMO,
    &reset::DEMO,
    &time_wait::DEMO,
    &udp::DEMO,
    &unix::DEMO,
    &activation::DEMO,
    &everything_is_a_file::DEMO,
];

/// A story about one mechanism.
#[derive(Debug)]
pub struct Demo {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, in one line.
    pub says: &'static str,
    run: fn(&mut Story<'_>) -> check::Result,
}

impl Demo {
    /// The demo called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Demo> {
        DEMOS.iter().copied().find(|demo| demo.name == name)
    }

    /// Tells the story to `out`, with escape sequences for colours. Every process that it launches has
    /// ended when this returns.
    ///
    /// # Errors
    /// As [`play`](Demo::play).
    pub fn tell(&self, out: &mut dyn Write, manner: Manner) -> check::Result {
        self.play(&mut Terminal::new(out, manner), manner.deadlines)
    }

    /// Tells the story on `stage`. Every process that it launches has ended when this returns.
    ///
    /// # Errors
    /// A failure that names the claim that is not so here; unsupported where the system does not show what
    /// the story is about; a broken harness where its programs cannot be run.
    pub fn play(&self, stage: &mut dyn Stage, deadlines: Deadlines) -> check::Result {
        let mut story = Story::new(stage, deadlines);
        story.open(self.name, self.says)?;
        (self.run)(&mut story)?;
        story.close()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Demo;

    #[test]
    fn every_demo_of_this_folder_is_on_the_list() {
        let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo")).unwrap();
        for path in folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_demo = name != "mod" && text.contains("const DEMO: Demo");
            let listed = Demo::named(&name.replace('_', "-")).is_some();
            assert!(!is_demo || listed, "{} is not in DEMOS", path.display());
        }
    }
}
