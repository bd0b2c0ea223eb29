//! echospec launches any echo server, in any language, as a real subprocess and says, check by check, what
//! it does wrong: with what was expected, what was seen, and the standard or manual page behind it.
//!
//! The `echospec` program is a thin front of this library. As a dev-dependency it makes the same checks
//! part of a server's own tests:
//!
//! ```no_run
//! use echospec::runner::{self, Options};
//! use echospec::server::{Spec, Start};
//! use echospec::transport::Transport;
//! use echospec::checks::checks;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tcp = Transport::named("tcp").ok_or("no such transport")?;
//! let spec = Spec::new(tcp, Start::Bind, ["target/debug/my-server", "{addr}"])?;
//! let apply: Vec<_> = checks().filter(|check| check.applies_to(spec.capabilities())).collect();
//! for report in runner::run(&spec, &apply, &Options::default(), |_| ())? {
//!     assert!(!report.outcome.is_failure(), "{}: {}", report.check.id, report.actual);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A server that is only to be launched, spoken to and ended again is a [`server::Server`]; whatever
//! happens, none of its processes outlives that value.
//!
//! # Rooms, bottom to top
//!
//! A file imports only from its own room and from those below it.
//!
//! | room | what lives there |
//! |---|---|
//! | `cli` | parse, call one library function, print, exit code |
//! | `report`, `demo`, `fds`, `doctor`, `expectations` | what a run found, demonstrations drawn from live kernel state, who holds the other end, what this machine lacks |
//! | [`runner`] | pairs servers with checks and emits events |
//! | [`checks`] | one file for each check |
//! | [`server`] | launch, await ready, inspect, signal, restart, reap |
//! | [`transport`], [`wire`] | one file for each mechanism: how a client reaches a server; the packets themselves |
//! | [`protocol`] | the requests that a client sends and the replies that must come back |
//! | [`deadline`], [`trace`] | every time limit; what clients and servers did, in order |
//! | [`mod@check`], [`outcome`], [`text`], [`payload`], [`requirement`], [`sys`] | results, text for reports, bytes to send, what a machine can lack, and the system |

#[cfg(feature = "cli")]
pub mod bench;
pub mod check;
mod check_run;
pub mod checks;
#[cfg(feature = "cli")]
pub mod cli;
pub mod deadline;
#[cfg(feature = "cli")]
pub mod demo;
#[cfg(feature = "cli")]
pub mod diagram;
#[cfg(feature = "cli")]
pub mod doctor;
#[cfg(feature = "toml")]
pub mod expectations;
#[cfg(feature = "cli")]
pub mod fds;
pub mod outcome;
pub mod payload;
pub mod protocol;
pub mod report;
pub mod requirement;
pub mod runner;
pub mod server;
pub mod sys;
pub mod text;
pub mod trace;
pub mod transport;
pub mod wire;

pub use check_run::check;

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
