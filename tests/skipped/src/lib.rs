//! Tests that cannot run here say so.
//!
//! A test that lacks a program, a permission or a property of the system calls [`because`] and returns:
//!
//! ```no_run
//! # use std::process::Command;
//! #[test]
//! fn python_reads_the_report() {
//!     let Ok(python) = Command::new("python3").spawn() else {
//!         return skipped::because("python3 is not installed");
//!     };
//! }
//! ```

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The variable that, if it is `1`, makes every skipped test fail.
pub const REQUIRE_ALL: &str = "ECHOSPEC_REQUIRE_ALL";

/// Reports on standard error that the current test is skipped, and how many this program has skipped.
///
/// # Panics
/// If `ECHOSPEC_REQUIRE_ALL=1`.
pub fn because(reason: impl Display) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let is_required = env::var_os(REQUIRE_ALL).is_some_and(|value| value == "1");
    assert!(!is_required, "{REQUIRE_ALL} is set, and this test cannot run: {reason}");
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let thread = thread::current();
    let name = thread.name().unwrap_or("a test");
    // The test harness captures eprintln!, but not this.
    let _ = writeln!(io::stderr(), "skipped {name}: {reason} (skipped so far: {count})");
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the other tests run.
    #[test]
    fn skips_if_asked() {
        if env::var_os("SKIPPED_TEST_SKIPS").is_some() {
            because("it was asked to");
        }
    }

    fn run(require_all: &str) -> (bool, String) {
        let mut run = Command::new(env::current_exe().unwrap());
        run.args(["--exact", "tests::skips_if_asked"]);
        let output = run.env("SKIPPED_TEST_SKIPS", "1").env(REQUIRE_ALL, require_all).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_skip_shows_though_the_test_passes() {
        let (passed, text) = run("");
        assert!(
            passed && text.contains("skipped tests::skips_if_asked: it was asked to (skipped so far: 1)"),
            "{text}"
        );
    }

    #[test]
    fn a_skip_fails_if_all_tests_are_required() {
        let (passed, text) = run("1");
        assert!(!passed && text.contains("cannot run: it was asked to"), "{text}");
    }
}
