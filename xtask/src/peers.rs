//! `cargo xtask peers`: every third-party server that is installed, against the record of what it does.

use anyhow::Result;

use crate::record;
use crate::round::{self, Selection};
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
    round::build()?;
    let (servers, absent) = record::candidates()?;
    let round = round::run(servers, absent, &args.selection)?;
    if args.table {
        table::write(&round.servers, &round.rows)?;
    }
    Ok(round.as_recorded)
}
