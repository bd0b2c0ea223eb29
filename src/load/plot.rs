//! Draws the latencies of a run over time: SVG 1.1 on white, without any library for charts.

use svg::Document;
use svg::node::Text as TextNode;
use svg::node::element::{Description, Line, Polyline, Rectangle, Text, Title};

use super::report::Heading;
use super::results::{IntervalResult, Results};
use super::units::format_time;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;
/// The edges of the area in which the lines are drawn.
const LEFT: f64 = 90.0;
const RIGHT: f64 = 870.0;
const TOP: f64 = 80.0;
const BOTTOM: f64 = 360.0;

/// A line of the plot: its name, its colour, and its value in an interval.
type Curve = (&'static str, &'static str, fn(&IntervalResult) -> u64);

const CURVES: [Curve; 3] = [
    ("p50", "#0b6e4f", |interval| interval.p50),
    ("p99", "#c46210", |interval| interval.p99),
    ("max", "#8b1e3f", |interval| interval.max),
];

/// Returns the picture of a run's latencies over time, as the text of an SVG file.
#[must_use]
pub fn draw_latencies(heading: &Heading<'_>, results: &Results) -> String {
    let scale = Scale::of(results);
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("width", WIDTH)
        .set("height", HEIGHT)
        .set("font-family", "system-ui, sans-serif")
        .set("font-size", 13)
        .set("role", "img")
        .add(Title::new("Latency over time"))
        .add(Description::new().add(TextNode::new(heading.line())))
        .add(Rectangle::new().set("width", WIDTH).set("height", HEIGHT).set("fill", "white"))
        .add(label(LEFT, 32.0, "start", "Latency over time").set("font-size", 18))
        .add(label(LEFT, 54.0, "start", &heading.line()).set("fill", "#555"));
    for exponent in scale.low..=scale.high {
        let value = 10_u64.pow(exponent);
        let y = scale.y(value);
        let grid = Line::new().set("x1", LEFT).set("x2", RIGHT).set("y1", y).set("y2", y);
        document = document.add(grid.set("stroke", "#ddd")).add(label(
            LEFT - 8.0,
            y + 4.0,
            "end",
            &format_time(value),
        ));
    }
    for tick in 0..=4 {
        let seconds = scale.seconds * f64::from(tick) / 4.0;
        document = document.add(label(scale.x(seconds), BOTTOM + 24.0, "middle", &format!("{seconds:.1} s")));
    }
    for (index, (name, colour, value)) in CURVES.into_iter().enumerate() {
        let points = results.intervals.iter().map(|interval| {
            format!("{:.1},{:.1}", scale.x(interval.began.as_secs_f64()), scale.y(value(interval)))
        });
        let line = Polyline::new()
            .set("points", points.collect::<Vec<_>>().join(" "))
            .set("fill", "none")
            .set("stroke", colour)
            .set("stroke-width", 1.5);
        let y = TOP + 20.0 * (index as f64) + 10.0;
        document = document.add(line).add(label(RIGHT + 12.0, y, "start", name).set("fill", colour));
    }
    format!("{document}\n")
}

/// The axes: seconds, and powers of ten of nanoseconds.
struct Scale {
    seconds: f64,
    low: u32,
    high: u32,
}

impl Scale {
    fn of(results: &Results) -> Scale {
        let values = || results.intervals.iter().flat_map(|it| [it.p50, it.max]).filter(|value| *value > 0);
        let low = values().min().unwrap_or(1_000).ilog10();
        let high = values().max().unwrap_or(1_000_000).ilog10() + 1;
        let last = results.intervals.last().map_or(0.0, |interval| interval.began.as_secs_f64());
        Scale { seconds: last.max(results.measured.as_secs_f64()).max(0.1), low, high }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * seconds / self.seconds
    }

    fn y(&self, nanoseconds: u64) -> f64 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        let place = (nanoseconds.max(1) as f64).log10().clamp(low, high);
        BOTTOM - (BOTTOM - TOP) * (place - low) / (high - low)
    }
}

fn label(x: f64, y: f64, anchor: &str, text: &str) -> Text {
    Text::new(text).set("x", x).set("y", y).set("text-anchor", anchor)
}
