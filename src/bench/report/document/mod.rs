//! A document without a format. [`terminal`] and [`markdown`] render it.

use std::fmt;

pub mod markdown;
pub mod terminal;

/// A report, as blocks of text and tables from top to bottom, independent of the output format.
#[derive(Debug, Default)]
pub(in crate::bench::report) struct Document(pub Vec<Block>);

/// A block of a report: a title, a paragraph, a list item or a table.
#[derive(Debug)]
pub(in crate::bench::report) enum Block {
    /// The title of a report's section, and a note beside it.
    Title(String, String),
    /// A paragraph of a report.
    Line(Tone, String),
    /// An item of a list in a report.
    Item(Tone, String),
    /// A table of a report.
    Table(Table),
}

/// The meaning of a text in a report, which determines its colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::bench::report) enum Tone {
    #[default]
    Plain,
    /// The text is the best value of a table.
    Strong,
    Good,
    Warning,
    Bad,
    /// The text is a detail that matters less than the rest.
    Quiet,
}

/// A table of a report: columns with heads, and rows.
#[derive(Debug, Default)]
pub(in crate::bench::report) struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Field>>,
}

/// The head and alignment of a table's column in a report.
#[derive(Debug)]
pub(in crate::bench::report) struct Column {
    pub head: String,
    pub alignment: Alignment,
}

/// The alignment of a table's column in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench::report) enum Alignment {
    Left,
    Right,
    /// A column of a table that holds bars. It takes the width that the other columns leave.
    Bars,
}

/// A field of a table in a report.
#[derive(Debug)]
pub(in crate::bench::report) enum Field {
    Text(Tone, String),
    /// A field of a table that shows a bar over a share of the width, 0 to 1.
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
    /// Creates a table of a report with these columns and without rows.
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
