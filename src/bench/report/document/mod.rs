//! What is to be read, before it has a form: the terminal and Markdown are two ways to render it.

use std::fmt;

pub mod markdown;
pub mod terminal;

/// Blocks from top to bottom.
#[derive(Debug, Default)]
pub(in crate::bench::report) struct Document(pub Vec<Block>);

/// A part of a document.
#[derive(Debug)]
pub(in crate::bench::report) enum Block {
    /// What a section is about, and an aside that belongs to it.
    Title(String, String),
    /// A paragraph.
    Line(Tone, String),
    /// A paragraph that hangs on a mark of its own.
    Item(Tone, String),
    /// Rows and columns.
    Table(Table),
}

/// What a piece of text means to the reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::bench::report) enum Tone {
    #[default]
    Plain,
    /// The best of its kind, and what is to be remembered.
    Strong,
    Good,
    Doubtful,
    Bad,
    /// Not to be read unless it is sought.
    Quiet,
}

/// Rows under heads.
#[derive(Debug, Default)]
pub(in crate::bench::report) struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Field>>,
}

/// How one column is laid out.
#[derive(Debug)]
pub(in crate::bench::report) struct Column {
    pub head: String,
    pub side: Side,
}

/// At which side a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench::report) enum Side {
    Left,
    Right,
    /// It holds bars, and takes what width the others leave.
    Bars,
}

/// One entry of a table.
#[derive(Debug)]
pub(in crate::bench::report) enum Field {
    Text(Tone, String),
    /// A part of the whole width, 0 to 1.
    Bar(Tone, f64),
}

impl Document {
    pub fn title(&mut self, text: impl Into<String>, aside: impl Into<String>) {
        self.0.push(Block::Title(text.into(), aside.into()));
    }

    pub fn line(&mut self, tone: Tone, text: impl Into<String>) {
        self.0.push(Block::Line(tone, text.into()));
    }

    pub fn item(&mut self, tone: Tone, text: impl Into<String>) {
        self.0.push(Block::Item(tone, text.into()));
    }

    pub fn table(&mut self, table: Table) {
        self.0.push(Block::Table(table));
    }
}

impl Table {
    /// A table without rows, of columns by their heads.
    pub fn of<H: fmt::Display>(columns: impl IntoIterator<Item = (H, Side)>) -> Table {
        let column = |(head, side): (H, Side)| Column { head: head.to_string(), side };
        Table { columns: columns.into_iter().map(column).collect(), rows: Vec::new() }
    }
}

impl Field {
    pub fn plain(text: impl Into<String>) -> Field {
        Field::Text(Tone::Plain, text.into())
    }

    pub fn quiet(text: impl Into<String>) -> Field {
        Field::Text(Tone::Quiet, text.into())
    }
}
