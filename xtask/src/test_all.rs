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

    /// Run only the bundled servers that listen on a port, over IPv6
    #[arg(long, conflicts_with = "bundled")]
    ipv6: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    servers::build()?;
    if args.ipv6 {
        return servers::run(bundled::candidates_over_ipv6()?, Vec::new(), &args.selection, |_, _| Ok(()));
    }
    let (mut all, absent) = if args.bundled { Default::default() } else { record::usual_candidates()? };
    all.splice(0..0, bundled::candidates()?);
    servers::run(all, absent, &args.selection, |_, _| Ok(()))
}
