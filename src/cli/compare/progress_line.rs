//! Shows the progress of a comparison on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::bench::schedule::progress::Progress;

const CALIBRATING: &str = "{spinner} finding out what is possible: {msg}";
const MEASURING: &str = "{bar:24} {pos}/{len}  about {prefix} left  {msg}";

/// The progress of a comparison, as a line on standard error, if that is a terminal. Dropping it removes the line.
pub(super) struct ProgressLine(ProgressBar);

impl ProgressLine {
    pub fn new() -> ProgressLine {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style(CALIBRATING));
        ProgressLine(bar)
    }

    pub fn show(&self, progress: &Progress) {
        self.0.set_message(progress.current.clone());
        if progress.total > 0 {
            if self.0.length().is_none() {
                self.0.set_style(style(MEASURING));
            }
            self.0.set_length(progress.total as u64);
            self.0.set_position(progress.done as u64);
            self.0.set_prefix(format!("{} s", progress.left.as_secs_f64().ceil()));
        }
        self.0.tick();
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // Cannot fail: the templates are valid constants.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
