//! Shared by the demos: how a demo runs and is rendered, and the programs, files and kernel tables that demos show.
//!
//! A demo is a [`Demo`]. It talks to a [`DemoRun`], which verifies claims and passes [`Block`]s of output to a
//! [`Renderer`]: a terminal or an SVG document.

mod demo;
mod files;
mod launch;
mod renderer;
mod run;
mod snapshot;
mod svg;
mod syscalls;
mod tcp_client;
pub(super) mod tcp_table;
mod terminal;

pub use demo::Demo;
pub(super) use files::{TempFolder, duplicate, duplicate_for_stdio, pseudo_terminal};
pub(super) use launch::*;
pub use renderer::{Block, Renderer};
pub use run::DemoRun;
pub(super) use snapshot::{select_clients, take_snapshot};
pub use svg::SvgDocument;
pub(super) use syscalls::SyscallTrace;
pub(super) use tcp_client::{TCP_CLIENT, TcpClient, accept, listen};
pub use terminal::{TerminalOptions, TerminalRenderer};
