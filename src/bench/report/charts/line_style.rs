//! How one mechanism is told from another: by colour, and in grey by dash and marker.

use svg::node::element::Path;

/// The colours of Okabe and Ito, which people who see few of them tell apart; the lightest are darkened for white paper.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#b8579b", "#1f2933", "#c98500", "#3f9fd8", "#7a4b2a"];
const DASHES: [&str; 5] = ["none", "9 4", "2.5 3", "12 3 2.5 3", "5 3"];
/// Around the origin, so that all look equally large.
const MARKERS: [&str; 7] = [
    "M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0z",
    "M-3.8 -3.8h7.6v7.6h-7.6z",
    "M0 -5l4.7 8.4h-9.4z",
    "M0 -5.4l5.4 5.4l-5.4 5.4l-5.4 -5.4z",
    "M0 5l4.7 -8.4h-9.4z",
    "M-4.6 -1.6h3v-3h3.2v3h3v3.2h-3v3h-3.2v-3h-3z",
    "M0 -5.2l4.9 3.6l-1.9 5.8h-6l-1.9 -5.8z",
];

/// The look of one mechanism, the same one in every chart of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink {
    place: usize,
}

impl Ink {
    /// Of the mechanism at `place` in the run.
    pub const fn of(place: usize) -> Ink {
        Ink { place }
    }

    pub fn colour(self) -> &'static str {
        COLOURS[self.place % COLOURS.len()]
    }

    pub fn dash(self) -> &'static str {
        DASHES[self.place % DASHES.len()]
    }

    /// The marker at a point of the paper.
    pub fn marker(self, x: f64, y: f64) -> Path {
        let shape = Path::new().set("class", "marker").set("d", MARKERS[self.place % MARKERS.len()]);
        shape.set("fill", self.colour()).set("transform", format!("translate({x:.1} {y:.1})"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn as_many_mechanisms_as_there_are_differ_also_without_colour() {
        let look = |place| {
            let ink = Ink::of(place);
            (ink.dash(), ink.marker(0.0, 0.0).to_string().split(" d=").nth(1).map(|d| d[..20].to_owned()))
        };
        assert_eq!((0..20).map(look).collect::<BTreeSet<_>>().len(), 20);
    }
}
