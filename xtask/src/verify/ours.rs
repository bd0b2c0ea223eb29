//! Our own figure, by the program as users have it: built for speed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use echospec::bench::comparison::{Comparison, Measure, Round};
use echospec::bench::statistics::median;

use super::peer::{Better, Peer, Tells};

/// Our figures of one measurement.
#[derive(Clone, Copy)]
pub struct Our {
    /// Reckoned as the peer reckons its own.
    pub alike: f64,
    pub median: f64,
}

/// The program under scrutiny.
pub struct Ours {
    program: PathBuf,
}

impl Ours {
    /// Builds it with its servers.
    pub fn build(root: &Path) -> Result<Ours> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built =
            Command::new(cargo).args(["build", "--release", "-p", "echospec"]).current_dir(root).status()?;
        ensure!(built.success(), "the release cannot be built");
        Ok(Ours { program: root.join("target/release/echospec") })
    }

    /// What we say to the figure of `peer`: microseconds, or MB/s through the mechanism; and our median beside it, which
    /// is the same where the peer tells a median too.
    pub fn measure(&self, peer: &Peer) -> Result<Our> {
        let measure = match peer.better {
            Better::Less => Measure::RoundTrip,
            Better::More => Measure::Throughput,
        };
        let size = peer.size.to_string();
        let mut command = Command::new(&self.program);
        let rounds = if matches!(peer.tells, Tells::MedianOfMeans) { "3" } else { "1" };
        command.args(["compare", peer.mechanism, "--placement", "same", "--rounds", rounds, "--time", "1"]);
        command.args(["--measures", measure.name(), "--sizes", &size, "--json", "-"]);
        let output = command.output().context("cannot run echospec")?;
        let comparison: Comparison = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("echospec: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
        let [cell] = &comparison.cells[..] else { bail!("not one figure but {}", comparison.cells.len()) };
        if let Some(why) = &cell.void {
            bail!("ours: {why}");
        }
        let p50 = cell.figure.value / 1e3;
        match (peer.better, peer.tells) {
            (Better::Less, Tells::Median) => Ok(Our { alike: p50, median: p50 }),
            (Better::Less, Tells::Mean | Tells::MedianOfMeans) => {
                let means = cell.rounds.iter().map(Round::mean).collect::<Option<Vec<_>>>();
                let mean = median(&means.context("no histogram")?).context("no round was held")?;
                Ok(Our { alike: mean / 1e3, median: p50 })
            }
            // An echo crosses the mechanism twice.
            (Better::More, _) => {
                let through = 2.0 * cell.figure.value / 1e6;
                Ok(Our { alike: through, median: through })
            }
        }
    }
}
