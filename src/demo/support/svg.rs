//! Renders a demo as one picture, step below step: SVG 1.1, for a README, a slide or a sheet of paper.
//!
//! The picture has a light background and dark text, so that it prints well. It uses the fonts of the system that
//! shows it, and fetches nothing.

use svg::Document;
use svg::node::Node;
use svg::node::element::{Circle, Description, Group, Path, Rectangle, Style, Title};

use super::renderer::{Block, Renderer};
use crate::check;
use crate::diagram::Snapshot;
use crate::diagram::svg::{self as diagram, Palette};
use crate::diagram::svg_text::{
    MONO_FONT, SANS_FONT, mono_chars, paragraph, text_line, with_no_break_spaces, wrap_to_pixels,
};
use crate::text::count_with_noun;

/// The width of a demo's SVG picture, in pixels.
const WIDTH: i32 = 960;
/// The left and right margins of a demo's SVG picture, in pixels.
const MARGIN: i32 = 40;
/// The width between the margins of a demo's SVG picture, in pixels.
const CONTENT: i32 = WIDTH - 2 * MARGIN;
/// The space inside the border of a panel, in pixels.
const PADDING: i32 = 20;

/// The font size and line height of a paragraph in an SVG picture, in pixels. The next constants are those of claims
/// and of lines.
const PROSE: (f64, i32) = (15.0, 23);
const CLAIM: (f64, i32) = (14.0, 21);
const LINE: (f64, i32) = (13.0, 20);

/// Collects the blocks of a demo's output in one SVG document.
#[derive(Debug, Default)]
pub struct SvgDocument {
    title: String,
    summary: String,
    body: Group,
    palette: Palette,
    /// The vertical position of the next block of the SVG document.
    y: i32,
}

impl SvgDocument {
    /// Returns the text of the SVG file. A demo that ended early is drawn as far as it went.
    #[must_use]
    pub fn finish(&self) -> String {
        let height = self.y + MARGIN;
        let paper = Rectangle::new().set("class", "paper").set("width", WIDTH).set("height", height);
        let document = Document::new()
            .set("viewBox", (0, 0, WIDTH, height))
            .set("width", WIDTH)
            .set("height", height)
            .set("role", "img")
            .add(Title::new(format!("echospec demo {}", self.title)))
            .add(Description::new().add(svg::node::Text::new(&self.summary)))
            .add(Style::new(style()))
            .add(paper)
            .add(self.body.clone());
        format!("{document}\n")
    }

    fn put(&mut self, node: impl Node) {
        self.body.append(node);
    }

    fn title(&mut self, name: &str, summary: &str) {
        (self.title, self.summary) = (name.to_owned(), summary.to_owned());
        self.put(text_line("title", MARGIN, 66, name));
        let lines = wrap_to_pixels(&format!("{summary}."), 16.0, CONTENT);
        self.put(paragraph("summary", MARGIN, 96, 24, &lines));
        self.y = 96 + 24 * height(&lines) - 12;
    }

    fn heading(&mut self, number: usize, title: &str) {
        const RADIUS: i32 = 15;
        self.y += 30;
        let (x, middle) = (MARGIN + RADIUS, self.y + RADIUS);
        self.put(Circle::new().set("class", "badge").set("cx", x).set("cy", middle).set("r", RADIUS));
        self.put(text_line("number", x, middle + 6, &number.to_string()));
        self.put(text_line("heading", MARGIN + 2 * RADIUS + 12, middle + 7, title));
        self.y += 2 * RADIUS + 8;
    }

    fn paragraph(&mut self, text: &str) {
        let (size, pitch) = PROSE;
        let lines = wrap_to_pixels(text, size, CONTENT);
        self.put(paragraph("prose", MARGIN, self.y + pitch - 4, pitch, &lines));
        self.y += pitch * height(&lines) + 12;
    }

    fn diagram(&mut self, snapshot: &Snapshot) {
        let inner = diagram::draw_boxes(snapshot, CONTENT - 2 * PADDING, &mut self.palette);
        self.panel(inner.group, inner.height);
    }

    fn lines(&mut self, lines: &[String]) {
        let (size, pitch) = LINE;
        let room = mono_chars(CONTENT - 2 * PADDING, size);
        let mut group = Group::new().set("class", "lines");
        for (number, text) in (0..).zip(lines) {
            let text: String = text.chars().take(room).collect();
            group = group.add(text_line("mono", 0, pitch * number + 14, &with_no_break_spaces(&text)));
        }
        self.panel(group, pitch * height(lines));
    }

    /// Puts the SVG element `inner` into a frame, `height` pixels high.
    fn panel(&mut self, inner: Group, height: i32) {
        let frame = Rectangle::new()
            .set("class", "panel")
            .set("x", MARGIN)
            .set("y", self.y)
            .set("width", CONTENT)
            .set("height", height + 2 * PADDING)
            .set("rx", 8);
        self.put(frame);
        self.put(inner.set("transform", format!("translate({} {})", MARGIN + PADDING, self.y + PADDING)));
        self.y += height + 2 * PADDING + 14;
    }

    fn claims(&mut self, claims: &[String]) {
        const INDENT: i32 = 30;
        let (size, pitch) = CLAIM;
        for text in claims {
            let lines = wrap_to_pixels(text, size, CONTENT - INDENT);
            let tick = format!("M{} {} l5 5 l9 -11", MARGIN + 6, self.y + 10);
            self.put(Path::new().set("class", "tick").set("d", tick));
            self.put(paragraph("claim", MARGIN + INDENT, self.y + pitch - 6, pitch, &lines));
            self.y += pitch * height(&lines) + 2;
        }
        self.y += 10;
    }

    fn end(&mut self, verified: usize) {
        let claims = count_with_noun(verified, "claim");
        let text = format!("{claims} verified while this was drawn, by: echospec demo {} --svg", self.title);
        self.put(text_line("foot", MARGIN, self.y + 26, &text));
        self.y += 26;
    }
}

impl Renderer for SvgDocument {
    fn render(&mut self, block: Block<'_>) -> check::Result {
        match block {
            Block::Title { name, summary } => self.title(name, summary),
            Block::Heading { number, title } => self.heading(number, title),
            Block::Paragraph(text) => self.paragraph(text),
            Block::Diagram(snapshot) => self.diagram(snapshot),
            Block::Lines(lines) => self.lines(lines),
            Block::Claims(claims) => self.claims(claims),
            Block::End { verified } => self.end(verified),
        }
        Ok(())
    }
}

fn height(lines: &[String]) -> i32 {
    i32::try_from(lines.len()).unwrap_or(i32::MAX)
}

fn style() -> String {
    format!(
        "text {{ font-family: {SANS_FONT}; fill: #1f2933; }}
.mono, .code {{ font-family: {MONO_FONT}; font-size: 13px; }}
.code {{ fill: #7c2d12; }}
.paper {{ fill: #ffffff; }}
.title {{ font-family: {MONO_FONT}; font-size: 32px; font-weight: 700; }}
.summary {{ font-size: 16px; }}
.summary text, text.foot {{ fill: #52606d; }}
.badge {{ fill: #1f3a5f; }}
text.number {{ fill: #ffffff; font-size: 15px; font-weight: 700; text-anchor: middle; }}
.heading {{ font-size: 20px; font-weight: 700; }}
.prose {{ font-size: {}px; }}
.claim {{ font-size: {}px; }}
.tick {{ fill: none; stroke: #15803d; stroke-width: 2.6; stroke-linecap: round; stroke-linejoin: round; }}
.panel {{ fill: #f6f8fa; stroke: #d9e1e8; }}
.foot {{ font-size: 13px; }}
{}",
        PROSE.0,
        CLAIM.0,
        diagram::STYLE_SHEET
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(blocks: &[Block<'_>]) -> String {
        let mut document = SvgDocument::default();
        blocks.iter().for_each(|&block| document.render(block).unwrap());
        document.finish()
    }

    #[test]
    fn markup_in_the_text_is_escaped() {
        let strange = "a < b && c > \"d\" ]]> `x | y` \u{e9}";
        let claims = [strange.to_owned()];
        let text = drawn(&[
            Block::Title { name: "x", summary: strange },
            Block::Heading { number: 1, title: strange },
            Block::Paragraph(strange),
            Block::Lines(&claims),
            Block::Claims(&claims),
            Block::End { verified: 1 },
        ]);
        let document = roxmltree::Document::parse(&text).unwrap();
        let heading = document.descendants().find(|node| node.attribute("class") == Some("heading"));
        assert_eq!(heading.unwrap().text(), Some(strange));
    }

    #[test]
    fn the_document_refers_to_no_other() {
        let text = drawn(&[Block::Title { name: "x", summary: "y" }]);
        let addresses = text.matches("http").count();
        assert_eq!((addresses, text.contains("xmlns=\"http://www.w3.org/2000/svg\"")), (1, true), "{text}");
    }
}
