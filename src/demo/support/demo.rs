//! The definition of a demo.

use super::renderer::Renderer;
use super::run::DemoRun;
use crate::check;
use crate::deadline::Deadlines;

/// A demo of one mechanism of the operating system.
#[derive(Debug)]
pub struct Demo {
    /// The name of a demo on the command line.
    pub name: &'static str,
    /// A one-line summary of what a demo shows.
    pub summary: &'static str,
    pub(in crate::demo) run: fn(&mut DemoRun<'_>) -> check::Result,
}

impl Demo {
    /// Runs a demo and renders it with `renderer`. Every process that it launches has exited when this returns.
    ///
    /// # Errors
    /// A failure that names the claim that does not hold on this system. Unsupported if the system does not show
    /// what the demo is about. Broken if the programs of the demo cannot be run.
    pub fn run(&self, renderer: &mut dyn Renderer, deadlines: Deadlines) -> check::Result {
        let mut run = DemoRun::new(renderer, deadlines);
        run.begin(self.name, self.summary)?;
        (self.run)(&mut run)?;
        run.finish()
    }
}
