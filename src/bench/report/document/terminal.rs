//! The document on a terminal: aligned, with bars, and no wider than a hundred columns.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::bench::report::document::{Block, Column, Document, Field, Side, Table, Tone};
use crate::text::printable;

/// How the tables are to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Plain ASCII, for terminals and files that take nothing else.
    pub ascii: bool,
    /// With all that is known of the machine.
    pub machine: bool,
}

/// No line is wider, but for a name that is too long for any table.
const WIDTH: usize = 100;
/// Between two columns.
const GAP: usize = 2;
/// A bar that is shorter than this tells nothing.
const NARROWEST: usize = 6;
const WIDEST: usize = 24;
/// Eighths of a block, from one to seven.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Writes the document with escape sequences for colours, which `anstream` takes out where they do not belong.
pub(in crate::bench::report) fn write(
    document: &Document,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut form = Form { look, out };
    document.0.iter().try_for_each(|block| form.block(block))
}

struct Form<'a> {
    look: Look,
    out: &'a mut dyn Write,
}

impl Form<'_> {
    fn block(&mut self, block: &Block) -> io::Result<()> {
        match block {
            Block::Title(text, aside) => self.title(&self.shown(text), &self.shown(aside)),
            Block::Line(tone, text) => self.paragraph("", *tone, text),
            Block::Item(tone, text) => self.paragraph("- ", *tone, text),
            Block::Table(table) => self.table(table),
        }
    }

    fn title(&mut self, text: &str, aside: &str) -> io::Result<()> {
        let between = match (aside.width(), text.width()) {
            (0, _) => "",
            (aside, text) if text + GAP + aside > WIDTH => "\n",
            _ => "  ",
        };
        writeln!(self.out, "\n{BOLD}{text}{BOLD:#}{between}{DIM}{aside}{DIM:#}")
    }

    fn paragraph(&mut self, mark: &str, tone: Tone, text: &str) -> io::Result<()> {
        let style = style(tone);
        for (number, line) in wrapped(&self.shown(text), WIDTH - mark.len()).iter().enumerate() {
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
            let (before, after) = if column.side == Side::Right { (blanks, 0) } else { (0, blanks) };
            // Blanks at the end of a line are never written.
            line += &" ".repeat(pending + before);
            let style = style(tone);
            line += &format!("{style}{text}{style:#}");
            pending = after + GAP;
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    /// Every column is as wide as what it holds; bars share what is left.
    fn widths(&self, table: &Table) -> Vec<usize> {
        let width = |place: usize, column: &Column| {
            let fields = table.rows.iter().filter_map(|row| row.get(place));
            let texts = fields.map(|field| self.text(field, 0).1.width());
            texts.chain([column.head.width()]).max().unwrap_or_default()
        };
        let mut widths: Vec<usize> =
            table.columns.iter().enumerate().map(|(place, column)| width(place, column)).collect();
        let bars = |column: &&Column| column.side == Side::Bars;
        let taken = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let free = WIDTH.saturating_sub(taken) / table.columns.iter().filter(bars).count().max(1);
        for (width, _) in widths.iter_mut().zip(&table.columns).filter(|(_, column)| bars(column)) {
            *width = if free < NARROWEST { 0 } else { free.min(WIDEST) };
        }
        widths
    }

    fn text(&self, field: &Field, width: usize) -> (Tone, String) {
        match field {
            Field::Text(tone, text) => (*tone, self.shown(text)),
            Field::Bar(tone, part) => (*tone, bar(*part, width, self.look.ascii)),
        }
    }

    fn shown(&self, text: &str) -> String {
        let text = printable(text).replace(['\n', '\t'], " ");
        if self.look.ascii { plain(&text) } else { text }
    }
}

/// A bar over `part` of `width` columns, exact to an eighth of a column.
fn bar(part: f64, width: usize, ascii: bool) -> String {
    let eighths = (part.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    if ascii {
        return "#".repeat(if width == 0 { 0 } else { eighths.div_ceil(8).max(1) });
    }
    let rest = (eighths % 8).checked_sub(1).and_then(|place| EIGHTHS.get(place));
    let hair = (eighths == 0 && width > 0).then_some(&EIGHTHS[0]);
    "█".repeat(eighths / 8).chars().chain(rest.copied()).chain(hair.copied()).collect()
}

fn plain(text: &str) -> String {
    let pairs = [("µ", "u"), ("±", "+-"), ("×", "x"), ("–", "-"), ("·", "-"), ("…", "..."), ("≥", ">=")];
    let text = pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect()
}

/// Lines of at most `width` columns, broken at blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
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
        Tone::Doubtful => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Quiet => DIM,
    }
}
