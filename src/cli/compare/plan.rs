//! Makes a plan from the arguments, and reports mistakes before anything is launched.

use std::env;
use std::time::Duration;

use anyhow::Context;

use super::super::CliError;
use super::args::Args;
use crate::bench::candidate::Candidate;
use crate::bench::comparison::{Measure, Placement};
use crate::bench::mechanism::{MECHANISMS, Mechanism};
use crate::bench::placement::{default_placements, processors};
use crate::bench::plan::Plan;
use crate::deadline::Deadlines;
use crate::payload::fresh_seed;
use crate::text::did_you_mean;
use crate::transport::Tuning;

/// The default message sizes, number of rounds, and seconds of a comparison.
const DEFAULT: (&[usize], u16, f64) = (&[64, 4096, 65536], 10, 50.0);

/// The message sizes, number of rounds, and seconds of a comparison with `--quick`. Six rounds are the minimum for a
/// ranking.
const QUICK: (&[usize], u16, f64) = (&[64, 65536], 6, 7.5);

pub(super) fn plan(args: &Args) -> anyhow::Result<Plan> {
    let (sizes, rounds, time) = if args.quick { QUICK } else { DEFAULT };
    let candidates = candidates(args)?;
    let tuning = tuning(args)?;
    Ok(Plan {
        reference: reference(args, &candidates)?,
        candidates,
        placements: placements(args)?,
        measures: measures(args),
        sizes: distinct(if args.sizes.is_empty() { sizes } else { &args.sizes }),
        rates: distinct(&args.rates),
        rounds: args.rounds.unwrap_or(rounds).into(),
        time: Duration::from_secs_f64(args.time.unwrap_or(time)),
        tuning,
        seed: args.seed.unwrap_or_else(fresh_seed),
        deadlines: Deadlines::scaled(args.timeout_scale),
        client: env::current_exe()
            .context("cannot find the path of this program, which is launched again as client")?,
    })
}

/// Returns `items` without duplicates, in their order.
fn distinct<T: Copy + PartialEq>(items: &[T]) -> Vec<T> {
    let mut all = Vec::new();
    for item in items {
        if !all.contains(item) {
            all.push(*item);
        }
    }
    all
}

fn candidates(args: &Args) -> anyhow::Result<Vec<Candidate>> {
    let is_wanted = |mechanism: &&Mechanism| match &args.mechanisms[..] {
        [] => args.all || mechanism.default,
        named => named.iter().any(|name| name == mechanism.name),
    };
    let mut all = Vec::new();
    for mechanism in MECHANISMS.iter().filter(is_wanted) {
        all.push(Candidate::bundled(mechanism)?);
    }
    for text in &args.server {
        let own = Candidate::parse(text)
            .map_err(|reason| CliError::usage(format!("--server '{text}': {reason}")))?;
        if all.iter().any(|other: &Candidate| other.name == own.name) {
            let text = format!("two are called '{}': give the server another name", own.name);
            return Err(CliError::usage(text).into());
        }
        all.push(own);
    }
    Ok(all)
}

fn reference(args: &Args, candidates: &[Candidate]) -> Result<String, CliError> {
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    match &args.reference {
        None => Ok(names.first().copied().unwrap_or_default().to_owned()),
        Some(name) if names.contains(&name.as_str()) => Ok(name.clone()),
        Some(name) => {
            let all = || format!("choose one of {}", names.join(", "));
            let hint = did_you_mean(name, &names).unwrap_or_else(all);
            Err(CliError::usage(format!("--reference: '{name}' is not compared; {hint}")))
        }
    }
}

fn placements(args: &Args) -> anyhow::Result<Vec<Placement>> {
    if args.placement.is_empty() {
        let pair = processors::choose_processors()
            .context("cannot find the processors that this process may use")?;
        return Ok(default_placements(&pair));
    }
    Ok(distinct(&args.placement.iter().filter_map(|name| Placement::named(name)).collect::<Vec<_>>()))
}

fn measures(args: &Args) -> Vec<Measure> {
    if args.measures.is_empty() {
        return Measure::ALL.to_vec();
    }
    distinct(&args.measures.iter().filter_map(|name| Measure::named(name)).collect::<Vec<_>>())
}

fn tuning(args: &Args) -> Result<Tuning, CliError> {
    let tuning = Tuning {
        nodelay: args.nodelay,
        congestion: args.congestion.clone(),
        socket_buffer: args.socket_buffer,
        pipe_size: args.pipe_size,
    };
    tuning.verify().map_err(CliError::usage)?;
    Ok(tuning)
}
