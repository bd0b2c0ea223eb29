//! Computes the curves of charts from the measurements of a run.

use super::axis::{self, Axis};
use super::line_style::LineStyle;
use super::plot::{Curve, Plot, Point};
use crate::bench::client::Latencies;
use crate::bench::comparison::{CandidateInfo, Comparison, Measure, Measurement, Placement};
use crate::bench::report::ranking::has_usable_estimate;
use crate::bench::report::{labels, units};

/// The measurements of one comparison at one placement, from which charts are drawn.
pub(super) struct Curves<'a> {
    pub comparison: &'a Comparison,
    pub placement: Placement,
}

/// A line of a chart: the measurements of one candidate, with its name and style.
struct Line<'a> {
    name: String,
    style: LineStyle,
    measurements: Vec<&'a Measurement>,
}

const SIZE: &str = "size of a message";

impl<'a> Curves<'a> {
    /// Returns the chart of round-trip times in a closed loop.
    pub fn latency_plot(&self) -> Option<Plot> {
        let curves = self.curves(|it| is_closed(it, Measure::RoundTrip), size, estimate);
        let names = [SIZE.into(), "median round trip · lower is better".into()];
        plot("Round trip by size of message", names, axis::format_tick_size, units::format_time, curves)
    }

    /// Returns the chart of throughput in bytes per second.
    pub fn throughput_plot(&self) -> Option<Plot> {
        let curves = self.curves(|it| is_closed(it, Measure::Throughput), size, estimate);
        let names = [SIZE.into(), "bytes echoed a second · higher is better".into()];
        plot("Throughput by size of message", names, axis::format_tick_size, units::format_data_rate, curves)
    }

    /// Returns the chart of the processor time of client and server.
    pub fn cost_plot(&self) -> Option<Plot> {
        let curves = self.curves(|it| is_closed(it, Measure::RoundTrip), size, cost);
        let names =
            [SIZE.into(), "CPU time of both processes for a message there and back · lower is better".into()];
        plot("CPU cost of a round trip", names, axis::format_tick_size, units::format_time, curves)
    }

    /// Returns the chart of round-trip times in an open loop, for the smallest message size.
    pub fn open_loop_plot(&self) -> Option<Plot> {
        let is_open = |it: &Measurement| it.measure == Measure::RoundTrip && it.rate.is_some();
        let size = self.measurements().filter(|it| is_open(it)).map(|it| it.size).min()?;
        let curves =
            self.curves(|it| is_open(it) && it.size == size, |it| it.rate.unwrap_or_default(), estimate);
        let names = [
            "messages sent a second, on a schedule".into(),
            "median round trip from the intended time of sending · lower is better".into(),
        ];
        let title = format!("Round trip of {} by how often one is sent", units::format_size(size));
        plot(&title, names, units::format_rate, units::format_time, curves)
    }

    /// Returns the chart of the quantiles of round-trip times, for the smallest message size.
    pub fn quantile_plot(&self) -> Option<Plot> {
        let has_histogram = |it: &Measurement| {
            is_closed(it, Measure::RoundTrip) && it.rounds.iter().any(|round| round.histogram.is_some())
        };
        let size = self.measurements().filter(|it| has_histogram(it)).map(|it| it.size).min()?;
        let mut curves = Vec::new();
        for Line { name, style, measurements } in self.lines(|it| has_histogram(it) && it.size == size) {
            let points = measurements.first().and_then(|it| quantiles(it)).unwrap_or_default();
            curves.push(Curve { name, style, points, marked: false });
        }
        curves.retain(|curve| !curve.points.is_empty());
        let max = curves.iter().flat_map(|curve| &curve.points).map(|point| point.x).fold(0.0, f64::max);
        let heights = curves.iter().flat_map(|curve| &curve.points).map(|point| point.y);
        let axes = [Axis::for_quantiles(max), Axis::for_measured_values(heights, units::format_time)];
        let names =
            ["part of all messages that took no longer".into(), "round trip · lower is better".into()];
        let title = format!("Tail of the round trip of {}", units::format_size(size));
        (!curves.is_empty()).then_some(Plot { title, names, axes, curves })
    }

    fn measurements(&self) -> impl Iterator<Item = &'a Measurement> {
        let placement = self.placement;
        self.comparison
            .measurements
            .iter()
            .filter(move |it| it.placement == placement && has_usable_estimate(it))
    }

    /// Returns the line of a chart for each candidate that has measurements which are `wanted`.
    fn lines(&self, wanted: impl Fn(&Measurement) -> bool) -> Vec<Line<'a>> {
        let candidates = self.comparison.candidates.iter().filter(|it| it.unsupported.is_none()).enumerate();
        let line = |(index, candidate): (usize, &CandidateInfo)| Line {
            name: labels::short_name(&candidate.name),
            style: LineStyle::for_candidate(index),
            measurements: self
                .measurements()
                .filter(|it| it.candidate == candidate.name && wanted(it))
                .collect(),
        };
        candidates.map(line).filter(|line| !line.measurements.is_empty()).collect()
    }

    fn curves(
        &self,
        wanted: impl Fn(&Measurement) -> bool,
        x: fn(&Measurement) -> f64,
        y: fn(&Measurement) -> Option<Point>,
    ) -> Vec<Curve> {
        let curve = |Line { name, style, measurements }: Line<'_>| {
            let point = |it: &&Measurement| Some(Point { x: x(it), ..y(it)? });
            let mut points: Vec<Point> = measurements.iter().filter_map(point).collect();
            points.sort_by(|one, other| one.x.total_cmp(&other.x));
            Curve { name, style, points, marked: true }
        };
        let curves = self.lines(wanted).into_iter().map(curve);
        curves.filter(|curve| !curve.points.is_empty()).collect()
    }
}

fn is_closed(measurement: &Measurement, measure: Measure) -> bool {
    measurement.measure == measure && measurement.rate.is_none()
}

fn size(measurement: &Measurement) -> f64 {
    measurement.size as f64
}

fn estimate(measurement: &Measurement) -> Option<Point> {
    let estimate = measurement.estimate;
    Some(Point { x: 0.0, y: estimate.value, low: estimate.low, high: estimate.high })
}

/// Returns the point of a chart that shows a measurement's processor time. A cost of 0 is below the resolution of the
/// kernel's accounts, and has no point.
fn cost(measurement: &Measurement) -> Option<Point> {
    let used = measurement.cost.processor_time();
    (used > 0.0).then_some(Point { x: 0.0, y: used, low: used, high: used })
}

fn plot(
    title: &str,
    names: [String; 2],
    show_x: fn(f64) -> String,
    show_y: fn(f64) -> String,
    curves: Vec<Curve>,
) -> Option<Plot> {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let mut chosen: Vec<f64> = all().map(|point| point.x).collect();
    chosen.sort_by(f64::total_cmp);
    chosen.dedup();
    // A very wide interval may leave the chart. Otherwise it would compress all curves.
    let heights = all().map(|point| point.y);
    let axes = [Axis::for_chosen_values(&chosen, show_x), Axis::for_measured_values(heights, show_y)];
    (!curves.is_empty()).then(|| Plot { title: title.into(), names, axes, curves })
}

/// The number of points in a chart between one quantile with a further nine and the next, such as 99 % and 99.9 %.
const POINTS_PER_NINE: i32 = 24;

/// Returns the message times of a measurement at increasing quantiles, up to the one above which there is a single
/// message. `x` is the inverse of the share of messages above the quantile.
fn quantiles(measurement: &Measurement) -> Option<Vec<Point>> {
    let all = latencies(measurement)?;
    let messages = all.count() as f64;
    let steps = (0..).map(|step| 10_f64.powf(f64::from(step) / f64::from(POINTS_PER_NINE)));
    let point = |inverse: f64| {
        let time = (all.quantile(1.0 - 1.0 / inverse) as f64).max(1.0);
        Point { x: inverse, y: time, low: time, high: time }
    };
    Some(steps.take_while(|&inverse| inverse <= messages).map(point).collect())
}

/// Adds up the histograms of a measurement's rounds. Returns `None` if there is none, or one cannot be read.
fn latencies(measurement: &Measurement) -> Option<Latencies> {
    let mut all = Latencies::new();
    for text in measurement.rounds.iter().filter_map(|round| round.histogram.as_ref()) {
        all.add(&Latencies::decode(text)?);
    }
    (all.count() > 0).then_some(all)
}
