//! `echospec load`: loads a server with many connections, and verifies every reply.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use self::live::LiveView;
use self::values::{parse_positive_time, parse_rate, parse_time};
use super::compare::parse_size;
use super::server_args::ServerArgs;
use super::{CliError, exit, interrupt};
use crate::load::{self, DEFAULT_SIZE, Heading, Plan, Results, RunError, TRANSPORTS};
use crate::payload::fresh_seed;
use crate::server::{LaunchOptions, Server, Spec, sweep};
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

    /// Seed of the payloads; give it to repeat a run [default: random].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Print the results of each such time to standard error as well, such as 1s.
    #[arg(long, value_name = "TIME", value_parser = parse_positive_time)]
    interim: Option<Duration>,

    /// Write the results as one JSON object to FILE; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
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
  echospec load tcp --connect 127.0.0.1:6379 --protocol redis --json redis.json";

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let plan = plan(args)?;
    let spec = args.server.spec()?;
    let transport = spec.transport();
    if !TRANSPORTS.contains(&transport.name) || spec.start() != crate::server::Start::Bind {
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
    let results = load::run(&plan, &server, args.interim.unwrap_or(REDRAW), &mut |it| view.show(it));
    drop(view);
    let results = results.map_err(|error| match error {
        RunError::Usage(text) => CliError::usage(text).into(),
        error => anyhow::Error::from(error),
    })?;
    drop(server);
    sweep();
    report(args, &spec, &plan, &results)?;
    Ok(ExitCode::from(exit_code(&results)))
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

fn report(args: &Args, spec: &Spec, plan: &Plan, results: &Results) -> anyhow::Result<()> {
    let server = spec.command_line();
    let protocol = spec.protocol();
    let size = if protocol.carries_payload() { plan.size.unwrap_or(DEFAULT_SIZE) } else { 0 };
    let heading =
        Heading { protocol: protocol.name(), transport: spec.transport().name, server: &server, size, plan };
    let to_stdout = args.json.as_deref() == Some(Path::new("-"));
    if to_stdout {
        load::write_text(&heading, results, &mut anstream::stderr())?;
        load::write_json(&heading, results, &mut io::stdout())?;
        return Ok(());
    }
    load::write_text(&heading, results, &mut anstream::stdout())?;
    if let Some(path) = &args.json {
        let written = || -> io::Result<()> {
            let mut file = BufWriter::new(File::create(path)?);
            load::write_json(&heading, results, &mut file)?;
            file.flush()
        };
        written().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn exit_code(results: &Results) -> u8 {
    if let Some(signal) = interrupt::received_signal() {
        return exit::SIGNAL_BASE + u8::try_from(signal).unwrap_or_default();
    }
    if results.is_clean() { exit::ALL_AS_EXPECTED } else { exit::CHECK_FAILED }
}
