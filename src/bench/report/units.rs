//! Formats values with three significant digits and a suitable unit.

use crate::bench::comparison::{Estimate, Measure};

/// A unit in which reports show values: its size in base units, and its name.
type Unit = (f64, &'static str);

const TIMES: &[Unit] = &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
const DATA_RATES: &[Unit] = &[(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1.0, "B/s")];
const RATES: &[Unit] = &[(1e6, "M/s"), (1e3, "k/s"), (1.0, "/s")];
const SIZES: &[(usize, &str)] = &[(1 << 20, "MiB"), (1 << 10, "KiB")];

/// Formats a time in nanoseconds: `1.83 µs`.
pub(super) fn format_time(ns: f64) -> String {
    scaled(ns, TIMES)
}

/// Formats a data rate in bytes per second: `12.1 GB/s`.
pub(super) fn format_data_rate(bytes: f64) -> String {
    scaled(bytes, DATA_RATES)
}

/// Formats a number per second: `1.23 M/s`.
pub(super) fn format_rate(number: f64) -> String {
    scaled(number, RATES)
}

/// Formats a number per second without the unit, for a column whose head has it: `1.23 M`.
pub(super) fn format_rate_without_unit(number: f64) -> String {
    format_rate(number).trim_end_matches("/s").trim_end().to_owned()
}

/// Formats a size in bytes: `64 B`, `64 KiB`.
pub(super) fn format_size(bytes: usize) -> String {
    let unit = SIZES.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes} B"), |(unit, name)| format!("{} {name}", bytes / unit))
}

/// Formats a measured value in the unit of its measure.
pub(super) fn format_value(value: f64, measure: Measure) -> String {
    scaled(value, units(measure))
}

/// Formats an estimate with the larger half of its confidence interval: `1.83 ±0.02 µs`.
pub(super) fn format_estimate(estimate: &Estimate, measure: Measure) -> String {
    if is_very_wide(estimate) {
        return format!(
            "{} ±{}",
            format_value(estimate.value, measure),
            format_value(margin(estimate), measure)
        );
    }
    let (factor, name) = unit(estimate.value, units(measure));
    let (value, margin) = (estimate.value / factor, margin(estimate) / factor);
    let decimals = decimals(value);
    format!("{value:.decimals$} ±{margin:.decimals$} {name}")
}

/// Formats a ratio with the larger half of its confidence interval: `0.97 ±0.01`.
pub(super) fn format_ratio(estimate: &Estimate) -> String {
    if is_very_wide(estimate) {
        return format!("{} ±{}", format_number(estimate.value), format_number(margin(estimate)));
    }
    let decimals = if estimate.value < 0.1 { 3 } else { decimals(estimate.value) };
    format!("{:.decimals$} ±{:.decimals$}", estimate.value, margin(estimate))
}

/// Formats a number with three significant digits: `2.00`, `14.1`, `230`.
pub(super) fn format_number(value: f64) -> String {
    format!("{value:.0$}", decimals(value))
}

/// Returns whether a confidence interval is too wide for the unit and decimals of the value.
fn is_very_wide(estimate: &Estimate) -> bool {
    margin(estimate) >= 10.0 * estimate.value
}

/// Returns the distance from a value to the farther end of its confidence interval.
fn margin(estimate: &Estimate) -> f64 {
    (estimate.high - estimate.value).max(estimate.value - estimate.low).max(0.0)
}

fn units(measure: Measure) -> &'static [Unit] {
    match measure {
        Measure::RoundTrip => TIMES,
        Measure::Throughput => DATA_RATES,
        Measure::Connections => RATES,
    }
}

fn scaled(value: f64, units: &[Unit]) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let (factor, name) = unit(value, units);
    format!("{:.1$} {name}", value / factor, decimals(value / factor))
}

/// Returns the largest unit in which a value, rounded to three digits, is at least one.
fn unit(value: f64, units: &[Unit]) -> Unit {
    let fits = |(factor, _): &&Unit| value.abs() / factor >= 0.9995;
    units.iter().find(fits).or(units.last()).copied().unwrap_or((1.0, ""))
}

/// Returns the number of decimals with which a value has three significant digits.
fn decimals(value: f64) -> usize {
    match value.abs() {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_three_significant_digits() {
        let times = [0.0, 85.0, 999.7, 1_834.0, 21_040.0, 711_000.0, 98_600_000.0, 2.5e9].map(format_time);
        let shown = ["0.00 ns", "85.0 ns", "1.00 µs", "1.83 µs", "21.0 µs", "711 µs", "98.6 ms", "2.50 s"];
        assert_eq!(times, shown);
        assert_eq!([1.4e9, 870e6].map(format_data_rate), ["1.40 GB/s", "870 MB/s"]);
        assert_eq!([49e6, 313e3, 90.0].map(format_rate), ["49.0 M/s", "313 k/s", "90.0 /s"]);
        assert_eq!(
            [1, 64, 1000, 1024, 65_536, 1 << 20].map(format_size)[2..],
            ["1000 B", "1 KiB", "64 KiB", "1 MiB"]
        );
    }

    #[test]
    fn formats_the_larger_half_of_an_interval() {
        let narrow = Estimate { value: 1_834.0, low: 1_810.0, high: 1_840.0 };
        assert_eq!(format_estimate(&narrow, Measure::RoundTrip), "1.83 ±0.02 µs");
        let wide = Estimate { value: 2_560.0, low: 2_500.0, high: 30_700_000.0 };
        assert_eq!(format_estimate(&wide, Measure::RoundTrip), "2.56 µs ±30.7 ms");
        assert_eq!(format_ratio(&Estimate { value: 2.46, low: 2.0, high: 11_221.0 }), "2.46 ±11219");
        assert_eq!(format_ratio(&Estimate { value: 0.974, low: 0.95, high: 0.98 }), "0.97 ±0.02");
        assert_eq!(format_ratio(&Estimate { value: 0.031, low: 0.030, high: 0.033 }), "0.031 ±0.002");
    }
}
