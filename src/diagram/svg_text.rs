//! Text on a picture: which fonts, how wide, broken where.
//!
//! Nobody knows which fonts whoever looks at the picture has, and SVG does not break lines. So widths are those
//! of DejaVu Sans, the widest of the usual fonts: in any other a line ends a little earlier, and none too late.

use svg::node::Node;
use svg::node::Text;
use svg::node::element::{Element, Group};

/// For prose.
pub(crate) const SANS: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif";
/// For what programs and kernels say.
pub(crate) const MONO: &str =
    "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

/// The width of a character of [`MONO`], in its size.
const MONO_WIDTH: f64 = 0.602;

/// The width in pixels of `text` in [`MONO`] at `size`.
pub(crate) fn mono_width(text: &str, size: f64) -> i32 {
    pixels(text.chars().count() as f64 * MONO_WIDTH * size)
}

/// How many characters of [`MONO`] at `size` fit into `width` pixels.
pub(crate) fn mono_room(width: i32, size: f64) -> usize {
    (f64::from(width.max(0)) / (MONO_WIDTH * size)) as usize
}

/// The width in pixels of `text` in [`SANS`] at `size`, with what stands between backticks in [`MONO`].
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
pub(crate) fn wrap(text: &str, size: f64, width: i32) -> Vec<String> {
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

/// One line of text that begins at `x`, or is laid out as `class` says.
pub(crate) fn line(class: &str, x: i32, y: i32, text: &str) -> Element {
    let mut element = placed(x, y);
    element.assign("class", class);
    element.append(Text::new(text));
    element
}

fn placed(x: i32, y: i32) -> Element {
    // Not the library's own type for this element: that one puts a line break, which is a blank, around each child.
    let mut element = Element::new("text");
    element.assign("x", x);
    element.assign("y", y);
    element
}

/// Lines of prose, the first one's base at `y` and the others `pitch` below each other.
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

/// `text` as it stands: several blanks stay several.
pub(crate) fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_it_may_be_and_no_word_is_lost() {
        let text = "A shell that reads `A | B` calls pipe(2) once, and the kernel makes a buffer.";
        let lines = wrap(text, 15.0, 200);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| sans_width(line, 15.0) <= 200), "{lines:?}");
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn code_may_go_on_in_the_next_line() {
        let drawn = paragraph("prose", 0, 0, 20, &["type `a".to_owned(), "b` now".to_owned()]).to_string();
        assert_eq!(drawn.matches("class=\"code\"").count(), 2, "{drawn}");
    }
}
