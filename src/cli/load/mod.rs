//! `echospec load`: loads a server with many connections, and verifies every reply.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use self::live::LiveView;
use self::values::{parse_positive_time, parse_rate, parse_time};
use super::compare::parse_size;
use super::report::create;
use super::server_args::ServerArgs;
use super::{CliError, exit, interrupt};
use crate::load::{self, DEFAULT_SIZE, Heading, Limit, Plan, Results, RunError, Step, TRANSPORTS, find_knee};
use crate::payload::fresh_seed;
use crate::server::{LaunchOptions, Server, Spec, Start, sweep};
use crate::sys;

mod live;
mod values;

/// Load a server, verify every reply; --rate counts latency from the intended send time (no coordinated omission).
///
/// Without --rate, each connection sends its next request when the reply to the last one has come (closed loop): a
/// server that pauses delays the client, and few requests see the pause. With --rate, requests are due at fixed times
/// whatever the server does (open loop), and the latency of each counts from the time at which it was due.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// Keep N connections open at the same time.
    #[arg(long, short = 'c', value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MAX_CONNECTIONS))]
    connections: u32,

    /// Send R requests a second over all connections (open loop); 5k is 5000.
    #[arg(long, short = 'r', value_name = "R", value_parser = parse_rate)]
    rate: Option<f64>,

    /// Measure for this time, such as 500ms, 10s or 2m.
    #[arg(long, short = 'd', value_name = "TIME", default_value = "10s", value_parser = parse_positive_time)]
    duration: Duration,

    /// Measure N requests, and no longer than --duration.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,

    /// Length of each request's payload in bytes, such as 64 or 64K, if the protocol carries one [default: 64].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    size: Option<usize>,

    /// Open the connections evenly over this time.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_time)]
    ramp: Duration,

    /// Send and verify requests for this time before measuring.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = parse_time)]
    warm_up: Duration,

    /// Open a new connection for each exchange, and close it; latency includes the connect.
    #[arg(long)]
    churn: bool,

    /// Share the connections among N threads.
    #[arg(long, short = 't', value_name = "N", default_value = "1")]
    threads: NonZeroUsize,

    /// Wait this long for a connection or a reply.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_positive_time)]
    timeout: Duration,

    /// Raise the rate until the latency breaks, and report the last good rate. Each rate is tried for --duration; --rate
    /// sets the first.
    #[arg(long, conflicts_with_all = ["requests", "plot", "interim"])]
    find_knee: bool,

    /// With --find-knee: the 99th percentile above which the latency is broken. A rate is also broken if less than 98 %
    /// of it is achieved, or at any error.
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = parse_positive_time)]
    p99_limit: Duration,

    /// Seed of the payloads; give it to repeat a run [default: random].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Print the results of each such time to standard error as well, such as 1s.
    #[arg(long, value_name = "TIME", value_parser = parse_positive_time)]
    interim: Option<Duration>,

    /// Write the results as one JSON object to FILE; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Draw the latency over time into FILE, as SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// The interval at which the live view is drawn.
const REDRAW: Duration = Duration::from_millis(500);

/// The highest number of connections of one run.
const MAX_CONNECTIONS: i64 = 200_000;

const EXAMPLES: &str = "\
Examples:
  echospec load tcp -- ./my-server --listen {addr}
  echospec load tcp --connections 1000 --rate 20k -- ./my-server {addr}
  echospec load unix --size 64K --duration 5s -- ./my-server {path}
  echospec load tcp --connect 127.0.0.1:8080 --protocol http --set path=/status --rate 5k
  echospec load tcp --find-knee --duration 3s --p99-limit 5ms -- ./my-server {addr}
  echospec load tcp --connect 127.0.0.1:6379 --protocol redis --json redis.json";

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let plan = plan(args)?;
    let spec = args.server.spec()?;
    let transport = spec.transport();
    if !TRANSPORTS.contains(&transport.name) || spec.start() == Start::Inetd {
        let text = format!(
            "load needs a server that accepts many connections at its own address, over {}, not {} with --start {}",
            TRANSPORTS.join(", "),
            transport.name,
            spec.start().name(),
        );
        return Err(CliError::usage(text).into());
    }
    let options = launch_options(&plan)?;
    interrupt::watch_signals()?;
    let server = Server::launch(&spec, options)?;
    let view = LiveView::new(args.interim.is_some());
    let interval = args.interim.unwrap_or(REDRAW);
    let run = |plan: &Plan| load::run(plan, &server, interval, &mut |progress| view.show(progress));
    let outcome = if args.find_knee {
        find_knee(&plan, Limit(args.p99_limit), run).map(Outcome::Knee)
    } else {
        run(&plan).map(|results| Outcome::Results(Box::new(results)))
    };
    drop((view, server));
    sweep();
    let outcome = outcome.map_err(|error| match error {
        RunError::Usage(text) => CliError::usage(text).into(),
        error => anyhow::Error::from(error),
    })?;
    report(args, &spec, &plan, &outcome)?;
    Ok(ExitCode::from(outcome.exit_code()))
}

/// The outcome of the command: the results of one run, or all rates that a search has tried.
enum Outcome {
    Results(Box<Results>),
    Knee(Vec<Step>),
}

fn plan(args: &Args) -> anyhow::Result<Plan> {
    let connections = args.connections as usize;
    let threads = args.threads.get();
    if threads > connections {
        let text = format!(
            "--threads {threads} is more than --connections {connections}: a thread needs a connection"
        );
        return Err(CliError::usage(text).into());
    }
    Ok(Plan {
        connections,
        threads,
        size: args.size,
        rate: args.rate,
        duration: args.duration,
        requests: args.requests,
        ramp: args.ramp,
        warm_up: args.warm_up,
        churn: args.churn,
        timeout: args.timeout,
        seed: args.seed.unwrap_or_else(fresh_seed),
    })
}

/// The number of descriptors that client and server need besides their connections.
const OTHER_DESCRIPTORS: usize = 64;

/// Raises the limit of descriptors of this process, and returns options that give the server one as high.
fn launch_options(plan: &Plan) -> anyhow::Result<LaunchOptions> {
    let needed = plan.connections + OTHER_DESCRIPTORS;
    sys::raise_descriptor_limit_to(needed).map_err(|error| {
        CliError::usage(format!(
            "cannot open {} connections: this process may have {} descriptors, and {needed} are needed ({error}). \
             Raise the hard limit (`ulimit -Hn {needed}` as root, or LimitNOFILE= in systemd), or use fewer --connections",
            plan.connections,
            sys::descriptor_limit(),
        ))
    })?;
    let mut options = LaunchOptions::default();
    if sys::inherited_descriptor_limit() < needed {
        options.descriptor_limit = u32::try_from(needed).ok();
    }
    Ok(options)
}

fn report(args: &Args, spec: &Spec, plan: &Plan, outcome: &Outcome) -> anyhow::Result<()> {
    let server = spec.command_line();
    let protocol = spec.protocol();
    let size = if protocol.carries_payload() { plan.size.unwrap_or(DEFAULT_SIZE) } else { 0 };
    let heading =
        Heading { protocol: protocol.name(), transport: spec.transport().name, server: &server, size, plan };
    let json_goes_to_stdout = args.json.as_deref() == Some(Path::new("-"));
    if json_goes_to_stdout {
        outcome.write_text(&heading, &mut anstream::stderr())?;
    } else {
        outcome.write_text(&heading, &mut anstream::stdout())?;
    }
    if let Some(path) = &args.json {
        outcome.write_json(&heading, &mut *create(path)?)?;
    }
    if let (Some(path), Outcome::Results(results)) = (&args.plot, outcome) {
        let mut file = create(path)?;
        file.write_all(load::draw_latencies(&heading, results).as_bytes())?;
        file.flush()?;
    }
    Ok(())
}

impl Outcome {
    fn write_text(&self, heading: &Heading<'_>, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Outcome::Results(results) => load::write_text(heading, results, out),
            Outcome::Knee(steps) => load::write_knee(heading, steps, out),
        }
    }

    fn write_json(&self, heading: &Heading<'_>, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Outcome::Results(results) => load::write_json(heading, results, out),
            Outcome::Knee(steps) => load::write_knee_json(heading, steps, out),
        }
    }

    fn exit_code(&self) -> u8 {
        if let Some(signal) = interrupt::received_signal() {
            return exit::SIGNAL_BASE + u8::try_from(signal).unwrap_or_default();
        }
        let is_good = match self {
            Outcome::Results(results) => results.is_clean(),
            Outcome::Knee(steps) => {
                let is_wrong = steps.iter().any(|step| step.results.wrong_replies() > 0);
                !is_wrong && steps.iter().any(|step| step.broken.is_none())
            }
        };
        if is_good { exit::ALL_AS_EXPECTED } else { exit::CHECK_FAILED }
    }
}
