//! The style of each candidate's line: its colour, dash and marker.

use svg::node::element::Path;

/// The colours of the lines in charts: those of Okabe and Ito, for people with any colour vision. The lightest are
/// darkened for white paper.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#b8579b", "#1f2933", "#c98500", "#3f9fd8", "#7a4b2a"];
const DASHES: [&str; 5] = ["none", "9 4", "2.5 3", "12 3 2.5 3", "5 3"];
/// SVG paths of the markers in charts, drawn around the origin and of similar size.
const MARKERS: [&str; 7] = [
    "M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0z",
    "M-3.8 -3.8h7.6v7.6h-7.6z",
    "M0 -5l4.7 8.4h-9.4z",
    "M0 -5.4l5.4 5.4l-5.4 5.4l-5.4 -5.4z",
    "M0 5l4.7 -8.4h-9.4z",
    "M-4.6 -1.6h3v-3h3.2v3h3v3.2h-3v3h-3.2v-3h-3z",
    "M0 -5.2l4.9 3.6l-1.9 5.8h-6l-1.9 -5.8z",
];

/// The line of one candidate in charts: colour, dash and marker. It is the same in every chart of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineStyle {
    index: usize,
}

impl LineStyle {
    /// Returns the line style of the candidate at `index` in the comparison.
    pub const fn for_candidate(index: usize) -> LineStyle {
        LineStyle { index }
    }

    pub fn colour(self) -> &'static str {
        COLOURS[self.index % COLOURS.len()]
    }

    pub fn dash(self) -> &'static str {
        DASHES[self.index % DASHES.len()]
    }

    /// Draws the marker of a candidate's line at a point.
    pub fn marker(self, x: f64, y: f64) -> Path {
        let shape = Path::new().set("class", "marker").set("d", MARKERS[self.index % MARKERS.len()]);
        shape.set("fill", self.colour()).set("transform", format!("translate({x:.1} {y:.1})"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn twenty_styles_differ_without_colour() {
        let shape = |index| {
            let style = LineStyle::for_candidate(index);
            (style.dash(), style.marker(0.0, 0.0).to_string().split(" d=").nth(1).map(|d| d[..20].to_owned()))
        };
        assert_eq!((0..20).map(shape).collect::<BTreeSet<_>>().len(), 20);
    }
}
