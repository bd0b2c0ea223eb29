//! Measures with echospec, in its release build.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use echospec::bench::comparison::{Comparison, Measure, Measurement, Round};
use echospec::bench::statistics::median;

use super::peer::{Better, Peer, Statistic};

/// Our values for one measurement of a peer: microseconds, or MB/s through the mechanism.
#[derive(Clone, Copy)]
pub struct OurValues {
    /// Computed with the same statistic as the peer's value.
    pub same_statistic: f64,
    pub median: f64,
}

/// The release build of echospec.
pub struct Echospec {
    program: PathBuf,
}

impl Echospec {
    /// Builds the program and its servers.
    pub fn build(root: &Path) -> Result<Echospec> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built =
            Command::new(cargo).args(["build", "--release", "-p", "echospec"]).current_dir(root).status()?;
        ensure!(built.success(), "cannot build the release");
        Ok(Echospec { program: root.join("target/release/echospec") })
    }

    /// Measures the same as `peer`.
    pub fn measure(&self, peer: &Peer) -> Result<OurValues> {
        let measure = match peer.better {
            Better::Lower => Measure::RoundTrip,
            Better::Higher => Measure::Throughput,
        };
        let size = peer.size.to_string();
        let mut command = Command::new(&self.program);
        let rounds = if matches!(peer.statistic, Statistic::MedianOfMeans) { "3" } else { "1" };
        command.args(["compare", peer.mechanism, "--placement", "same", "--rounds", rounds, "--time", "1"]);
        command.args(["--measures", measure.name(), "--sizes", &size, "--json", "-"]);
        let output = command.output().context("cannot run echospec")?;
        let comparison: Comparison = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("echospec: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
        let [measurement] = &comparison.measurements[..] else {
            bail!("expected one measurement, found {}", comparison.measurements.len())
        };
        if let Some(reason) = &measurement.no_result {
            bail!("echospec: {reason}");
        }
        values(peer, measurement)
    }
}

fn values(peer: &Peer, measurement: &Measurement) -> Result<OurValues> {
    let p50 = measurement.estimate.value / 1e3;
    match (peer.better, peer.statistic) {
        (Better::Lower, Statistic::Median) => Ok(OurValues { same_statistic: p50, median: p50 }),
        (Better::Lower, Statistic::Mean | Statistic::MedianOfMeans) => {
            let means = measurement.rounds.iter().map(Round::mean).collect::<Option<Vec<_>>>();
            let mean = median(&means.context("there is no histogram")?).context("there are no rounds")?;
            Ok(OurValues { same_statistic: mean / 1e3, median: p50 })
        }
        // An echo crosses the mechanism twice.
        (Better::Higher, _) => {
            let throughput = 2.0 * measurement.estimate.value / 1e6;
            Ok(OurValues { same_statistic: throughput, median: throughput })
        }
    }
}
