//! `cargo xtask verify-compare`: compares echospec with other programs, on one processor, in turns.

use anyhow::{Context, Result, ensure};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use echospec::bench::comparison::Estimate;
use echospec::bench::placement::processors;
use echospec::bench::statistics::{estimate_ratio, median};
use echospec::cli::interrupt;
use echospec::deadline::is_interrupted;
use echospec::server::sweep;

use crate::root;

mod ours;
mod peer;
mod peers;

use ours::{Echospec, OurValues};
use peer::{Better, Peer};

/// The arguments of `verify-compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Number of pairs of measurements.
    #[arg(long, default_value_t = 10)]
    pairs: usize,

    /// Only measurements whose line contains TEXT.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

const HELP: &str = "\
Uses sockperf, qperf and perf if they are installed (Debian: sockperf, qperf, linux-perf). Two suites must be built from
source; set the directories of their programs:

  ECHOSPEC_LMBENCH    directory of lmbench's lat_pipe, lat_unix, lat_tcp, bw_unix ...
  ECHOSPEC_IPC_BENCH  directory of goldsborough/ipc-bench's pipe/pipe, domain/domain ... (build/source)

A ratio below 1 means that echospec takes less time. If a peer prints a mean, it is compared with our mean, and if it
prints a median, with our median. Users see our median, so the table shows it as well.";

/// A line of the table.
struct Row {
    peer: &'static Peer,
    /// The values of echospec and of the peer in each pair.
    pairs: Vec<(OurValues, f64)>,
    error: Option<String>,
}

/// Measures all pairs and prints the table. Returns false if a peer is significantly faster than echospec.
pub fn run(args: &Args) -> Result<bool> {
    ensure!(args.pairs > 0, "--pairs must be at least 1");
    interrupt::watch_signals()?;
    let ours = Echospec::build(&root())?;
    let processor = processors::choose_processors()
        .context("cannot find the processors that this process may use")?
        .client;
    let wanted = |peer: &&'static Peer| args.only.as_deref().is_none_or(|text| peer.title().contains(text));
    let mut rows: Vec<_> = peers::PEERS
        .iter()
        .filter(wanted)
        .map(|peer| Row { peer, pairs: Vec::new(), error: peer.missing() })
        .collect();
    ensure!(!rows.is_empty(), "no measurement matches --only");
    for number in 0..args.pairs {
        for row in rows.iter_mut().filter(|row| row.error.is_none()) {
            if is_interrupted() {
                break;
            }
            row.measure(number, &ours, processor);
        }
        eprintln!("pair {} of {}", number + 1, args.pairs);
    }
    sweep();
    println!("{}", table(&rows));
    Ok(!is_interrupted()
        && rows.iter().all(|row| row.ratio(|our| our.same_statistic).is_none_or(|it| it.low <= 1.0)))
}

impl Row {
    /// Measures one pair. The order alternates, so that neither always runs after the other.
    fn measure(&mut self, number: usize, ours: &Echospec, processor: usize) {
        let their = || self.peer.measure(processor);
        let our = || ours.measure(self.peer);
        let pair = if number.is_multiple_of(2) {
            our().and_then(|our| Ok((our, their()?)))
        } else {
            their().and_then(|their| Ok((our()?, their)))
        };
        match pair {
            Ok(pair) => self.pairs.push(pair),
            Err(error) => self.error = format!("{error:#}").lines().next().map(str::to_owned),
        }
    }

    /// Returns the ratio of our time to theirs.
    fn ratio(&self, value: fn(&OurValues) -> f64) -> Option<Estimate> {
        let time = |(our, their): &(OurValues, f64)| match self.peer.better {
            Better::Lower => (value(our), *their),
            Better::Higher => (*their, value(our)),
        };
        estimate_ratio(&self.pairs.iter().map(time).collect::<Vec<_>>(), 1)
    }

    fn cells(&self) -> Vec<String> {
        let of = |side: fn(&(OurValues, f64)) -> f64| {
            median(&self.pairs.iter().map(side).collect::<Vec<_>>())
                .map_or("–".into(), |value| format!("{value:.2} {}", self.peer.better.unit()))
        };
        let shown = |it: Estimate| format!("{:.3} [{:.3}, {:.3}]", it.value, it.low, it.high);
        let ratio = |value| self.ratio(value).map(shown).unwrap_or_default();
        let error = self.error.clone().unwrap_or_default();
        vec![
            self.peer.title(),
            of(|pair| pair.1),
            of(|pair| pair.0.same_statistic),
            ratio(|our| our.same_statistic),
            of(|pair| pair.0.median),
            ratio(|our| our.median),
            error,
        ]
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "",
        "theirs",
        "ours, same statistic",
        "ours / theirs, in time [95 %]",
        "our median",
        "our median / theirs [95 %]",
        "",
    ]);
    table.add_rows(rows.iter().map(Row::cells));
    table
}
