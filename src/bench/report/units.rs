//! Figures as a person reads them: three digits that count, and a unit that keeps them near one.

use crate::bench::comparison::{Estimate, Measure};

/// A unit by its name, and how many of the base unit it is.
type Unit = (f64, &'static str);

const TIMES: &[Unit] = &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
const DATA_RATES: &[Unit] = &[(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1.0, "B/s")];
const RATES: &[Unit] = &[(1e6, "M/s"), (1e3, "k/s"), (1.0, "/s")];
const SIZES: &[(usize, &str)] = &[(1 << 20, "MiB"), (1 << 10, "KiB")];

/// `1.83 µs`, of nanoseconds.
pub(super) fn time(ns: f64) -> String {
    scaled(ns, TIMES)
}

/// `12.1 GB/s`, of bytes per second.
pub(super) fn data_rate(bytes: f64) -> String {
    scaled(bytes, DATA_RATES)
}

/// `1.23 M/s`, of anything per second.
pub(super) fn rate(number: f64) -> String {
    scaled(number, RATES)
}

/// `1.23 M`, of a number whose column says per what.
pub(super) fn number_rate(number: f64) -> String {
    rate(number).trim_end_matches("/s").trim_end().to_owned()
}

/// `64 B`, `64 KiB`: powers of two stay whole.
pub(super) fn size(bytes: usize) -> String {
    let unit = SIZES.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes} B"), |(unit, name)| format!("{} {name}", bytes / unit))
}

/// A figure in the unit of its measure.
pub(super) fn figure(value: f64, measure: Measure) -> String {
    scaled(value, units(measure))
}

/// A figure with the larger half of its interval: `1.83 ±0.02 µs`.
pub(super) fn estimate(estimate: &Estimate, measure: Measure) -> String {
    let Estimate { value, .. } = *estimate;
    if is_wild(estimate) {
        return format!("{} ±{}", figure(value, measure), figure(margin(estimate), measure));
    }
    let (factor, name) = unit(value, units(measure));
    let decimals = decimals(value / factor);
    format!("{:.decimals$} ±{:.decimals$} {name}", value / factor, margin(estimate) / factor)
}

/// A ratio likewise, but without a unit: `0.97 ±0.01`.
pub(super) fn ratio(estimate: &Estimate) -> String {
    if is_wild(estimate) {
        return format!("{} ±{}", number(estimate.value), number(margin(estimate)));
    }
    let decimals = if estimate.value < 0.1 { 3 } else { decimals(estimate.value) };
    format!("{:.decimals$} ±{:.decimals$}", estimate.value, margin(estimate))
}

/// A number of three digits that count, without a unit: `2.00`, `14.1`, `230`.
pub(super) fn number(value: f64) -> String {
    format!("{value:.0$}", decimals(value))
}

/// Whether the interval is so wide that the figure's own unit and decimals do not suit it.
fn is_wild(estimate: &Estimate) -> bool {
    margin(estimate) >= 10.0 * estimate.value
}

/// How far the farther end of the interval is.
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

/// The largest unit of which there is one at least, after rounding to three digits.
fn unit(value: f64, units: &[Unit]) -> Unit {
    let fits = |(factor, _): &&Unit| value.abs() / factor >= 0.9995;
    units.iter().find(fits).or(units.last()).copied().unwrap_or((1.0, ""))
}

/// How many decimals leave three digits in all.
fn decimals(value: f64) -> usize {
    match value.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count_in_the_nearest_unit() {
        let times = [0.0, 85.0, 999.7, 1_834.0, 21_040.0, 711_000.0, 98_600_000.0, 2.5e9].map(time);
        let shown = ["0.00 ns", "85.0 ns", "1.00 µs", "1.83 µs", "21.0 µs", "711 µs", "98.6 ms", "2.50 s"];
        assert_eq!(times, shown);
        assert_eq!([1.4e9, 870e6].map(data_rate), ["1.40 GB/s", "870 MB/s"]);
        assert_eq!([49e6, 313e3, 90.0].map(rate), ["49.0 M/s", "313 k/s", "90.0 /s"]);
        assert_eq!(
            [1, 64, 1000, 1024, 65_536, 1 << 20].map(size)[2..],
            ["1000 B", "1 KiB", "64 KiB", "1 MiB"]
        );
    }

    #[test]
    fn an_interval_is_told_by_its_farther_end_in_the_unit_of_the_figure() {
        let figure = Estimate { value: 1_834.0, low: 1_810.0, high: 1_840.0 };
        assert_eq!(estimate(&figure, Measure::RoundTrip), "1.83 ±0.02 µs");
        let wild = Estimate { value: 2_560.0, low: 2_500.0, high: 30_700_000.0 };
        assert_eq!(estimate(&wild, Measure::RoundTrip), "2.56 µs ±30.7 ms");
        assert_eq!(ratio(&Estimate { value: 2.46, low: 2.0, high: 11_221.0 }), "2.46 ±11219");
        assert_eq!(ratio(&Estimate { value: 0.974, low: 0.95, high: 0.98 }), "0.97 ±0.02");
        assert_eq!(ratio(&Estimate { value: 0.031, low: 0.030, high: 0.033 }), "0.031 ±0.002");
    }
}
