//! `cargo xtask test-all`: every bundled and third-party server against every check that applies to it.

use anyhow::Result;

use crate::servers::{self, Selection};
use crate::{bundled, record};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,

    /// Run only the bundled servers
    #[arg(long)]
    bundled: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    let (mut all, absent) = if args.bundled { Default::default() } else { record::usual_candidates()? };
    all.splice(0..0, bundled::candidates()?);
    servers::run(all, absent, &args.selection, |_, _| Ok(()))
}
