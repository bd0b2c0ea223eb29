//! The arguments of `echospec compare`.

use std::path::PathBuf;

use clap::builder::{BoolishValueParser, PossibleValuesParser};

use super::values::{parse_percentage, parse_rate, parse_seconds, parse_size};
use crate::bench::comparison::{Measure, Placement};
use crate::bench::mechanism::MECHANISMS;
use crate::deadline::SCALE_VARIABLE;

#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub struct Args {
    /// Mechanisms to compare [default: those marked * below].
    #[arg(value_name = "MECHANISM", value_parser = PossibleValuesParser::new(MECHANISMS.iter().map(|it| it.name)))]
    pub mechanisms: Vec<String>,

    /// Compare every mechanism.
    #[arg(long, conflicts_with = "mechanisms")]
    pub all: bool,

    /// Also measure this server, with the same client; may be repeated. No shell is involved.
    #[arg(long, value_name = "NAME=TRANSPORT:COMMAND")]
    pub server: Vec<String>,

    /// Use messages of these sizes in bytes, such as 64,4K,1M [default: 64,4K,64K].
    #[arg(long, value_name = "SIZES", value_delimiter = ',', value_parser = parse_size)]
    pub sizes: Vec<usize>,

    /// Run client and server at these placements [default: same, and the best available one on two processors].
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(Placement::ALL.map(Placement::name)))]
    pub placement: Vec<String>,

    /// Measure these quantities [default: all].
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(Measure::ALL.map(Measure::name)))]
    pub measures: Vec<String>,

    /// Also measure round trips of messages sent at fixed rates per second, such as 1,10,100,1000.
    #[arg(long, value_delimiter = ',', value_parser = parse_rate)]
    pub rates: Vec<f64>,

    /// Run N rounds, each with a new client and a new server [default: 10, or 6 with --quick].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: Option<u16>,

    /// Divide S seconds among all measurements [default: 50, or 7.5 with --quick].
    #[arg(long, value_name = "S", value_parser = parse_seconds)]
    pub time: Option<f64>,

    /// Measure two sizes in six rounds, in a few seconds.
    #[arg(long)]
    pub quick: bool,

    /// Seed of the order of sessions and of the bytes; give it to repeat a run [default: random].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Compute ratios against NAME [default: the first].
    #[arg(long, value_name = "NAME")]
    pub reference: Option<String>,

    /// TCP: set TCP_NODELAY.
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = BoolishValueParser::new(), hide_possible_values = true, action = clap::ArgAction::Set)]
    pub nodelay: bool,

    /// TCP: set the congestion control, TCP_CONGESTION [default: the system's].
    #[arg(long, value_name = "NAME")]
    pub congestion: Option<String>,

    /// Sockets: set SO_SNDBUF and SO_RCVBUF of the client [default: the system's].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub socket_buffer: Option<usize>,

    /// Pipes: set the capacity, F_SETPIPE_SZ [default: the system's].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub pipe_size: Option<usize>,

    /// Write all results as one JSON object to FILE; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a CSV line for each measurement to FILE; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write the tables as Markdown to FILE; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Write charts as SVG into DIR; creates it if necessary.
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,

    /// Measure nothing; show the comparison saved as NAME, or in the JSON file NAME.
    #[arg(long, value_name = "NAME", conflicts_with_all = MEASURING)]
    pub from: Option<String>,

    /// Use ASCII only.
    #[arg(long)]
    pub ascii: bool,

    /// Also describe the machine: kernel, caches, idle states, frequencies, buffers, limits.
    #[arg(long)]
    pub machine: bool,

    /// Save the results as NAME, or in the file NAME (with a '/', or ending in .json).
    #[arg(long, value_name = "NAME")]
    pub save: Option<String>,

    /// Compare with the results saved as NAME; exit with 5 if something is slower.
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,

    /// Ignore changes of up to PCT per cent.
    #[arg(long, value_name = "PCT", default_value = "5", value_parser = parse_percentage)]
    pub threshold: f64,

    /// Multiply every deadline by N, for a slow machine.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE_VARIABLE, value_parser = super::super::check::timeout_scale_of)]
    pub timeout_scale: f64,
}

/// The arguments of `echospec compare` that --from excludes, because they determine how to measure.
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
        let default = if it.default { " *" } else { "" };
        format!("  {:<20} {}{default}\n", it.name, it.description)
    });
    let placements = Placement::ALL.map(|it| format!("  {:<20} {}\n", it.name(), it.description()));
    format!(
        "Mechanisms (* compared by default):\n{}\nPlacements:\n{}\n{EXAMPLES}",
        mechanisms.collect::<String>(),
        placements.concat()
    )
}
