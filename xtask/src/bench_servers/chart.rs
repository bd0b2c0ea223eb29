//! The chart `docs/concurrency.svg`: requests a second, and processor time of the server, by number of connections.

use echospec::bench::comparison::Estimate;
use echospec::bench::report::{ChartTexts, LineChart, Series, draw_line_charts};

use super::cell::{self, Cell, thousands};
use super::contenders::CONTENDERS;
use super::generator::Figures;
use super::results::{Results, Row};

/// Returns the contents of the SVG file.
pub fn draw(results: &Results) -> String {
    let charts: Vec<_> = cell::SIZES.into_iter().flat_map(|size| of_size(results, size)).collect();
    let texts = ChartTexts {
        title: "Echo servers over TCP, by concurrency model".into(),
        subtitle: "Server on one core, client on the other; our servers begin with echo-".into(),
        about: format!(
            "Medians of {} interleaved rounds with 95 % intervals. Logarithmic axes.",
            results.rounds
        ),
        foot: format!("Measured on {} by cargo xtask bench-servers.", results.machine.system),
    };
    draw_line_charts(texts, &charts)
}

fn of_size(results: &Results, size: usize) -> Vec<LineChart> {
    let label = Cell { size, connections: 1 }.size_label();
    let chart = |title: &str, axis: &str, show: fn(f64) -> String, figure: fn(&Figures) -> f64| LineChart {
        title: format!("{title}, {label}"),
        names: ["connections".into(), axis.into()],
        formats: [|value| thousands(value as usize), show],
        series: series(results, size, |row| row.estimate(figure)),
    };
    let charts = [
        chart("Requests a second", "requests a second · higher is better", thousands_of, Figures::rate),
        chart("CPU time of the server", "µs a request · lower is better", microseconds, Figures::server_cost),
    ];
    charts.into_iter().filter(|chart| !chart.series.is_empty()).collect()
}

fn series(results: &Results, size: usize, value: impl Fn(&Row) -> Option<Estimate>) -> Vec<Series> {
    let cells: Vec<_> = results.cells().into_iter().filter(|cell| cell.size == size).collect();
    let tables: Vec<_> = cells.iter().map(|&cell| (cell, results.rows(cell))).collect();
    let of_server = |(style, name): (usize, &str)| {
        let point = |(cell, rows): &(Cell, Vec<Row>)| {
            let row = rows.iter().find(|row| row.server.name == name)?;
            Some((cell.connections as f64, value(row)?))
        };
        Series { name: name.to_owned(), style, points: tables.iter().filter_map(point).collect() }
    };
    let all = CONTENDERS.iter().map(|it| it.name).enumerate().map(of_server);
    all.filter(|series| !series.points.is_empty()).collect()
}

fn thousands_of(rate: f64) -> String {
    if rate < 1e3 { format!("{rate:.0} /s") } else { format!("{:.0} k/s", rate / 1e3) }
}

fn microseconds(value: f64) -> String {
    format!("{value:.1} µs")
}
