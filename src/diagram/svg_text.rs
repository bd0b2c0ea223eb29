//! Text in SVG pictures: fonts, widths, line breaks.
//!
//! SVG does not break lines, and the fonts of the reader's system are unknown. So this module breaks lines by the
//! widths of DejaVu Sans, the widest of the usual fonts. In any other font the lines are a little shorter.

use svg::node::Node;
use svg::node::Text;
use svg::node::element::{Element, Group};

/// The font of SVG pictures for prose.
pub(crate) const SANS_FONT: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif";
/// The font of SVG pictures for code and for names of kernel objects.
pub(crate) const MONO_FONT: &str =
    "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

/// The width of a character in [`MONO_FONT`], relative to the font size.
const MONO_WIDTH: f64 = 0.602;

/// Returns the width of `text` in [`MONO_FONT`], in pixels.
pub(crate) fn mono_width(text: &str, size: f64) -> i32 {
    pixels(text.chars().count() as f64 * MONO_WIDTH * size)
}

/// Returns the number of characters in [`MONO_FONT`] that fit into `width` pixels.
pub(crate) fn mono_chars(width: i32, size: f64) -> usize {
    (f64::from(width.max(0)) / (MONO_WIDTH * size)) as usize
}

/// Returns the width of `text` in [`SANS_FONT`], in pixels. Text between backticks is in [`MONO_FONT`].
pub(crate) fn sans_width(text: &str, size: f64) -> i32 {
    pixels(text.chars().map(advance).sum::<f64>() * size)
}

fn pixels(width: f64) -> i32 {
    width.ceil() as i32
}

fn advance(character: char) -> f64 {
    match character {
        '`' => 0.0,
        'i' | 'j' | 'l' | '\'' => 0.28,
        ' ' | ',' | '.' | 'I' | ':' | ';' | '/' | '|' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '-' => 0.42,
        'm' | 'M' | 'W' | '@' => 0.98,
        'w' | '+' | '=' | '<' | '>' => 0.84,
        'A'..='Z' => 0.72,
        'c' | 's' | 'z' | 'k' | 'v' | 'x' | 'y' => 0.6,
        _ => 0.64,
    }
}

/// Breaks `text` between words into lines of at most `width` pixels.
pub(crate) fn wrap_to_pixels(text: &str, size: f64, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if sans_width(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Creates one line of text in an SVG picture. It begins at `x`, unless the style of `class` aligns it differently.
pub(crate) fn text_line(class: &str, x: i32, y: i32, text: &str) -> Element {
    let mut element = placed(x, y);
    element.assign("class", class);
    element.append(Text::new(text));
    element
}

fn placed(x: i32, y: i32) -> Element {
    // Not `svg::node::element::Text`: it puts a line break, which is shown as a blank, around each child.
    let mut element = Element::new("text");
    element.assign("x", x);
    element.assign("y", y);
    element
}

/// Creates a paragraph of text in an SVG picture. The base line of the first line is at `y`; the next lines follow in
/// steps of `pitch`. Text between backticks is code.
pub(crate) fn paragraph(class: &str, x: i32, y: i32, pitch: i32, lines: &[String]) -> Group {
    let mut group = Group::new().set("class", class);
    let mut is_code = false;
    for (number, text) in (0..).zip(lines) {
        let mut element = placed(x, y + pitch * number);
        for (index, piece) in text.split('`').enumerate() {
            is_code ^= index > 0;
            if is_code && !piece.is_empty() {
                element.append(code(piece));
            } else if !piece.is_empty() {
                element.append(Text::new(piece));
            }
        }
        group = group.add(element);
    }
    group
}

fn code(text: &str) -> Element {
    let mut element = Element::new("tspan");
    element.assign("class", "code");
    element.append(Text::new(text));
    element
}

/// Replaces blanks by no-break blanks, so that SVG shows several in a row.
pub(crate) fn with_no_break_spaces(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_lines_to_the_width_and_loses_no_word() {
        let text = "A shell that reads `A | B` calls pipe(2) once, and the kernel makes a buffer.";
        let lines = wrap_to_pixels(text, 15.0, 200);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| sans_width(line, 15.0) <= 200), "{lines:?}");
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn code_continues_on_the_next_line() {
        let drawn = paragraph("prose", 0, 0, 20, &["type `a".to_owned(), "b` now".to_owned()]).to_string();
        assert_eq!(drawn.matches("class=\"code\"").count(), 2, "{drawn}");
    }
}
