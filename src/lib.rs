//! Launches a server as a subprocess and tests how it behaves: bytes, descriptors, ports, signals, slow clients,
//! restarts.
//!
//! ```no_run
//! # use echospec::Transport;
//! #[test]
//! fn my_server_is_sound() {
//!     echospec::check(Transport::TCP, ["target/debug/my-server", "{addr}"]).assert_ok();
//! }
//! ```
//!
//! [`check()`] runs the checks of the `echospec` program. If one fails, the test fails with the program's report:
//! what was expected, what happened, the standard or manual page behind it, and a command that repeats it.
//! [`CheckRun`] has the options of the command line. Use the crate as a dev-dependency without default features:
//!
//! ```toml
//! [dev-dependencies]
//! echospec = { version = "0.1", default-features = false }
//! ```
//!
//! # Results as values
//!
//! ```
//! use echospec::{Outcome, Transport};
//!
//! let results = echospec::check(Transport::PIPE, ["cat"]).only("echo/*").skip("echo/full-duplex").run()?;
//! for result in results.checks() {
//!     println!("{} {}: {}", result.outcome, result.check.id, result.check.sentence);
//! }
//! assert!(results.checks().iter().all(|result| result.outcome == Outcome::Pass));
//! # Ok::<(), echospec::Error>(())
//! ```
//!
//! # A server and its clients alone
//!
//! [`Server`] and [`Client`] work without any check: launch, connect, exchange, inspect, signal, restart. Every call
//! has a deadline, and no process outlives the [`Server`].
//!
//! ```
//! use echospec::{LaunchOptions, Server, Spec, Start, Transport};
//!
//! // inetd(8): one process for each client, with the connection as standard input and output.
//! let spec = Spec::new(Transport::TCP, Start::Inetd, ["cat"])?;
//! let mut server = Server::launch(&spec, LaunchOptions::default())?;
//! let mut client = server.connect()?;
//! client.exchange(b"hello")?;
//! if let Ok(processes) = server.processes() {
//!     processes.iter().for_each(|process| println!("{} {}", process.pid, process.name));
//! }
//! client.shut_down_write()?;
//! client.expect_eof()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Effects on the calling process
//!
//! Several threads may use this crate at the same time. It does not reap or signal any child process that it did not
//! launch, and it installs no signal handler. Two things change while a [`Server`] lives, and end with the last one:
//!
//! - On Linux, the process is a child subreaper (prctl(2)), so that daemons which a server forks can be found and
//!   reaped. Orphans of *other* children also become children of this process then, and nothing reaps them.
//!   [`LaunchOptions::subreaper`] turns this off.
//! - A guard runs: a `/bin/sh` child that kills the servers if this process is killed. [`LaunchOptions::guard`]
//!   turns this off.
//!
//! One thread, which launches the servers, stays until the process exits. SIGCHLD must not be ignored, and the process
//! must not wait for *any* child (`waitpid(-1, …)`) while a server lives. A check that needs more descriptors than
//! `RLIMIT_NOFILE` allows is unsupported; the `echospec` program raises the limit, this crate does not.
//!
//! # Features
//!
//! | feature | content |
//! |---|---|
//! | `cli` (default) | everything that the `echospec` program needs; a dev-dependency does not |
//! | `serde` | `Serialize` for [`Outcome`], [`Level`] and [`Summary`] |

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod bench;
pub mod check;
mod check_run;
#[doc(hidden)]
pub mod checks;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod config;
#[doc(hidden)]
pub mod deadline;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod demo;
#[cfg(feature = "cli")]
mod diagram;
#[cfg(feature = "cli")]
mod doctor;
#[cfg(feature = "cli")]
mod fds;
#[cfg(feature = "cli")]
mod load;
#[doc(hidden)]
pub mod outcome;
#[doc(hidden)]
pub mod payload;
#[doc(hidden)]
pub mod protocol;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod requirement;
#[doc(hidden)]
pub mod runner;
#[doc(hidden)]
pub mod scene;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod sys;
#[doc(hidden)]
pub mod text;
mod trace;
#[doc(hidden)]
pub mod transport;
#[doc(hidden)]
pub mod wire;

pub use check_run::{CheckRun, Error, Results, check};
pub use checks::Check;
pub use config::ConfigError;
pub use deadline::{Deadlines, Interrupt};
pub use outcome::{Level, Outcome};
pub use protocol::{FileError, Protocol};
pub use runner::{CheckResult, Expectation, Repeated, Summary};
pub use scene::Scene;
pub use scene::builder::SceneBuilder;
pub use server::{
    CpuUse, Instance, LaunchError, LaunchOptions, Leak, ListenerOptions, Output, ReadyTest, Server, Setup,
    Shutdown, Spec, Start, Stdio,
};
pub use transport::{Address, Capabilities, Client, ConnectOptions, Message, Transport};

pub use nix::sys::signal::Signal;
pub use nix::unistd::Pid;

/// The steps of clients and server during a check.
pub mod timeline {
    pub use crate::runner::Timeline;
    pub use crate::trace::{Action, Actor, Step, Transfer};
}

/// The steps of a scene as methods of its actors.
pub mod steps {
    pub use crate::scene::builder::{
        ClientSteps, Content, OutputStream, PeerSteps, ProgramSteps, SecondServerSteps, ServerSteps, Step,
    };
}

/// Types that describe a process from outside.
pub mod inspect {
    pub use crate::sys::{Descriptor, Object, Process, ProcessStats, Socket, SocketName};
}

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Runs the examples of the page about scenes.
#[cfg(doctest)]
#[doc = include_str!("../docs/scenes.md")]
struct ScenesPage;

/// Compiles the example of the page about servers on standard input and output.
#[cfg(doctest)]
#[doc = include_str!("../docs/stdio.md")]
struct StdioPage;
