//! `cargo xtask test-all`: every server there is, against every check that applies to it.

use anyhow::Result;

use crate::round::{self, Selection};
use crate::{bundled, record};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,

    /// Run the bundled servers alone.
    #[arg(long)]
    bundled: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    round::build()?;
    let (mut servers, absent) = if args.bundled { Default::default() } else { record::candidates()? };
    servers.splice(0..0, bundled::candidates()?);
    Ok(round::run(servers, absent, &args.selection)?.as_recorded)
}
