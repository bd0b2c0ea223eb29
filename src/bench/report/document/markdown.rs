//! Renders a document as Markdown, to paste into an issue.

use std::io::{self, Write};

use crate::bench::report::document::{Alignment, Block, Document, Field, Table, Tone};
use crate::text::printable;

/// Writes the document as GitHub Flavored Markdown, which has tables.
pub(in crate::bench::report) fn write_markdown(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    for block in &document.0 {
        match block {
            Block::Title(text, note) if note.is_empty() => writeln!(out, "\n### {}\n", escaped(text))?,
            Block::Title(text, note) => writeln!(out, "\n### {}\n\n{}\n", escaped(text), escaped(note))?,
            Block::Line(tone, text) => writeln!(out, "\n{}", toned(*tone, text))?,
            Block::Item(tone, text) => writeln!(out, "- {}", toned(*tone, text))?,
            Block::Table(table) => write_table(table, out)?,
        }
    }
    Ok(())
}

/// Writes a table without its bars.
fn write_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let columns = table.columns.iter().filter(|column| column.alignment != Alignment::Bars);
    let rule = |alignment: Alignment| if alignment == Alignment::Right { "--:" } else { ":--" };
    let (heads, rules): (Vec<_>, Vec<_>) =
        columns.map(|column| (escaped(&column.head), rule(column.alignment))).unzip();
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
    let text = escaped(text);
    if tone == Tone::Strong && !text.is_empty() { format!("**{text}**") } else { text }
}

/// Escapes everything that Markdown or HTML would interpret.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '\n' | '\t' => shown.push(' '),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // On GitHub, @name notifies a user and #1 links to an issue.
            '@' => shown.push_str("&#64;"),
            '#' => shown.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => shown.extend(['\\', letter]),
            other => shown.push(other),
        }
    }
    shown
}
