//! Logarithmic axes, and where their ticks stand.

use crate::bench::report::units;

/// A range of values, from one end of a line to the other.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    pub ticks: Vec<Tick>,
}

/// A place on an axis, and what is written there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub text: String,
}

/// An axis over so many decades and more has ticks at powers of ten only.
const FAR: f64 = 2.2;

impl Axis {
    /// Of figures, which `show` writes with their unit; it ends at ticks.
    pub fn figures(values: impl Iterator<Item = f64>, show: fn(f64) -> String) -> Axis {
        let (low, high) = ends(values);
        let steps: &[f64] = if (high / low).log10() > FAR { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let all = ladder(low, high, steps);
        let first = all.iter().rposition(|&tick| tick <= low).unwrap_or_default();
        // Where all there is stands on a tick, the next one is the other end.
        let last = all.iter().position(|&tick| tick >= high && tick > all[first]).unwrap_or(all.len() - 1);
        let ticks: Vec<Tick> =
            all[first..=last].iter().map(|&value| Tick { value, text: short(&show(value)) }).collect();
        Axis { low: all[first], high: all[last], ticks }
    }

    /// Of what was chosen before it was measured, as sizes are: each has its tick, with some air at both ends.
    pub fn chosen(values: &[f64], show: fn(f64) -> String) -> Axis {
        let (low, high) = ends(values.iter().copied());
        let air = (high / low).powf(0.04).max(1.4);
        let ticks = values.iter().map(|&value| Tick { value, text: short(&show(value)) }).collect();
        Axis { low: low / air, high: high * air, ticks }
    }

    /// Of parts of all messages up to one of `most`: as far from the one to the next as there are nines.
    pub fn quantiles(most: f64) -> Axis {
        let marks =
            [(1.0, "0 %"), (2.0, "50 %"), (1e1, "90 %"), (1e2, "99 %"), (1e3, "99.9 %"), (1e4, "99.99 %")];
        let further = [(1e5, "99.999 %"), (1e6, "99.9999 %")];
        let high = most.max(1e3);
        let within = marks.into_iter().chain(further).filter(|(value, _)| *value <= high);
        let ticks = within.map(|(value, text)| Tick { value, text: text.into() }).collect();
        Axis { low: 1.0, high, ticks }
    }

    /// How far along the axis `value` is, 0 to 1.
    pub fn at(&self, value: f64) -> f64 {
        ((value / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }
}

/// The least and the most of what a logarithmic axis can show.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let shown = values.filter(|value| value.is_finite() && *value > 0.0);
    let (low, high) =
        shown.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if high == 0.0 { (1.0, 10.0) } else { (low, high) }
}

/// All ticks from below `low` to above `high`.
fn ladder(low: f64, high: f64, steps: &[f64]) -> Vec<f64> {
    let decades = (low.log10().floor() as i32)..=(high.log10().floor() as i32 + 1);
    decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade))).collect()
}

/// `5.00 µs` as `5 µs`.
fn short(text: &str) -> String {
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text.to_owned(),
    }
}

/// A size, of which a chart knows only that it is a number.
pub(super) fn size(bytes: f64) -> String {
    units::size(bytes as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    #[test]
    fn figures_lie_between_round_ticks() {
        let axis = Axis::figures([5_411.0, 38_000.0].into_iter(), units::time);
        assert_eq!(texts(&axis), ["5 µs", "10 µs", "20 µs", "50 µs"]);
        assert!(axis.at(5_411.0) > 0.0 && axis.at(38_000.0) < 1.0);
        let far = Axis::figures([2e6, 9e9].into_iter(), units::data_rate);
        assert_eq!(texts(&far), ["1 MB/s", "10 MB/s", "100 MB/s", "1 GB/s", "10 GB/s"]);
    }

    #[test]
    fn an_axis_of_one_value_or_none_still_has_two_ends() {
        for axis in [
            Axis::figures([100.0].into_iter(), units::time),
            Axis::figures([f64::NAN].into_iter(), units::time),
            Axis::chosen(&[64.0], size),
        ] {
            assert!(axis.high > axis.low && axis.at(100.0).is_finite(), "{axis:?}");
        }
    }

    #[test]
    fn every_nine_is_as_wide_as_the_one_before() {
        let axis = Axis::quantiles(1e4);
        assert_eq!(texts(&axis), ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert!((axis.at(1e3) - axis.at(1e2) - 0.25).abs() < 1e-9);
    }
}
