//! Logarithmic axes and their ticks.

use crate::bench::report::units;

/// A logarithmic axis of a chart.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    pub ticks: Vec<Tick>,
}

/// A tick on the axis of a chart: a value and its label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub text: String,
}

/// The maximum number of decades of a chart's axis that has ticks between the powers of ten.
const DECADES_WITHOUT_STEPS: f64 = 2.2;

impl Axis {
    /// Creates the axis of a chart for measured values. It begins and ends at a tick. `show` formats a value with its
    /// unit.
    pub fn for_measured_values(values: impl Iterator<Item = f64>, show: fn(f64) -> String) -> Axis {
        let (low, high) = ends(values);
        let steps: &[f64] =
            if (high / low).log10() > DECADES_WITHOUT_STEPS { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let all = ladder(low, high, steps);
        let first = all.iter().rposition(|&tick| tick <= low).unwrap_or_default();
        // If all values are at one tick, the axis ends at the next one.
        let last = all.iter().position(|&tick| tick >= high && tick > all[first]).unwrap_or(all.len() - 1);
        let ticks: Vec<Tick> =
            all[first..=last].iter().map(|&value| Tick { value, text: short(&show(value)) }).collect();
        Axis { low: all[first], high: all[last], ticks }
    }

    /// Creates the axis of a chart for chosen values, such as sizes. Each value has a tick, and there is a margin at
    /// both ends.
    pub fn for_chosen_values(values: &[f64], show: fn(f64) -> String) -> Axis {
        let (low, high) = ends(values.iter().copied());
        let margin = (high / low).powf(0.04).max(1.4);
        let ticks = values.iter().map(|&value| Tick { value, text: short(&show(value)) }).collect();
        Axis { low: low / margin, high: high * margin, ticks }
    }

    /// Creates the axis of a chart for quantiles, up to the slowest of `max` messages. Each additional nine has the
    /// same width.
    pub fn for_quantiles(max: f64) -> Axis {
        let marks =
            [(1.0, "0 %"), (2.0, "50 %"), (1e1, "90 %"), (1e2, "99 %"), (1e3, "99.9 %"), (1e4, "99.99 %")];
        let further = [(1e5, "99.999 %"), (1e6, "99.9999 %")];
        let high = max.max(1e3);
        let within = marks.into_iter().chain(further).filter(|(value, _)| *value <= high);
        let ticks = within.map(|(value, text)| Tick { value, text: text.into() }).collect();
        Axis { low: 1.0, high, ticks }
    }

    /// Returns the position of `value` on the axis of a chart, from 0 to 1.
    pub fn position_of(&self, value: f64) -> f64 {
        ((value / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }
}

/// Returns the minimum and maximum of the values that a logarithmic axis can show.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let shown = values.filter(|value| value.is_finite() && *value > 0.0);
    let (low, high) =
        shown.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if high == 0.0 { (1.0, 10.0) } else { (low, high) }
}

/// Returns the ticks of a chart's axis from below `low` to above `high`: `steps` in each power of ten.
fn ladder(low: f64, high: f64, steps: &[f64]) -> Vec<f64> {
    let decades = (low.log10().floor() as i32)..=(high.log10().floor() as i32 + 1);
    decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade))).collect()
}

/// Shortens the label of a tick, such as `5.00 µs` to `5 µs`.
fn short(text: &str) -> String {
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text.to_owned(),
    }
}

/// Formats a size in bytes for the label of a tick.
pub(super) fn format_tick_size(bytes: f64) -> String {
    units::format_size(bytes as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    #[test]
    fn measured_axis_ends_at_round_ticks() {
        let axis = Axis::for_measured_values([5_411.0, 38_000.0].into_iter(), units::format_time);
        assert_eq!(texts(&axis), ["5 µs", "10 µs", "20 µs", "50 µs"]);
        assert!(axis.position_of(5_411.0) > 0.0 && axis.position_of(38_000.0) < 1.0);
        let wide = Axis::for_measured_values([2e6, 9e9].into_iter(), units::format_data_rate);
        assert_eq!(texts(&wide), ["1 MB/s", "10 MB/s", "100 MB/s", "1 GB/s", "10 GB/s"]);
    }

    #[test]
    fn axis_of_one_value_or_none_has_two_ends() {
        for axis in [
            Axis::for_measured_values([100.0].into_iter(), units::format_time),
            Axis::for_measured_values([f64::NAN].into_iter(), units::format_time),
            Axis::for_chosen_values(&[64.0], format_tick_size),
        ] {
            assert!(axis.high > axis.low && axis.position_of(100.0).is_finite(), "{axis:?}");
        }
    }

    #[test]
    fn each_nine_has_the_same_width() {
        let axis = Axis::for_quantiles(1e4);
        assert_eq!(texts(&axis), ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert!((axis.position_of(1e3) - axis.position_of(1e2) - 0.25).abs() < 1e-9);
    }
}
