//! `cargo xtask verify-compare`: our figures beside those of other programs, on one processor, in turns.

use anyhow::{Context, Result, ensure};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use echospec::bench::comparison::Estimate;
use echospec::bench::placement::processors;
use echospec::bench::statistics::{median, ratio};
use echospec::cli::interrupt;
use echospec::deadline::interrupted;
use echospec::server::sweep;

use crate::root;

mod bounded;
mod ours;
mod peer;
mod peers;

use ours::{Our, Ours};
use peer::{Better, Peer};

/// What to compare with, and how often.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// How many pairs of measurements.
    #[arg(long, default_value_t = 10)]
    pairs: usize,

    /// Only peers, mechanisms or figures whose line contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

const HELP: &str = "\
Peers, where they are installed: sockperf, qperf and perf (Debian: sockperf, qperf, linux-perf); and of two that must be
built from source, where their programs lie:

  ECHOSPEC_LMBENCH    the directory that has lmbench's lat_pipe, lat_unix, lat_tcp, bw_unix ...
  ECHOSPEC_IPC_BENCH  the directory of goldsborough/ipc-bench that has pipe/pipe, domain/domain ... (build/source)

A ratio below 1 is in our favour. Of a peer that tells a mean, our mean is compared; of one that tells a median, our median. What we
show users is the median, so it stands beside.";

/// One line of the table.
struct Row {
    peer: &'static Peer,
    /// Ours and theirs, pair by pair.
    pairs: Vec<(Our, f64)>,
    trouble: Option<String>,
}

/// Measures all pairs and prints what came of them; answers whether nobody was faster than we are, beyond doubt.
pub fn run(args: &Args) -> Result<bool> {
    ensure!(args.pairs > 0, "no pairs are nothing to compare");
    interrupt::watch()?;
    let ours = Ours::build(&root())?;
    let processor = processors::choose().context("which processors this process may use")?.client;
    let wanted = |peer: &&'static Peer| args.only.as_deref().is_none_or(|text| peer.title().contains(text));
    let mut rows: Vec<_> = peers::PEERS
        .iter()
        .filter(wanted)
        .map(|peer| Row { peer, pairs: Vec::new(), trouble: peer.missing() })
        .collect();
    ensure!(!rows.is_empty(), "no peer's line contains the text given to --only");
    for number in 0..args.pairs {
        for row in rows.iter_mut().filter(|row| row.trouble.is_none()) {
            if interrupted() {
                break;
            }
            row.measure(number, &ours, processor);
        }
        eprintln!("pair {} of {}", number + 1, args.pairs);
    }
    sweep();
    println!("{}", table(&rows));
    Ok(!interrupted() && rows.iter().all(|row| row.ratio(|our| our.alike).is_none_or(|it| it.low <= 1.0)))
}

impl Row {
    /// In every other pair they come first, so that neither always finds what the other has left.
    fn measure(&mut self, number: usize, ours: &Ours, processor: usize) {
        let their = || self.peer.measure(processor);
        let our = || ours.measure(self.peer);
        let pair = if number.is_multiple_of(2) {
            our().and_then(|our| Ok((our, their()?)))
        } else {
            their().and_then(|their| Ok((our()?, their)))
        };
        match pair {
            Ok(pair) => self.pairs.push(pair),
            Err(error) => self.trouble = format!("{error:#}").lines().next().map(str::to_owned),
        }
    }

    /// Our time by theirs.
    fn ratio(&self, figure: fn(&Our) -> f64) -> Option<Estimate> {
        let time = |(our, their): &(Our, f64)| match self.peer.better {
            Better::Less => (figure(our), *their),
            Better::More => (*their, figure(our)),
        };
        ratio(&self.pairs.iter().map(time).collect::<Vec<_>>(), 1)
    }

    fn cells(&self) -> Vec<String> {
        let of = |side: fn(&(Our, f64)) -> f64| {
            median(&self.pairs.iter().map(side).collect::<Vec<_>>())
                .map_or("–".into(), |value| format!("{value:.2} {}", self.peer.better.unit()))
        };
        let shown = |it: Estimate| format!("{:.3} [{:.3}, {:.3}]", it.value, it.low, it.high);
        let by = |figure| self.ratio(figure).map(shown).unwrap_or_default();
        let trouble = self.trouble.clone().unwrap_or_default();
        vec![
            self.peer.title(),
            of(|pair| pair.1),
            of(|pair| pair.0.alike),
            by(|our| our.alike),
            of(|pair| pair.0.median),
            by(|our| our.median),
            trouble,
        ]
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "",
        "theirs",
        "ours, alike",
        "ours / theirs, in time [95 %]",
        "our median",
        "by theirs [95 %]",
        "",
    ]);
    table.add_rows(rows.iter().map(Row::cells));
    table
}
