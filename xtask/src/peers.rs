//! `cargo xtask peers`: every third-party server that is installed, against the record of what it does.

use anyhow::Result;

use crate::record;
use crate::round::{self, Selection};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
}

pub fn run(args: &Args) -> Result<bool> {
    round::build()?;
    let (servers, absent) = record::candidates()?;
    round::run(servers, absent, &args.selection)
}
