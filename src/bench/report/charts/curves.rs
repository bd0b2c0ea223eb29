//! From the figures of a run to the curves of its charts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use super::axis::{self, Axis};
use super::line_style::Ink;
use super::plot::{Curve, Plot, Point};
use crate::bench::comparison::{Cell, Comparison, Measure, Placement};
use crate::bench::report::ranking::valid;
use crate::bench::report::{labels, units};

/// The curves of one run under one placement.
pub(super) struct Curves<'a> {
    pub comparison: &'a Comparison,
    pub placement: Placement,
}

type Read = fn(&Cell) -> Option<Point>;

impl<'a> Curves<'a> {
    /// Round trips in the closed loop.
    pub fn latency(&self) -> Option<Plot> {
        let curves = self.curves(|cell| is(cell, Measure::RoundTrip), |cell| cell.size as f64, estimate);
        let names = [SIZE.into(), "median round trip · lower is better".into()];
        plot("Round trip by size of message", names, axis::size, units::time, curves)
    }

    /// Bytes a second.
    pub fn throughput(&self) -> Option<Plot> {
        let curves = self.curves(|cell| is(cell, Measure::Throughput), |cell| cell.size as f64, estimate);
        let names = [SIZE.into(), "bytes echoed a second · higher is better".into()];
        plot("Throughput by size of message", names, axis::size, units::data_rate, curves)
    }

    /// Processor time of both sides.
    pub fn cost(&self) -> Option<Plot> {
        let curves = self.curves(|cell| is(cell, Measure::RoundTrip), |cell| cell.size as f64, cost);
        let names =
            [SIZE.into(), "CPU time of both processes for a message there and back · lower is better".into()];
        plot("CPU cost of a round trip", names, axis::size, units::time, curves)
    }

    /// Round trips in the open loop, of the smallest messages that were sent at rates.
    pub fn rates(&self) -> Option<Plot> {
        let open = |cell: &&Cell| cell.measure == Measure::RoundTrip && cell.rate.is_some();
        let size = self.cells().filter(open).map(|cell| cell.size).min()?;
        let curves = self.curves(
            |cell| open(&cell) && cell.size == size,
            |cell| cell.rate.unwrap_or_default(),
            estimate,
        );
        let names = [
            "messages sent a second, on a schedule".into(),
            "median round trip from the intended time of sending · lower is better".into(),
        ];
        let title = format!("Round trip of {} by how often one is sent", units::size(size));
        plot(&title, names, units::rate, units::time, curves)
    }

    /// How slow the slowest are: round trips of the smallest messages.
    pub fn tail(&self) -> Option<Plot> {
        let timed = |cell: &&Cell| {
            is(cell, Measure::RoundTrip) && cell.rounds.iter().any(|it| it.histogram.is_some())
        };
        let size = self.cells().filter(timed).map(|cell| cell.size).min()?;
        let mut curves = Vec::new();
        for (name, ink, cells) in self.arms(|cell| timed(&cell) && cell.size == size) {
            let points = cells.first().and_then(|cell| quantiles(cell)).unwrap_or_default();
            curves.push(Curve { name, ink, points, marked: false });
        }
        curves.retain(|curve| !curve.points.is_empty());
        let most = curves.iter().flat_map(|curve| &curve.points).map(|point| point.x).fold(0.0, f64::max);
        let heights = curves.iter().flat_map(|curve| &curve.points).map(|point| point.y);
        let axes = [Axis::quantiles(most), Axis::figures(heights, units::time)];
        let names =
            ["part of all messages that took no longer".into(), "round trip · lower is better".into()];
        let title = format!("Tail of the round trip of {}", units::size(size));
        (!curves.is_empty()).then_some(Plot { title, names, axes, curves })
    }

    fn cells(&self) -> impl Iterator<Item = &'a Cell> {
        let placement = self.placement;
        self.comparison.cells.iter().filter(move |cell| cell.placement == placement && valid(cell))
    }

    /// Every mechanism that has such cells.
    fn arms(&self, wanted: impl Fn(&Cell) -> bool) -> Vec<(String, Ink, Vec<&'a Cell>)> {
        let arms = self.comparison.arms.iter().filter(|arm| arm.unsupported.is_none()).enumerate();
        arms.map(|(place, arm)| {
            let cells = self.cells().filter(|cell| cell.arm == arm.name && wanted(cell)).collect();
            (labels::name(&arm.name), Ink::of(place), cells)
        })
        .filter(|(_, _, cells): &(_, _, Vec<&Cell>)| !cells.is_empty())
        .collect()
    }

    fn curves(&self, wanted: impl Fn(&Cell) -> bool, along: fn(&Cell) -> f64, read: Read) -> Vec<Curve> {
        let curve = |(name, ink, cells): (String, Ink, Vec<&Cell>)| {
            let mut points: Vec<Point> =
                cells.iter().filter_map(|cell| Some(Point { x: along(cell), ..read(cell)? })).collect();
            points.sort_by(|one, other| one.x.total_cmp(&other.x));
            Curve { name, ink, points, marked: true }
        };
        let curves = self.arms(wanted).into_iter().map(curve);
        curves.filter(|curve| !curve.points.is_empty()).collect()
    }
}

const SIZE: &str = "size of a message";

fn is(cell: &Cell, measure: Measure) -> bool {
    cell.measure == measure && cell.rate.is_none()
}

fn estimate(cell: &Cell) -> Option<Point> {
    let figure = cell.figure;
    Some(Point { x: 0.0, y: figure.value, low: figure.low, high: figure.high })
}

/// The least that a clock of the kernel's accounts tells is no cost of nothing.
fn cost(cell: &Cell) -> Option<Point> {
    let used = cell.cost.cpu();
    (used > 0.0).then_some(Point { x: 0.0, y: used, low: used, high: used })
}

fn plot(
    title: &str,
    names: [String; 2],
    along: fn(f64) -> String,
    up: fn(f64) -> String,
    curves: Vec<Curve>,
) -> Option<Plot> {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let mut places: Vec<f64> = all().map(|point| point.x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    // Intervals may run out of the chart: one that is very wide would press everything else flat.
    let heights = all().map(|point| point.y);
    let axes = [Axis::chosen(&places, along), Axis::figures(heights, up)];
    (!curves.is_empty()).then(|| Plot { title: title.into(), names, axes, curves })
}

/// So many points between one nine and the next.
const STEPS: i32 = 24;

/// The times at ever more nines, up to where a single message was slower. `x` is one by the part that was slower.
fn quantiles(cell: &Cell) -> Option<Vec<Point>> {
    let all = histogram(cell)?;
    let messages = all.len() as f64;
    let steps = (0..).map(|step| 10_f64.powf(f64::from(step) / f64::from(STEPS)));
    let told = steps.take_while(|&beyond| beyond <= messages);
    let point = |beyond: f64| {
        let time = (all.value_at_quantile(1.0 - 1.0 / beyond) as f64).max(1.0);
        Point { x: beyond, y: time, low: time, high: time }
    };
    Some(told.map(point).collect())
}

/// That of all rounds together. What cannot be read, of a file that somebody changed, is left out.
fn histogram(cell: &Cell) -> Option<Histogram<u64>> {
    let mut all: Option<Histogram<u64>> = None;
    for text in cell.rounds.iter().filter_map(|round| round.histogram.as_ref()) {
        let bytes = STANDARD.decode(text).ok()?;
        let one: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
        match &mut all {
            Some(all) => all.add(one).ok()?,
            None => all = Some(one),
        }
    }
    all.filter(|all| !all.is_empty())
}
