//! From what the user wrote to what is measured, with every mistake named before anything is launched.

use std::env;
use std::time::Duration;

use anyhow::Context;

use super::super::CliError;
use super::args::Args;
use super::values::nearest;
use crate::bench::candidate::Contender;
use crate::bench::comparison::{Measure, Placement};
use crate::bench::mechanism::{MECHANISMS, Mechanism};
use crate::bench::placement::{self, processors};
use crate::bench::plan::Wish;
use crate::deadline::Deadlines;
use crate::payload::fresh_seed;
use crate::transport::Tuning;

/// Sizes, rounds and seconds of a run of which nobody said otherwise, and of a quick one.
/// Fewer rounds than six could not be ranked.
const USUAL: (&[usize], u16, f64) = (&[64, 4096, 65536], 10, 50.0);
const QUICK: (&[usize], u16, f64) = (&[64, 65536], 6, 7.5);

pub(super) fn wish(args: &Args) -> anyhow::Result<Wish> {
    let (sizes, rounds, time) = if args.quick { QUICK } else { USUAL };
    let contenders = contenders(args)?;
    let tuning = tuning(args)?;
    Ok(Wish {
        reference: reference(args, &contenders)?,
        contenders,
        placements: placements(args)?,
        measures: measures(args),
        sizes: once(if args.sizes.is_empty() { sizes } else { &args.sizes }),
        rates: once(&args.rates),
        rounds: args.rounds.unwrap_or(rounds).into(),
        time: Duration::from_secs_f64(args.time.unwrap_or(time)),
        tuning,
        seed: args.seed.unwrap_or_else(fresh_seed),
        deadlines: Deadlines::scaled(args.timeout_scale),
        client: env::current_exe().context("the path of this program, which is launched again as client")?,
    })
}

/// Each once, in the order of the first mention.
fn once<T: Copy + PartialEq>(items: &[T]) -> Vec<T> {
    let mut all = Vec::new();
    for item in items {
        if !all.contains(item) {
            all.push(*item);
        }
    }
    all
}

fn contenders(args: &Args) -> anyhow::Result<Vec<Contender>> {
    let wanted = |mechanism: &&Mechanism| match &args.mechanisms[..] {
        [] => args.all || mechanism.usual,
        named => named.iter().any(|name| name == mechanism.name),
    };
    let mut all = Vec::new();
    for mechanism in MECHANISMS.iter().filter(wanted) {
        all.push(Contender::bundled(mechanism)?);
    }
    for text in &args.server {
        let own = Contender::from_words(text)
            .map_err(|why| CliError::usage(format!("--server '{text}': {why}")))?;
        if all.iter().any(|other: &Contender| other.name == own.name) {
            let text = format!("two are called '{}': give the server another name", own.name);
            return Err(CliError::usage(text).into());
        }
        all.push(own);
    }
    Ok(all)
}

fn reference(args: &Args, contenders: &[Contender]) -> Result<String, CliError> {
    let names = || contenders.iter().map(|contender| contender.name.as_str());
    match &args.reference {
        None => Ok(names().next().unwrap_or_default().to_owned()),
        Some(name) if names().any(|known| known == name) => Ok(name.clone()),
        Some(name) => {
            let all = || format!("compared are {}", names().collect::<Vec<_>>().join(", "));
            let hint = nearest(name, names()).map_or_else(all, |near| format!("did you mean '{near}'?"));
            Err(CliError::usage(format!("--reference: '{name}' is not compared; {hint}")))
        }
    }
}

fn placements(args: &Args) -> anyhow::Result<Vec<Placement>> {
    if args.placement.is_empty() {
        let pair = processors::choose().context("which processors this process may use")?;
        return Ok(placement::usual(&pair));
    }
    Ok(once(&args.placement.iter().filter_map(|name| Placement::named(name)).collect::<Vec<_>>()))
}

fn measures(args: &Args) -> Vec<Measure> {
    if args.measures.is_empty() {
        return Measure::ALL.to_vec();
    }
    once(&args.measures.iter().filter_map(|name| Measure::named(name)).collect::<Vec<_>>())
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
