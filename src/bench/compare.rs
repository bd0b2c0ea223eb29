//! The whole of a comparison: settle where it runs, try what is possible, run the rounds, reckon.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::comparison::{Comparison, Method, Placement, SCHEMA};
use super::machine::Watched;
use super::placement::Site;
use super::placement::processors;
use super::plan::Wish;
use super::schedule::{Log, Rounds};
use super::session::Manner;
use super::statistics::median;
use super::{floors, results, warnings};
use crate::bench::schedule::attempt::Entry;
use crate::bench::schedule::progress::{self, Progress};
use crate::deadline::interrupted;

/// Why there is no comparison at all.
#[derive(Debug, thiserror::Error)]
pub enum NoComparison {
    /// A placement cannot be had here.
    #[error("placement '{name}' is not to be had here: {why}")]
    Placement {
        /// Its name.
        name: &'static str,
        /// Why not.
        why: String,
    },
    /// A server of the user's cannot be measured.
    #[error("{name}: {why}")]
    Server {
        /// What the user called it.
        name: String,
        /// Why not.
        why: String,
    },
    /// The processors of this machine are not told.
    #[error("which processors this process may use is not told: {0}")]
    Processors(#[source] std::io::Error),
}

/// Measures all that was wished for, and tells how far it has come. [`crate::deadline::interrupt`] ends it early, and
/// the rounds that were held until then are reckoned with.
///
/// # Errors
/// [`NoComparison`] where nothing can be measured as it was wished for.
pub fn compare(wish: &Wish, mut tell: impl FnMut(&Progress)) -> Result<Comparison, NoComparison> {
    let (began, since) = (SystemTime::now(), Instant::now());
    let pair = processors::choose().map_err(NoComparison::Processors)?;
    let sites = sites(wish, &pair)?;
    let machine = Watched::begin(&pair);
    let floors = floors::floors(&pair);
    let manner = Manner {
        client: &wish.client,
        tuning: &wish.tuning,
        deadlines: wish.deadlines,
        seed: wish.seed,
        count: false,
    };
    let mut rounds = Rounds {
        wish,
        manner,
        entries: entries(wish, &sites),
        log: Log::default(),
        tell: &mut tell,
        spare: Duration::ZERO,
        time_is_up: since,
        began: since,
    };
    let plan = rounds.scout();
    let refused = rounds.log.refused.iter().find(|(number, _)| !wish.contenders[*number].bundled);
    if let Some((number, why)) = refused {
        return Err(NoComparison::Server { name: wish.contenders[*number].name.clone(), why: why.clone() });
    }
    rounds.run(&plan);
    progress::note(None);
    let log = rounds.log;
    let method = Method {
        rounds: wish.rounds,
        reference: wish.reference.clone(),
        warm_up: plan.length.warm_up.as_secs_f64(),
        timed: plan.length.timed.as_secs_f64(),
        clock: median(&log.records.iter().map(|record| record.sample.clock).collect::<Vec<_>>())
            .unwrap_or(0.0),
        tuning: wish.tuning.clone(),
        repeated: log.repeated,
    };
    let mut comparison = Comparison {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        began: began.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        seconds: since.elapsed().as_secs_f64(),
        seed: wish.seed,
        interrupted: interrupted(),
        machine: machine.end(),
        method,
        floors: floors.found,
        arms: arms(wish, &log),
        cells: results::cells(wish, &log),
        warnings: Vec::new(),
    };
    comparison.warnings = warnings::all(&comparison, &log, wish);
    comparison.warnings.extend(floors.missing);
    Ok(comparison)
}

fn sites(wish: &Wish, pair: &processors::Pair) -> Result<Vec<Site>, NoComparison> {
    let settle = |placement: &Placement| {
        placement.settle(pair).map_err(|why| NoComparison::Placement { name: placement.name(), why })
    };
    wish.placements.iter().map(settle).collect()
}

/// Each contender at each place that it has a server for.
fn entries<'a>(wish: &'a Wish, sites: &[Site]) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for site in sites {
        for (number, contender) in wish.contenders.iter().enumerate() {
            let spec = if site.is_busy() { contender.spinning.as_ref() } else { Some(&contender.spec) };
            entries.extend(spec.map(|spec| Entry {
                contender: number,
                spec,
                site: *site,
                tasks: wish.tasks(contender),
                failures: 0,
            }));
        }
    }
    entries
}

fn arms(wish: &Wish, log: &Log) -> Vec<super::comparison::Arm> {
    let why = |number: usize| {
        let mut reasons =
            log.refused.iter().filter(|(other, _)| *other == number).map(|(_, why)| why.clone());
        // At another placement it may well have been measured.
        reasons.next().filter(|_| !log.records.iter().any(|record| record.contender == number))
    };
    wish.contenders.iter().enumerate().map(|(number, contender)| contender.arm(why(number))).collect()
}
