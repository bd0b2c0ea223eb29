//! A page of one or more charts, with a title and notes.

use svg::Document;
use svg::node::element::{Group, Rectangle, Style, Title};

use super::plot::{self, Plot};
use crate::diagram::svg_text::{SANS_FONT, paragraph, text_line, wrap_to_pixels};

/// A page with several charts of a comparison.
pub(super) struct Page<'a> {
    pub title: String,
    /// The subtitle of a page of charts: the placement of client and server.
    pub subtitle: String,
    /// The text below the subtitle of a page of charts: the conditions of the measurement.
    pub about: String,
    /// The text below the charts of a page: cautions, and the machine that was measured.
    pub foot: String,
    pub plots: Vec<&'a Plot>,
}

const MARGIN: i32 = 28;
/// The size in pixels of a single chart. The next constants are the size of one chart among several, and the space
/// between charts.
const SINGLE: (i32, i32) = (840, 470);
const PANEL: (i32, i32) = (590, 370);
const GAP: i32 = 32;

impl Page<'_> {
    /// Draws a page of charts as the contents of an SVG file.
    pub fn draw(&self) -> String {
        let (columns, (width, height)) = if self.plots.len() > 1 { (2, PANEL) } else { (1, SINGLE) };
        let content = columns * width + (columns - 1) * GAP;
        let about = wrap_to_pixels(&self.about, 13.0, content);
        let mut y = MARGIN + 54 + 19 * lines(&about);
        let mut body = Group::new()
            .add(text_line("title", MARGIN, MARGIN + 18, &self.title))
            .add(text_line("regime", MARGIN, MARGIN + 42, &self.subtitle))
            .add(paragraph("about", MARGIN, MARGIN + 65, 19, &about));
        y += if columns > 1 { 18 } else { 6 };
        for row in self.plots.chunks(columns as usize) {
            for (column, plot) in (0..).zip(row) {
                let x = MARGIN + column * (width + GAP);
                let drawn = plot.draw(f64::from(width), f64::from(height), columns > 1);
                body = body.add(drawn.set("transform", format!("translate({x} {y})")));
            }
            y += height + 14;
        }
        let foot = wrap_to_pixels(&self.foot, 12.0, content);
        body = body.add(paragraph("foot", MARGIN, y + 14, 18, &foot));
        self.paper(content + 2 * MARGIN, y + 18 * lines(&foot) + MARGIN, body)
    }

    fn paper(&self, width: i32, height: i32, body: Group) -> String {
        let paper = Rectangle::new().set("class", "paper").set("width", width).set("height", height);
        let document = Document::new()
            .set("viewBox", (0, 0, width, height))
            .set("width", width)
            .set("height", height)
            .set("role", "img")
            .add(Title::new(format!("{}, {}", self.title, self.subtitle)))
            .add(Style::new(style()))
            .add(paper)
            .add(body);
        format!("{document}\n")
    }
}

fn lines(lines: &[String]) -> i32 {
    i32::try_from(lines.len()).unwrap_or(i32::MAX)
}

fn style() -> String {
    format!(
        "text {{ font-family: {SANS_FONT}; fill: #1f2933; }}
.paper {{ fill: #ffffff; }}
.title {{ font-size: 21px; font-weight: 700; }}
.regime {{ font-size: 15px; font-weight: 700; fill: #3e4c59; }}
.about text {{ font-size: 13px; fill: #52606d; }}
.foot text {{ font-size: 12px; fill: #52606d; }}
{}",
        plot::STYLE_SHEET
    )
}
