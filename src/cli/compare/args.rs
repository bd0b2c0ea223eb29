//! What can be asked of `echospec compare`.

use std::path::PathBuf;

use clap::builder::{BoolishValueParser, PossibleValuesParser};

use super::values::{percentage, rate, seconds, size};
use crate::bench::comparison::{Measure, Placement};
use crate::bench::mechanism::MECHANISMS;
use crate::deadline::SCALE;

#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub struct Args {
    /// What to compare [default: the usual ones, and every --server].
    #[arg(value_name = "MECHANISM", value_parser = PossibleValuesParser::new(MECHANISMS.iter().map(|it| it.name)))]
    pub mechanisms: Vec<String>,

    /// Compare every mechanism.
    #[arg(long, conflicts_with = "mechanisms")]
    pub all: bool,

    /// A server of your own to measure with the same client; may be repeated. No shell is involved.
    #[arg(long, value_name = "NAME=TRANSPORT:COMMAND")]
    pub server: Vec<String>,

    /// Sizes of messages in bytes, such as 64,4K,1M [default: 64,4K,64K].
    #[arg(long, value_name = "SIZES", value_delimiter = ',', value_parser = size)]
    pub sizes: Vec<usize>,

    /// Where the two processes run [default: same, and the best across two processors that is to be had].
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(Placement::ALL.map(Placement::name)))]
    pub placement: Vec<String>,

    /// What to measure [default: all].
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(Measure::ALL.map(Measure::name)))]
    pub measures: Vec<String>,

    /// Also measure round trips of messages sent on a schedule, so many a second: 1,10,100,1000.
    #[arg(long, value_delimiter = ',', value_parser = rate)]
    pub rates: Vec<f64>,

    /// How many rounds, each with a fresh pair of processes [default: 10; 6 if quick].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: Option<u16>,

    /// How long it may take in seconds; what is measured adapts [default: 50; 7.5 if quick].
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub time: Option<f64>,

    /// Two sizes, six rounds, a few seconds.
    #[arg(long)]
    pub quick: bool,

    /// What the order of the rounds and all bytes are drawn from [default: a new one].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// To whom ratios are taken [default: the first].
    #[arg(long, value_name = "NAME")]
    pub reference: Option<String>,

    /// TCP: whether small segments are sent at once, TCP_NODELAY.
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set)]
    pub nodelay: bool,

    /// TCP: the congestion control, TCP_CONGESTION [default: the system's].
    #[arg(long, value_name = "NAME")]
    pub congestion: Option<String>,

    /// Sockets: the client's SO_SNDBUF and SO_RCVBUF [default: the system's].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub socket_buffer: Option<usize>,

    /// Pipes: how much each holds, F_SETPIPE_SZ [default: the system's].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub pipe_size: Option<usize>,

    /// Write everything as one JSON object to this file, or to standard output for '-'.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write one line for each figure, comma-separated, to this file, or to standard output for '-'.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write the tables as Markdown to this file, or to standard output for '-'.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Write charts as SVG into this directory, which is made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,

    /// Measure nothing: show what was saved under this name, or written to this file by --json.
    #[arg(long, value_name = "NAME", conflicts_with_all = MEASURING)]
    pub from: Option<String>,

    /// Draw in plain ASCII.
    #[arg(long)]
    pub ascii: bool,

    /// Also show all that is known of the machine: kernel, caches, idle states, frequencies, buffers, limits.
    #[arg(long)]
    pub machine: bool,

    /// Keep the results under this name, or in this file (with a '/' in it, or ending in .json).
    #[arg(long, value_name = "NAME")]
    pub save: Option<String>,

    /// Compare with what was saved under this name; exit 5 if something has become slower.
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,

    /// The least change that counts as a regression, in per cent.
    #[arg(long, value_name = "PCT", default_value = "5", value_parser = percentage)]
    pub threshold: f64,

    /// Multiply every deadline by this, for a slow machine.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE, value_parser = super::super::check::scale)]
    pub timeout_scale: f64,
}

/// What says how to measure, and so means nothing where nothing is measured.
const MEASURING: [&str; 18] = [
    "mechanisms",
    "all",
    "server",
    "sizes",
    "placement",
    "measures",
    "rates",
    "rounds",
    "time",
    "quick",
    "seed",
    "reference",
    "nodelay",
    "congestion",
    "socket_buffer",
    "pipe_size",
    "save",
    "timeout_scale",
];

const EXAMPLES: &str = "\
Examples:
  echospec compare --quick
  echospec compare pipe unix tcp --sizes 64,64K --reference pipe
  echospec compare tcp --server 'go=tcp:./go-echo {addr}' --rates 10,1000
  echospec compare tcp --placement same,cross --measures round-trip --congestion cubic
  echospec compare --save before --svg charts
  echospec compare --from before --markdown -";

fn help() -> String {
    let mechanisms = MECHANISMS.iter().map(|it| {
        let usual = if it.usual { " *" } else { "" };
        format!("  {:<20} {}{usual}\n", it.name, it.says)
    });
    let placements = Placement::ALL.map(|it| format!("  {:<20} {}\n", it.name(), it.says()));
    format!(
        "Mechanisms (* belongs to the usual ones):\n{}\nPlacements:\n{}\n{EXAMPLES}",
        mechanisms.collect::<String>(),
        placements.concat()
    )
}
