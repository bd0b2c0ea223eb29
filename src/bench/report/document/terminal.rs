//! Renders a document for a terminal: aligned, with bars, and at most a hundred columns wide.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::bench::report::document::{Alignment, Block, Column, Document, Field, Table, Tone};
use crate::text::printable;

/// Options for writing a comparison's tables to a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableOptions {
    /// Write the tables in ASCII only.
    pub ascii: bool,
    /// Write a description of the machine too.
    pub machine: bool,
}

/// Maximum width of a report's line on a terminal, unless a name is too long.
const WIDTH: usize = 100;
/// The number of columns between two columns of a table on a terminal.
const GAP: usize = 2;
/// Minimum width of a table's column of bars on a terminal.
const MIN_BAR: usize = 6;
const MAX_BAR: usize = 24;
/// The characters that end a bar on a terminal: one eighth to seven eighths of a block.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Writes a report with escape sequences for colours. `anstream` removes them if `out` is no terminal.
pub(in crate::bench::report) fn write_to_terminal(
    document: &Document,
    options: TableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut renderer = Renderer { options, out };
    document.0.iter().try_for_each(|block| renderer.block(block))
}

struct Renderer<'a> {
    options: TableOptions,
    out: &'a mut dyn Write,
}

impl Renderer<'_> {
    fn block(&mut self, block: &Block) -> io::Result<()> {
        match block {
            Block::Title(text, note) => self.title(&self.shown(text), &self.shown(note)),
            Block::Line(tone, text) => self.paragraph("", *tone, text),
            Block::Item(tone, text) => self.paragraph("- ", *tone, text),
            Block::Table(table) => self.table(table),
        }
    }

    fn title(&mut self, text: &str, note: &str) -> io::Result<()> {
        let between = match (note.width(), text.width()) {
            (0, _) => "",
            (note, text) if text + GAP + note > WIDTH => "\n",
            _ => "  ",
        };
        writeln!(self.out, "\n{BOLD}{text}{BOLD:#}{between}{DIM}{note}{DIM:#}")
    }

    fn paragraph(&mut self, mark: &str, tone: Tone, text: &str) -> io::Result<()> {
        let style = style(tone);
        for (number, line) in wrap(&self.shown(text), WIDTH - mark.len()).iter().enumerate() {
            let lead = if number == 0 { mark.to_owned() } else { " ".repeat(mark.len()) };
            writeln!(self.out, "{lead}{style}{line}{style:#}")?;
        }
        Ok(())
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        let widths = self.widths(table);
        let heads = table.columns.iter().map(|column| Field::quiet(column.head.clone())).collect::<Vec<_>>();
        for row in std::iter::once(&heads).chain(&table.rows) {
            self.row(row, &table.columns, &widths)?;
        }
        Ok(())
    }

    fn row(&mut self, row: &[Field], columns: &[Column], widths: &[usize]) -> io::Result<()> {
        let mut line = String::new();
        let mut pending = 0;
        for ((field, column), &width) in row.iter().zip(columns).zip(widths) {
            let (tone, text) = self.text(field, width);
            let blanks = width.saturating_sub(text.width());
            let (before, after) =
                if column.alignment == Alignment::Right { (blanks, 0) } else { (0, blanks) };
            // Trailing blanks are never written.
            line += &" ".repeat(pending + before);
            let style = style(tone);
            line += &format!("{style}{text}{style:#}");
            pending = after + GAP;
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    /// Returns the widths of a table's columns on a terminal: of their contents, and for bars of what is left.
    fn widths(&self, table: &Table) -> Vec<usize> {
        let width = |index: usize, column: &Column| {
            let fields = table.rows.iter().filter_map(|row| row.get(index));
            let texts = fields.map(|field| self.text(field, 0).1.width());
            texts.chain([column.head.width()]).max().unwrap_or_default()
        };
        let mut widths: Vec<usize> =
            table.columns.iter().enumerate().map(|(index, column)| width(index, column)).collect();
        let bars = |column: &&Column| column.alignment == Alignment::Bars;
        let taken = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let free = WIDTH.saturating_sub(taken) / table.columns.iter().filter(bars).count().max(1);
        for (width, _) in widths.iter_mut().zip(&table.columns).filter(|(_, column)| bars(column)) {
            *width = if free < MIN_BAR { 0 } else { free.min(MAX_BAR) };
        }
        widths
    }

    fn text(&self, field: &Field, width: usize) -> (Tone, String) {
        match field {
            Field::Text(tone, text) => (*tone, self.shown(text)),
            Field::Bar(tone, share) => (*tone, bar(*share, width, self.options.ascii)),
        }
    }

    fn shown(&self, text: &str) -> String {
        let text = printable(text).replace(['\n', '\t'], " ");
        if self.options.ascii { to_ascii(&text) } else { text }
    }
}

/// Draws a bar of a table over `share` of `width` columns, exact to an eighth of a column.
fn bar(share: f64, width: usize, ascii: bool) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    if ascii {
        return "#".repeat(if width == 0 { 0 } else { eighths.div_ceil(8).max(1) });
    }
    let rest = (eighths % 8).checked_sub(1).and_then(|index| EIGHTHS.get(index));
    let thinnest = (eighths == 0 && width > 0).then_some(&EIGHTHS[0]);
    "█".repeat(eighths / 8).chars().chain(rest.copied()).chain(thinnest.copied()).collect()
}

fn to_ascii(text: &str) -> String {
    let pairs = [("µ", "u"), ("±", "+-"), ("×", "x"), ("–", "-"), ("·", "-"), ("…", "..."), ("≥", ">=")];
    let text = pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect()
}

/// Breaks text at blanks into lines of at most `width` columns.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.width());
        if line > 0 && line + 1 + word.width() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Strong => BOLD,
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Quiet => DIM,
    }
}
