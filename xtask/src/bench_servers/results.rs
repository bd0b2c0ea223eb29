//! The results of the comparison, and what is computed from them: the contents of `--json`.

use echospec::bench::comparison::{Estimate, Machine};
use echospec::bench::statistics::{estimate_median, estimate_ratio, median};
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::contenders::{CONTENDERS, Contender};
use super::generator::{Figures, Latency};
use super::memory::Memory;

/// Everything that a run has measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    /// The processors of client and server.
    pub processors: String,
    /// The start of the run, in seconds since 1970 (UTC).
    pub began: u64,
    pub rounds: usize,
    /// The duration of the timed part of each measurement.
    pub seconds: f64,
    pub generator: String,
    pub interrupted: bool,
    pub samples: Vec<Sample>,
    pub memory: Vec<Memory>,
    /// The servers that could not be run, with the reasons.
    pub absent: Vec<(String, String)>,
}

/// One measurement: of one server, in one cell and round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    pub server: String,
    pub cell: Cell,
    pub round: usize,
    pub figures: Option<Figures>,
    /// The reason why there are no figures.
    pub error: Option<String>,
}

/// The results of one server in one cell.
#[derive(Debug)]
pub struct Row {
    pub server: &'static Contender,
    /// The figures of each round that has some.
    rounds: Vec<(usize, Figures)>,
    pub error: Option<String>,
}

/// The best of our servers in a cell against the best of the others.
#[derive(Debug)]
pub struct Duel {
    pub ours: &'static str,
    pub peer: &'static str,
    /// The ratio of requests in a second. Above 1, ours answers more.
    pub rate: Estimate,
    /// The ratio of the lowest processor time for a request. Below 1, ours needs less.
    pub cost: Estimate,
    pub cheapest_ours: &'static str,
    pub cheapest_peer: &'static str,
}

/// Determines the resamples of the intervals, so that the same results always give the same page.
const SEED: u64 = 1;

/// The share of its processor above which the client is the limit.
const CLIENT_IS_FULL: f64 = 0.95;

impl Results {
    /// Returns the results of all servers in a cell, the fastest first.
    pub fn rows(&self, cell: Cell) -> Vec<Row> {
        let row = |server: &'static Contender| {
            let samples: Vec<_> =
                self.samples.iter().filter(|it| it.cell == cell && it.server == server.name).collect();
            let rounds = samples.iter().filter_map(|it| Some((it.round, it.figures?))).collect();
            let error = samples.iter().find_map(|it| it.error.clone());
            (!samples.is_empty()).then_some(Row { server, rounds, error })
        };
        let mut rows: Vec<_> = CONTENDERS.iter().filter_map(row).collect();
        rows.sort_by(|one, other| other.value(Figures::rate).total_cmp(&one.value(Figures::rate)));
        rows
    }

    /// Returns the cells that were measured.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<_> = self.samples.iter().map(|sample| sample.cell).collect();
        cells.sort();
        cells.dedup();
        cells
    }

    /// Compares our best server in a cell with the best of the others, or returns `None` if one side has none.
    pub fn duel(&self, cell: Cell) -> Option<Duel> {
        let rows = self.rows(cell);
        let of =
            |ours: bool| rows.iter().filter(move |row| row.server.is_ours() == ours && row.has_figures());
        let known = |row: &&Row| cost(row) > 0.0;
        let cheapest = |ours| of(ours).filter(known).min_by(|one, other| cost(one).total_cmp(&cost(other)));
        let (ours, peer) = (of(true).next()?, of(false).next()?);
        let (cheap_ours, cheap_peer) = (cheapest(true)?, cheapest(false)?);
        Some(Duel {
            ours: ours.server.name,
            peer: peer.server.name,
            rate: ours.ratio(peer, Figures::rate)?,
            cost: cheap_ours.ratio(cheap_peer, Figures::server_cost)?,
            cheapest_ours: cheap_ours.server.name,
            cheapest_peer: cheap_peer.server.name,
        })
    }
}

fn cost(row: &Row) -> f64 {
    row.value(Figures::server_cost)
}

impl Row {
    pub fn has_figures(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Returns the median of a figure over the rounds, or 0 if there are none.
    pub fn value(&self, figure: fn(&Figures) -> f64) -> f64 {
        median(&self.values(figure)).unwrap_or_default()
    }

    /// Returns the median of a figure with its interval.
    pub fn estimate(&self, figure: fn(&Figures) -> f64) -> Option<Estimate> {
        estimate_median(&self.values(figure), SEED)
    }

    /// Returns the median of a percentile, in ns.
    pub fn latency(&self, percentile: fn(&Latency) -> f64) -> Option<f64> {
        median(&self.rounds.iter().filter_map(|(_, it)| Some(percentile(&it.latency?))).collect::<Vec<_>>())
    }

    /// Returns the ratio to `other`, round by round.
    pub fn ratio(&self, other: &Row, figure: fn(&Figures) -> f64) -> Option<Estimate> {
        let pair = |(round, figures): &(usize, Figures)| {
            let (_, theirs) = other.rounds.iter().find(|(number, _)| number == round)?;
            Some((figure(figures), figure(theirs)))
        };
        estimate_ratio(&self.rounds.iter().filter_map(pair).collect::<Vec<_>>(), SEED)
    }

    /// Whether the client's processor, and not the server, limits the requests.
    pub fn client_is_full(&self) -> bool {
        self.value(Figures::client_use) >= CLIENT_IS_FULL
    }

    fn values(&self, figure: fn(&Figures) -> f64) -> Vec<f64> {
        self.rounds.iter().map(|(_, figures)| figure(figures)).collect()
    }
}
