//! How near a figure is to what the machine itself costs.

use crate::bench::figures::{Cell, Comparison, Floor, Measure, Placement};

/// The figure as a multiple of the least that any mechanism could cost there; absent where no floor bears on it.
///
/// A round trip on one core cannot be had without two context switches; one between two cores that both spin, without
/// the cache line that goes over and comes back; and bytes cannot be echoed faster than memory is copied.
pub(super) fn multiple(comparison: &Comparison, cell: &Cell) -> Option<f64> {
    let floor = floor(comparison, cell)?.time.value;
    let multiple = match cell.measure {
        Measure::RoundTrip => cell.figure.value / floor,
        Measure::Throughput => COPIED / floor * 1e9 / cell.figure.value,
        Measure::Connections => return None,
    };
    Some(multiple).filter(|multiple| multiple.is_finite())
}

/// What the floor called `memcpy-64k` copies, in bytes.
const COPIED: f64 = 65_536.0;

fn floor<'a>(comparison: &'a Comparison, cell: &Cell) -> Option<&'a Floor> {
    let name = match (cell.measure, cell.placement) {
        (Measure::RoundTrip, Placement::Same) => "switch",
        (Measure::RoundTrip, Placement::Spin) => "cache-line",
        (Measure::Throughput, _) => "memcpy-64k",
        _ => return None,
    };
    comparison.floors.iter().find(|floor| floor.name == name && floor.time.value > 0.0)
}
