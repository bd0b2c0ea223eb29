//! Shows a run while it goes on: a line on a terminal, and a line for each interim result elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::load::{Progress, format_time};

const TEMPLATE: &str = "{spinner} {msg}";

/// The live view of a run, on standard error. Dropping it removes the line.
pub(super) struct LiveView {
    bar: ProgressBar,
    /// Whether each interim result is printed as a line of its own.
    prints_lines: bool,
}

impl LiveView {
    pub fn new(prints_lines: bool) -> LiveView {
        let target = if prints_lines { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        // Cannot fail: the template is a valid constant.
        let style = ProgressStyle::with_template(TEMPLATE);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        LiveView { bar, prints_lines }
    }

    pub fn show(&self, progress: &Progress) {
        let text = describe(progress);
        if self.prints_lines {
            anstream::eprintln!("{text}");
        } else {
            self.bar.set_message(text);
            self.bar.tick();
        }
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn describe(progress: &Progress) -> String {
    let Some(measured) = progress.measured else {
        return format!("{} connections answered", progress.connected);
    };
    let [p50, p99, max] = progress.latencies.map(format_time);
    format!(
        "{:.1} s: {:.0} requests/s, p50 {p50}, p99 {p99}, max {max}, {} errors",
        measured.as_secs_f64(),
        progress.rate,
        progress.errors,
    )
}
