//! A comparison as pictures: SVG 1.1, light, so that they print, and with nothing that would have to be fetched.
//!
//! Drawn with the crate that the demos draw with. A plotting library places ticks and lines as well, but writes shapes
//! without meaning, and neither names a line at its end nor moves the names apart.

use crate::bench::comparison::{Comparison, Placement};
use crate::bench::report::labels;
use crate::text::{count, one_line};

mod axis;
mod curves;
mod label_positions;
mod line_style;
mod page;
mod plot;

use curves::Curves;
use page::Sheet;
use plot::Plot;

/// One picture.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Its name as a file: `latency-same.svg`.
    pub file: String,
    /// The text of the file.
    pub svg: String,
}

/// All pictures that the figures give: for each placement one of every kind, and one with all of them.
#[must_use]
pub fn charts(comparison: &Comparison) -> Vec<Chart> {
    let placements = Placement::ALL.into_iter();
    placements.flat_map(|placement| of_placement(comparison, placement)).collect()
}

fn of_placement(comparison: &Comparison, placement: Placement) -> Vec<Chart> {
    let curves = Curves { comparison, placement };
    let kinds = [
        ("latency", curves.latency()),
        ("throughput", curves.throughput()),
        ("cpu", curves.cost()),
        ("tail", curves.tail()),
        ("rates", curves.rates()),
    ];
    let plots: Vec<(&str, Plot)> = kinds.into_iter().filter_map(|(kind, plot)| Some((kind, plot?))).collect();
    let place = labels::placement(placement);
    let chart = |kind: &str, title: &str, plots: Vec<&Plot>| {
        let sheet = Sheet {
            title: title.into(),
            regime: regime(placement),
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

fn regime(placement: Placement) -> String {
    let whereabouts = labels::whereabouts(placement);
    format!("{}{}", whereabouts[..1].to_uppercase(), &whereabouts[1..])
}

fn about(comparison: &Comparison, kind: &str) -> String {
    let rounds = count(comparison.method.rounds, "round");
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
    let processors = count(machine.processors, "processor");
    let caution = labels::caution(placement).map(|text| format!("{text} ")).unwrap_or_default();
    format!(
        "{caution}Measured on {}{model}, {processors}, by echospec compare {} (--placement {}, seed {}).",
        one_line(&machine.system),
        one_line(&comparison.version),
        labels::placement(placement),
        comparison.seed
    )
}
