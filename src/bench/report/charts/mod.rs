//! Charts of a comparison: self-contained SVG 1.1 on white, suitable for print.
//!
//! They are drawn without a plotting library, because none writes the name of a line at its end.

use crate::bench::comparison::{Comparison, Placement};
use crate::bench::report::labels;
use crate::text::{count_with_noun, one_line};

mod axis;
mod curves;
mod label_positions;
mod line_style;
mod lines;
mod page;
mod plot;

use curves::Curves;
pub use lines::{ChartTexts, LineChart, Series, draw_line_charts};
use page::Page;
use plot::Plot;

/// A chart as an SVG file.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The name of a chart's file: `latency-same.svg`.
    pub file: String,
    /// The contents of a chart's file.
    pub svg: String,
}

/// Draws all charts of a comparison: for each placement one chart of each kind that has values, and one with all
/// kinds.
#[must_use]
pub fn draw_charts(comparison: &Comparison) -> Vec<Chart> {
    let placements = Placement::ALL.into_iter();
    placements.flat_map(|placement| of_placement(comparison, placement)).collect()
}

fn of_placement(comparison: &Comparison, placement: Placement) -> Vec<Chart> {
    let curves = Curves { comparison, placement };
    let kinds = [
        ("latency", curves.latency_plot()),
        ("throughput", curves.throughput_plot()),
        ("cpu", curves.cost_plot()),
        ("tail", curves.quantile_plot()),
        ("rates", curves.open_loop_plot()),
    ];
    let plots: Vec<(&str, Plot)> = kinds.into_iter().filter_map(|(kind, plot)| Some((kind, plot?))).collect();
    let place = placement.name();
    let chart = |kind: &str, title: &str, plots: Vec<&Plot>| {
        let sheet = Page {
            title: title.into(),
            subtitle: subtitle(placement),
            about: about(comparison, kind),
            foot: foot(comparison, placement),
            plots,
        };
        Chart { file: format!("{kind}-{place}.svg"), svg: sheet.draw() }
    };
    let mut charts: Vec<Chart> =
        plots.iter().map(|(kind, plot)| chart(kind, &plot.title, vec![plot])).collect();
    if plots.len() > 1 {
        charts.push(chart(
            "overview",
            "Messages between two processes",
            plots.iter().map(|it| &it.1).collect(),
        ));
    }
    charts
}

fn subtitle(placement: Placement) -> String {
    let label = placement.description();
    format!("{}{}", label[..1].to_uppercase(), &label[1..])
}

fn about(comparison: &Comparison, kind: &str) -> String {
    let rounds = count_with_noun(comparison.method.rounds, "round");
    let basis = if kind == "tail" {
        format!("All messages of {rounds} together; a line ends where a single one was slower")
    } else {
        format!("Medians of {rounds} with 95 % intervals")
    };
    let interrupted = if comparison.interrupted { " The run was interrupted." } else { "" };
    format!("{basis}. Every byte verified. Logarithmic axes.{interrupted}")
}

fn foot(comparison: &Comparison, placement: Placement) -> String {
    let machine = &comparison.machine;
    let model = machine.processor.as_ref().map(|model| format!(", {}", one_line(model))).unwrap_or_default();
    let processors = count_with_noun(machine.processors, "processor");
    let caution = labels::placement_caution(placement).map(|text| format!("{text} ")).unwrap_or_default();
    format!(
        "{caution}Measured on {}{model}, {processors}, by echospec compare {} (--placement {}, seed {}).",
        one_line(&machine.system),
        one_line(&comparison.version),
        placement.name(),
        comparison.seed
    )
}
