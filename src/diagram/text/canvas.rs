//! A grid of styled characters to draw on.

use std::iter;

use anstyle::Style;

/// Lines of styled characters on which a text diagram is drawn. They grow as characters are put on them.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    lines: Vec<Vec<(char, Style)>>,
}

const BLANK: (char, Style) = (' ', Style::new());

impl Canvas {
    /// Writes `text` at column `x` of line `y` of a text diagram.
    pub fn put(&mut self, x: usize, y: usize, text: &str, style: Style) {
        for (offset, character) in text.chars().enumerate() {
            *self.cell(x + offset, y) = (character, style);
        }
    }

    /// Draws a horizontal line of a text diagram from column `from` up to, but not including, `to`. Leaves other
    /// characters as they are.
    pub fn horizontal(&mut self, from: usize, to: usize, y: usize, style: Style) {
        for x in from..to {
            if self.cell(x, y).0 == ' ' {
                *self.cell(x, y) = ('─', style);
            }
        }
    }

    /// Draws a vertical line of a text diagram in column `x`, from line `from` to line `to`.
    pub fn vertical(&mut self, x: usize, from: usize, to: usize, style: Style) {
        for y in from..=to {
            *self.cell(x, y) = ('│', style);
        }
    }

    fn cell(&mut self, x: usize, y: usize) -> &mut (char, Style) {
        if self.lines.len() <= y {
            self.lines.resize_with(y + 1, Vec::new);
        }
        let line = &mut self.lines[y];
        if line.len() <= x {
            line.resize(x + 1, BLANK);
        }
        &mut line[x]
    }

    /// Returns the drawn text diagram, with escape sequences for its styles. Replaces box-drawing characters by ASCII
    /// if `ascii` is set.
    pub fn text(&self, ascii: bool) -> String {
        self.lines.iter().flat_map(|line| [styled(line, ascii), "\n".to_owned()]).collect()
    }
}

fn styled(line: &[(char, Style)], ascii: bool) -> String {
    let mut text = String::new();
    let mut current = Style::new();
    for &(character, style) in line.iter().chain(iter::once(&('\0', Style::new()))) {
        if style != current {
            text.push_str(&format!("{current:#}{style}"));
            current = style;
        }
        text.push(if ascii { to_ascii(character) } else { character });
    }
    text.trim_end_matches('\0').to_owned()
}

fn to_ascii(character: char) -> char {
    match character {
        '─' => '-',
        '│' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' => '+',
        '▶' => '>',
        '◀' => '<',
        other => other,
    }
}
