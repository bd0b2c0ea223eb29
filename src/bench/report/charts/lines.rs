//! Line charts of values that are not part of a comparison of mechanisms.

use super::axis::Axis;
use super::line_style::LineStyle;
use super::page::Page;
use super::plot::{Curve, Plot, Point};
use crate::bench::comparison::Estimate;

/// A chart with a line for each series, on logarithmic axes.
#[derive(Debug, Clone)]
pub struct LineChart {
    /// The title above a line chart.
    pub title: String,
    /// The names of a line chart's horizontal and vertical axis.
    pub names: [String; 2],
    /// The functions that format the values of a line chart's two axes.
    pub formats: [fn(f64) -> String; 2],
    /// The lines of a line chart.
    pub series: Vec<Series>,
}

/// A line of a line chart.
#[derive(Debug, Clone)]
pub struct Series {
    /// The name at the end of a series' line.
    pub name: String,
    /// The number of a series' colour and marker. A series has the same in all charts.
    pub style: usize,
    /// The positions and values of a series.
    pub points: Vec<(f64, Estimate)>,
}

/// The texts around the charts of one file.
#[derive(Debug, Clone, Default)]
pub struct ChartTexts {
    /// The title of a file with charts.
    pub title: String,
    /// The line below the title of a file with charts.
    pub subtitle: String,
    /// The text below the subtitle of a file with charts.
    pub about: String,
    /// The text below the charts of a file.
    pub foot: String,
}

/// Draws line charts side by side. Returns the contents of an SVG file.
#[must_use]
pub fn draw_line_charts(texts: ChartTexts, charts: &[LineChart]) -> String {
    let plots: Vec<Plot> = charts.iter().map(LineChart::plot).collect();
    let ChartTexts { title, subtitle, about, foot } = texts;
    Page { title, subtitle, about, foot, plots: plots.iter().collect() }.draw()
}

impl LineChart {
    fn plot(&self) -> Plot {
        let curves: Vec<Curve> = self.series.iter().map(Series::curve).collect();
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let mut chosen: Vec<f64> = points().map(|point| point.x).collect();
        chosen.sort_by(f64::total_cmp);
        chosen.dedup();
        let [show_x, show_y] = self.formats;
        let heights = points().map(|point| point.y);
        let axes = [Axis::for_chosen_values(&chosen, show_x), Axis::for_measured_values(heights, show_y)];
        Plot { title: self.title.clone(), names: self.names.clone(), axes, curves }
    }
}

impl Series {
    fn curve(&self) -> Curve {
        let point = |&(x, Estimate { value, low, high }): &(f64, Estimate)| Point { x, y: value, low, high };
        Curve {
            name: self.name.clone(),
            style: LineStyle::for_candidate(self.style),
            points: self.points.iter().map(point).collect(),
            marked: true,
        }
    }
}
