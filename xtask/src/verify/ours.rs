//! Our own figure, by the program as users have it: built for speed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use echospec::measures::figures::{Comparison, Measure, Round};
use echospec::measures::statistics::median;

use super::peer::{Better, Peer, Tells};

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

    /// What we say to the figure of `peer`: microseconds, or MB/s through the mechanism.
    pub fn measure(&self, peer: &Peer) -> Result<f64> {
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
        let round = cell.rounds.first().context("no round was held")?;
        match (peer.better, peer.tells) {
            (Better::Less, Tells::Median) => Ok(round.figure / 1e3),
            (Better::Less, Tells::Mean | Tells::MedianOfMeans) => {
                let means = cell.rounds.iter().map(Round::mean).collect::<Option<Vec<_>>>();
                Ok(median(&means.context("no histogram")?).context("no round was held")? / 1e3)
            }
            // An echo crosses the mechanism twice.
            (Better::More, _) => Ok(2.0 * round.figure / 1e6),
        }
    }
}
