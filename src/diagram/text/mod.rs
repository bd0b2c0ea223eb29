//! Draws a snapshot as text: a box for each process, and a line for each shared object.
//!
//! The boxes stand in one column. Each shared object has a vertical line in a lane of its own on the right of the
//! boxes. A horizontal line joins it to every row that refers to the object. Arrows show which way the bytes go.

use anstyle::{AnsiColor, Style};

use super::labels;
use super::lanes::assign_lanes;
use super::process::{DescriptorRow, ObjectId, Process, ProcessState};
use super::snapshot::{RowIndex, SharedObject, Snapshot};
use crate::sys::AccessMode;
use canvas::Canvas;
pub use wrap::wrap;

mod canvas;
mod wrap;

/// The characters that a text diagram is drawn with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Charset {
    /// The diagram is drawn with box-drawing characters.
    #[default]
    Unicode,
    /// The diagram is drawn with plain ASCII.
    Ascii,
}

/// The maximum width of a text diagram, in columns.
pub const MAX_WIDTH: usize = 80;

/// The number of columns from the right edge of the boxes in a text diagram to the first lane for vertical lines.
const FIRST_LANE: usize = 5;
/// The number of columns from one vertical line of a text diagram to the next, if there is room.
const LANE: usize = 4;
/// The minimum number of columns from one vertical line of a text diagram to the next.
const NARROW_LANE: usize = 2;
/// The number of columns that the edges of a box in a text diagram take, with the blanks inside of them.
const MARGIN: usize = 4;
/// The minimum width of the text in a box of a text diagram, so that the box's title fits.
const MIN_TEXT: usize = 48;
/// The maximum width of a note's line in a text diagram, so that some lanes fit beside it.
const NOTE: usize = 64;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Draws `snapshot` as a text diagram, with escape sequences for colours. `anstream` removes them where the output is
/// no terminal.
#[must_use]
pub fn draw(snapshot: &Snapshot, charset: Charset) -> String {
    let layout = Layout::of(snapshot, charset);
    let mut canvas = Canvas::default();
    for (index, process) in snapshot.processes.iter().enumerate() {
        layout.draw_box(&mut canvas, index, process);
    }
    for index in 0..snapshot.shared.len() {
        layout.draw_line(&mut canvas, index);
    }
    // Last, so that they pass below every line that they cross.
    for index in 0..snapshot.shared.len() {
        layout.draw_stubs(&mut canvas, index);
    }
    canvas.text(charset == Charset::Ascii)
}

/// The positions of all boxes and lines in a text diagram.
struct Layout<'a> {
    snapshot: &'a Snapshot,
    charset: Charset,
    /// The lines of text in each box of a diagram.
    texts: Vec<Vec<Line>>,
    /// The line of text on which each box of a diagram has its upper edge.
    tops: Vec<usize>,
    /// The column of the right edge of a diagram's boxes.
    edge: usize,
    /// The column of the vertical line of each shared object in a diagram.
    columns: Vec<usize>,
}

/// One line of text in a process's box of a diagram: a descriptor if it has a row, otherwise a remark.
struct Line {
    row: Option<usize>,
    text: String,
}

impl<'a> Layout<'a> {
    fn of(snapshot: &'a Snapshot, charset: Charset) -> Layout<'a> {
        let mut layout =
            Layout { snapshot, charset, texts: Vec::new(), tops: Vec::new(), edge: 0, columns: Vec::new() };
        let mut top = 0;
        for (index, process) in snapshot.processes.iter().enumerate() {
            let lines = layout.lines(index, process);
            layout.tops.push(top);
            top += lines.len() + 2;
            layout.texts.push(lines);
        }
        layout.set_columns();
        layout
    }

    /// Makes the boxes of a text diagram as wide as their text, and the lanes as wide as then fits.
    fn set_columns(&mut self) {
        let spans = self.snapshot.shared.iter().map(|object| self.span(object));
        let lanes = assign_lanes(&spans.collect::<Vec<_>>());
        let gaps = lanes.iter().max().copied().unwrap_or_default();
        let widest = MAX_WIDTH - MARGIN - FIRST_LANE - NARROW_LANE * gaps;
        let texts = self.texts.iter().flatten().map(|line| line.text.chars().count());
        self.edge = texts.max().unwrap_or_default().clamp(MIN_TEXT, widest) + MARGIN - 1;
        let first = self.edge + FIRST_LANE;
        let pitch = ((MAX_WIDTH - 1 - first) / gaps.max(1)).min(LANE);
        self.columns = lanes.into_iter().map(|lane| first + pitch * lane).collect();
    }

    /// Returns the lines of text of the first and the last descriptor that refer to the shared object.
    fn span(&self, object: &SharedObject) -> (usize, usize) {
        let lines = object.ends.iter().map(|&end| self.line_of(end));
        (lines.clone().min().unwrap_or_default(), lines.max().unwrap_or_default())
    }

    fn lines(&self, index: usize, process: &Process) -> Vec<Line> {
        let mut lines = Vec::new();
        for (row_index, row) in process.rows.iter().enumerate().filter(|(_, row)| row.visible) {
            let has_note = self.snapshot.notes.contains_key(&(index, Some(row_index)));
            lines.push(Line { row: Some(row_index), text: self.describe(process, row, has_note) });
            lines.extend(self.notes(index, Some(row_index)));
        }
        lines.extend(self.notes(index, None));
        let hidden = process.rows.iter().filter(|row| !row.visible).count();
        if let Some(remark) = labels::process_remark(process, hidden) {
            lines.push(Line { row: None, text: remark });
        }
        lines
    }

    /// Iterates over the lines of the notes below a descriptor or a process in a text diagram, indented below its
    /// text.
    fn notes(&self, process: usize, row: Option<usize>) -> impl Iterator<Item = Line> + use<'a> {
        const NUMBER_AND_NAME: usize = 11;
        let indent = if row.is_some() { NUMBER_AND_NAME } else { 0 };
        let notes = self.snapshot.notes.get(&(process, row)).into_iter().flatten();
        let lines = notes.flat_map(move |note| wrap(note, NOTE - indent).into_iter().enumerate());
        lines.map(move |(number, text)| {
            let hang = if number > 0 { indent + 2 } else { indent };
            Line { row: None, text: format!("{:hang$}{text}", "") }
        })
    }

    fn describe(&self, process: &Process, row: &DescriptorRow, has_note: bool) -> String {
        let object = labels::describe_object(self.snapshot, process, row, has_note);
        let text = format!("{:>3} {:<7}{object}", row.number, labels::standard_descriptor_name(row));
        if self.charset == Charset::Ascii { text.replace('↔', "<->") } else { text }
    }

    /// Returns the line of a text diagram on which the row of a descriptor stands.
    fn line_of(&self, (process, row): RowIndex) -> usize {
        let line = self.texts[process].iter().position(|line| line.row == Some(row));
        self.tops[process] + 1 + line.unwrap_or_default()
    }

    fn draw_box(&self, canvas: &mut Canvas, index: usize, process: &Process) {
        let (top, bottom) = (self.tops[index], self.tops[index] + self.texts[index].len() + 1);
        for (y, left, right) in [(top, "┌", "┐"), (bottom, "└", "┘")] {
            canvas.put(0, y, left, PLAIN);
            canvas.horizontal(1, self.edge, y, PLAIN);
            canvas.put(self.edge, y, right, PLAIN);
        }
        canvas.put(2, top, &format!(" {}: ", process.label), BOLD);
        let program =
            if process.program.is_empty() { String::new() } else { format!("{}, ", process.program) };
        let title = format!("{program}process {} ", process.pid);
        canvas.put(5 + process.label.chars().count(), top, &title, PLAIN);
        if process.state != ProcessState::Alive(None) {
            canvas.put(2, bottom, &format!(" {} ", process.state), DIM);
        }
        for (offset, line) in self.texts[index].iter().enumerate() {
            self.draw_row(canvas, index, top + 1 + offset, line);
        }
    }

    fn draw_row(&self, canvas: &mut Canvas, process: usize, y: usize, line: &Line) {
        canvas.put(0, y, "│", PLAIN);
        canvas.put(self.edge, y, "│", PLAIN);
        let object = line.row.and_then(|row| {
            self.snapshot.shared.iter().position(|object| object.ends.contains(&(process, row)))
        });
        let style = if line.row.is_some() { object.map_or(PLAIN, color) } else { DIM };
        canvas.put(2, y, &clip(&line.text, self.edge - 3), style);
    }

    fn draw_line(&self, canvas: &mut Canvas, index: usize) {
        let object = &self.snapshot.shared[index];
        let (x, (top, bottom)) = (self.columns[index], self.span(object));
        canvas.vertical(x, top, bottom, color(index));
        for y in object.ends.iter().map(|&end| self.line_of(end)) {
            let corner = if y == top {
                "┐"
            } else if y == bottom {
                "┘"
            } else {
                "┤"
            };
            canvas.put(x, y, corner, color(index));
        }
    }

    /// Draws the horizontal lines from the edge of each box to the vertical line of the shared object `index`.
    fn draw_stubs(&self, canvas: &mut Canvas, index: usize) {
        let object = &self.snapshot.shared[index];
        for &(process, row) in &object.ends {
            let y = self.line_of((process, row));
            let arrow = match object.id {
                ObjectId::Description(_) => arrow(None),
                _ => arrow(self.snapshot.processes[process].rows[row].access),
            };
            canvas.put(self.edge, y, "├", PLAIN);
            canvas.put(self.edge + 1, y, arrow, color(index));
            canvas.horizontal(self.edge + 1, self.columns[index], y, color(index));
        }
    }
}

/// Returns the colour of a shared object in a text diagram: of its line, and of the rows that refer to it.
fn color(index: usize) -> Style {
    const COLORS: [AnsiColor; 5] =
        [AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Green, AnsiColor::Yellow, AnsiColor::Blue];
    COLORS[index % COLORS.len()].on_default()
}

fn arrow(access: Option<AccessMode>) -> &'static str {
    match access {
        Some(AccessMode::ReadOnly) => "◀──",
        Some(AccessMode::WriteOnly) => "──▶",
        Some(AccessMode::ReadWrite) => "◀─▶",
        None => "───",
    }
}

fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(3)).collect::<String>() + "..."
}

#[cfg(test)]
mod tests {
    use nix::unistd::Pid;

    use super::*;
    use crate::sys::Object;

    fn row(number: i32, pipe: u64, access: AccessMode) -> DescriptorRow {
        DescriptorRow::new(number, Object::Pipe { id: pipe }, Some(access))
    }

    fn process(label: &str, pid: i32, rows: Vec<DescriptorRow>) -> Process {
        Process {
            label: label.into(),
            program: "cat".into(),
            pid: Pid::from_raw(pid),
            parent: None,
            state: ProcessState::Alive(None),
            rows,
        }
    }

    fn drawn(processes: Vec<Process>, charset: Charset) -> String {
        let drawing = draw(&Snapshot::from_processes(processes), charset);
        anstream::adapter::strip_str(&drawing).to_string()
    }

    #[test]
    fn draws_a_pipe_as_a_line_from_its_write_end_to_its_read_end() {
        let a = process("A", 7, vec![row(1, 99, AccessMode::WriteOnly)]);
        let b = process("B", 8, vec![row(0, 99, AccessMode::ReadOnly)]);
        let expected = "\
┌─ A: cat, process 7 ──────────────────────────────┐
│   1 stdout pipe 99, write end                    ├──▶─┐
└──────────────────────────────────────────────────┘    │
┌─ B: cat, process 8 ──────────────────────────────┐    │
│   0 stdin  pipe 99, read end                     ├◀───┘
└──────────────────────────────────────────────────┘
";
        assert_eq!(drawn(vec![a, b], Charset::Unicode), expected);
    }

    #[test]
    fn a_line_passes_below_the_lines_that_it_crosses() {
        let a = process("A", 7, vec![row(1, 99, AccessMode::WriteOnly), row(3, 88, AccessMode::WriteOnly)]);
        let b = process("B", 8, vec![row(0, 99, AccessMode::ReadOnly), row(3, 88, AccessMode::ReadOnly)]);
        let text = drawn(vec![a, b], Charset::Ascii);
        assert!(text.contains("+-->-|---+"), "{text}");
    }

    #[test]
    fn a_pipe_without_a_reader_has_a_remark_and_no_line() {
        let text = drawn(vec![process("A", 7, vec![row(1, 99, AccessMode::WriteOnly)])], Charset::Unicode);
        assert!(text.contains("pipe 99, write end; no reader here   "), "{text}");
        assert!(!text.contains('├'), "{text}");
    }

    #[test]
    fn eight_lines_fit_into_80_columns() {
        let rows = |access| (10..18).map(|number| row(number, number as u64, access)).collect();
        let text = drawn(
            vec![process("A", 7, rows(AccessMode::WriteOnly)), process("B", 8, rows(AccessMode::ReadOnly))],
            Charset::Ascii,
        );
        assert!(text.lines().all(|line| line.len() <= MAX_WIDTH), "{text}");
        assert!(text.is_ascii());
    }
}
