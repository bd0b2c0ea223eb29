//! `cargo xtask peers`: every third-party server that is installed, compared with the record of its deviations.

use anyhow::Result;

use crate::record;
use crate::servers::{self, Selection};
use crate::table;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,

    /// Write docs/servers.md from what the servers do in this run.
    #[arg(long)]
    table: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    let (peers, absent) = record::candidates()?;
    let run = servers::run(peers, absent, &args.selection)?;
    if args.table {
        table::write(&run.servers, &run.rows)?;
    }
    Ok(run.as_expected)
}
