//! `cargo xtask peers`: every third-party server that is installed, compared with the record of its deviations.

use anyhow::Result;

use crate::record::{self, List};
use crate::servers::{self, Selection};
use crate::table;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,

    /// Run the servers on standard input and output instead, and install those of npm, PyPI and crates.io
    #[arg(long)]
    stdio: bool,

    /// Write each server's row in docs/servers.md, or docs/stdio-servers.md, as soon as all its checks have run as the
    /// record expects
    #[arg(long)]
    table: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    let (peers, absent) = match (args.stdio, args.table) {
        (true, _) => record::candidates(List::Stdio)?,
        (false, true) => record::candidates(List::Peers)?,
        (false, false) => record::usual_candidates()?,
    };
    let page = if args.stdio { &table::STDIO_SERVERS } else { &table::SERVERS };
    let update = |server: &_, row: &_| if args.table { page.update(server, row) } else { Ok(()) };
    servers::run(peers, absent, &args.selection, update)
}
