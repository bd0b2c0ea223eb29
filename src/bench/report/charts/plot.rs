//! A chart: a frame with a grid, and a line for each candidate with its name at the end.

use svg::node::Node;
use svg::node::element::{Group, Line, Path, Rectangle};

use super::axis::Axis;
use super::label_positions::spread_labels;
use super::line_style::LineStyle;
use crate::diagram::svg_text::{sans_width, text_line};

/// A chart of curves on two axes.
#[derive(Debug)]
pub(super) struct Plot {
    /// The title above a chart.
    pub title: String,
    /// The names of a chart's two axes.
    pub names: [String; 2],
    pub axes: [Axis; 2],
    pub curves: Vec<Curve>,
}

/// The curve of one candidate in a chart.
#[derive(Debug)]
pub(super) struct Curve {
    pub name: String,
    pub style: LineStyle,
    pub points: Vec<Point>,
    /// True if each point of a chart's curve was measured, and has a marker.
    pub marked: bool,
}

/// A point of a chart's curve, with the confidence interval of its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

/// The left margin of a chart's frame in pixels, for ticks and titles. The next constants are the other margins.
const LEFT: f64 = 74.0;
const TOP: f64 = 32.0;
const TOP_WITH_TITLE: f64 = 54.0;
const BOTTOM: f64 = 56.0;
/// The distance in pixels from a chart's frame to the names of its curves.
const LABEL_DISTANCE: f64 = 30.0;
const LABEL_PITCH: f64 = 16.0;
const LABEL_SIZE: f64 = 13.0;

pub(super) const STYLE_SHEET: &str = "\
.frame { fill: none; stroke: #9aa5b1; }
.grid { stroke: #e4e7eb; }
.tick { font-size: 12px; fill: #3e4c59; }
.y { text-anchor: end; }
.x { text-anchor: middle; }
.axis { font-size: 12px; fill: #52606d; }
.plot { font-size: 15px; font-weight: 700; }
.name { font-size: 13px; }
.curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.reach { stroke-width: 1.3; fill: none; }
.leader { fill: none; stroke-width: 1; stroke-dasharray: 1 2; opacity: 0.8; }
.marker { stroke: #ffffff; stroke-width: 0.8; }";

impl Plot {
    /// Draws a chart in `width` by `height` pixels.
    pub fn draw(&self, width: f64, height: f64, titled: bool) -> Group {
        let names =
            self.curves.iter().map(|curve| sans_width(&curve.name, LABEL_SIZE)).max().unwrap_or_default();
        let right = LABEL_DISTANCE + f64::from(names) + 6.0;
        let top = if titled { TOP_WITH_TITLE } else { TOP };
        let frame = Frame { plot: self, width: width - LEFT - right, height: height - top - BOTTOM };
        let inner = frame.draw().set("transform", format!("translate({LEFT} {top})"));
        let mut group = Group::new().add(text_line("axis", 0, whole(top) - 14, &self.names[1])).add(inner);
        if titled {
            group.append(text_line("plot", 0, 18, &self.title));
        }
        group
    }
}

/// The area between the axes of a chart, with its origin at the upper left corner.
struct Frame<'a> {
    plot: &'a Plot,
    width: f64,
    height: f64,
}

impl Frame<'_> {
    fn x(&self, value: f64) -> f64 {
        self.plot.axes[0].position_of(value) * self.width
    }

    fn y(&self, value: f64) -> f64 {
        (1.0 - self.plot.axes[1].position_of(value)) * self.height
    }

    fn draw(&self) -> Group {
        let outline = Rectangle::new().set("class", "frame").set("width", rounded(self.width));
        let mut group = self.grid().add(outline.set("height", rounded(self.height)));
        for (curve, y) in self.label_positions() {
            group = group.add(self.label(curve, y));
        }
        for curve in &self.plot.curves {
            group = group.add(self.curve(curve));
        }
        group
    }

    fn grid(&self) -> Group {
        let mut group = Group::new();
        let mut free = f64::NEG_INFINITY;
        for tick in &self.plot.axes[0].ticks {
            let (x, half) = (self.x(tick.value), f64::from(sans_width(&tick.text, 12.0)) / 2.0);
            group.append(rule([x, x], [0.0, self.height]));
            // Labels that would overlap are left out.
            if x - half > free {
                group.append(text_line("tick x", whole(x), whole(self.height) + 19, &tick.text));
                free = x + half + 9.0;
            }
        }
        for tick in &self.plot.axes[1].ticks {
            let y = self.y(tick.value);
            group.append(rule([0.0, self.width], [y, y]));
            group.append(text_line("tick y", -9, whole(y) + 4, &tick.text));
        }
        let below =
            text_line("axis x", whole(self.width / 2.0), whole(self.height) + 42, &self.plot.names[0]);
        group.add(below)
    }

    fn curve(&self, curve: &Curve) -> Group {
        let colour = curve.style.colour();
        let steps = curve.points.iter().enumerate().map(|(number, point)| {
            let letter = if number == 0 { 'M' } else { 'L' };
            format!("{letter}{:.1} {:.1}", self.x(point.x), self.y(point.y))
        });
        let path = Path::new().set("class", "curve").set("d", steps.collect::<String>());
        let mut group =
            Group::new().add(path.set("stroke", colour).set("stroke-dasharray", curve.style.dash()));
        for point in curve.points.iter().filter(|_| curve.marked) {
            let (x, ends) = (self.x(point.x), [self.y(point.low), self.y(point.high)]);
            // The marker hides a small interval.
            if (ends[0] - ends[1]).abs() > 8.0 {
                group.append(self.interval(x, ends, colour));
            }
            group.append(curve.style.marker(x, self.y(point.y)));
        }
        group
    }

    /// Draws a confidence interval in a chart, as a line with ends.
    fn interval(&self, x: f64, [low, high]: [f64; 2], colour: &str) -> Path {
        let d = format!("M{0:.1} {low:.1}h6m-3 0V{high:.1}m-3 0h6", x - 3.0);
        Path::new().set("class", "reach").set("stroke", colour).set("d", d)
    }

    /// Returns every curve of a chart with the vertical position of its name, from top to bottom.
    fn label_positions(&self) -> Vec<(&Curve, f64)> {
        let mut ends: Vec<(&Curve, f64)> = self
            .plot
            .curves
            .iter()
            .filter_map(|curve| Some((curve, self.y(curve.points.last()?.y))))
            .collect();
        ends.sort_by(|one, other| one.1.total_cmp(&other.1));
        let wanted: Vec<f64> = ends.iter().map(|end| end.1).collect();
        let positions = spread_labels(&wanted, LABEL_PITCH, self.height);
        ends.into_iter().zip(positions).map(|((curve, _), y)| (curve, y)).collect()
    }

    fn label(&self, curve: &Curve, y: f64) -> Group {
        let end = curve.points.last().map_or((0.0, 0.0), |point| (self.x(point.x), self.y(point.y)));
        let d = format!("M{:.1} {:.1}L{:.1} {y:.1}h8", end.0, end.1, self.width + LABEL_DISTANCE - 14.0);
        let leader = Path::new().set("class", "leader").set("stroke", curve.style.colour()).set("d", d);
        let mut group = Group::new().add(leader);
        if !curve.marked {
            group.append(curve.style.marker(self.width + LABEL_DISTANCE - 8.0, y));
        }
        group.add(text_line("name", whole(self.width + LABEL_DISTANCE), whole(y) + 4, &curve.name))
    }
}

fn rule(x: [f64; 2], y: [f64; 2]) -> Line {
    let [x, y] = [x, y].map(|ends| ends.map(rounded));
    let rule = Line::new().set("class", "grid").set("x1", x[0]).set("x2", x[1]);
    rule.set("y1", y[0]).set("y2", y[1])
}

fn rounded(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

fn whole(pixels: f64) -> i32 {
    pixels.round() as i32
}
