//! A document without a format. [`terminal`] and [`markdown`] render it.

use std::fmt;

pub mod markdown;
pub mod terminal;

/// The blocks of a document, from top to bottom.
#[derive(Debug, Default)]
pub(in crate::bench::report) struct Document(pub Vec<Block>);

/// A block of a document.
#[derive(Debug)]
pub(in crate::bench::report) enum Block {
    /// The title of a section, and a note beside it.
    Title(String, String),
    /// A paragraph of text.
    Line(Tone, String),
    /// An item of a list.
    Item(Tone, String),
    /// A table of the document.
    Table(Table),
}

/// The meaning of a text, which determines its colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::bench::report) enum Tone {
    #[default]
    Plain,
    /// The best value of a table.
    Strong,
    Good,
    Warning,
    Bad,
    /// Details that matter less than the rest.
    Quiet,
}

/// A table: columns with heads, and rows.
#[derive(Debug, Default)]
pub(in crate::bench::report) struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Field>>,
}

/// The head and alignment of a column.
#[derive(Debug)]
pub(in crate::bench::report) struct Column {
    pub head: String,
    pub alignment: Alignment,
}

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench::report) enum Alignment {
    Left,
    Right,
    /// The column holds bars, and takes the width that the others leave.
    Bars,
}

/// A field of a table.
#[derive(Debug)]
pub(in crate::bench::report) enum Field {
    Text(Tone, String),
    /// A bar over a share of the width, 0 to 1.
    Bar(Tone, f64),
}

impl Document {
    pub fn add_title(&mut self, text: impl Into<String>, note: impl Into<String>) {
        self.0.push(Block::Title(text.into(), note.into()));
    }

    pub fn add_line(&mut self, tone: Tone, text: impl Into<String>) {
        self.0.push(Block::Line(tone, text.into()));
    }

    pub fn add_item(&mut self, tone: Tone, text: impl Into<String>) {
        self.0.push(Block::Item(tone, text.into()));
    }

    pub fn add_table(&mut self, table: Table) {
        self.0.push(Block::Table(table));
    }
}

impl Table {
    /// Creates a table without rows.
    pub fn with_columns<H: fmt::Display>(columns: impl IntoIterator<Item = (H, Alignment)>) -> Table {
        let column = |(head, alignment): (H, Alignment)| Column { head: head.to_string(), alignment };
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
