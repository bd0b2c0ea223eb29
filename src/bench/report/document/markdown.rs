//! Renders a document as Markdown, to paste into an issue.

use std::io::{self, Write};

use crate::bench::report::document::{Alignment, Block, Document, Field, Table, Tone};
use crate::text::markdown;

/// Writes a report as GitHub Flavored Markdown, which has tables.
pub(in crate::bench::report) fn write_markdown(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    for block in &document.0 {
        match block {
            Block::Title(text, note) if note.is_empty() => writeln!(out, "\n### {}\n", markdown(text))?,
            Block::Title(text, note) => writeln!(out, "\n### {}\n\n{}\n", markdown(text), markdown(note))?,
            Block::Line(tone, text) => writeln!(out, "\n{}", toned(*tone, text))?,
            Block::Item(tone, text) => writeln!(out, "- {}", toned(*tone, text))?,
            Block::Table(table) => write_table(table, out)?,
        }
    }
    Ok(())
}

/// Writes a table of a report as Markdown, without its bars.
fn write_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let columns = table.columns.iter().filter(|column| column.alignment != Alignment::Bars);
    let rule = |alignment: Alignment| if alignment == Alignment::Right { "--:" } else { ":--" };
    let (heads, rules): (Vec<_>, Vec<_>) =
        columns.map(|column| (markdown(&column.head), rule(column.alignment))).unzip();
    writeln!(out, "\n| {} |\n|{}|", heads.join(" | "), rules.join("|"))?;
    for row in &table.rows {
        let texts = row.iter().filter_map(|field| match field {
            Field::Text(tone, text) => Some(toned(*tone, text)),
            Field::Bar(..) => None,
        });
        writeln!(out, "| {} |", texts.collect::<Vec<_>>().join(" | "))?;
    }
    writeln!(out)
}

fn toned(tone: Tone, text: &str) -> String {
    let text = markdown(text);
    if tone == Tone::Strong && !text.is_empty() { format!("**{text}**") } else { text }
}
