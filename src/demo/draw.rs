//! A picture as text: a box for each process, and lines beside the boxes for what joins them.
//!
//! The boxes stand in one column. Each joint has a vertical line in a lane of its own on their right, to
//! which every row that holds it is connected; arrows say which way the bytes go.

use anstyle::{AnsiColor, Style};

use super::access::AccessMode;
use super::canvas::Canvas;
use super::lanes::lanes;
use super::picture::{Condition, Joint, Picture, Player, Row, Shared};
use super::terminal::wrap;
use super::wording;

/// How a picture is to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Plain ASCII instead of box-drawing characters.
    pub ascii: bool,
}

/// No drawing is wider.
pub(super) const WIDTH: usize = 80;

/// The column of the first lane, seen from the right edge of the boxes.
const FIRST_LANE: usize = 5;
/// From one lane to the next, where there is room.
const LANE: usize = 4;
/// From one lane to the next, at least.
const NARROW_LANE: usize = 2;
/// A box's edges, and the blanks inside of them.
const MARGIN: usize = 4;
/// A box is at least so wide, for its title.
const NARROWEST: usize = 48;

/// A line of a note is no longer, so that it fits beside some lanes.
const NOTE: usize = 64;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Draws `picture` with escape sequences for colours, which `anstream` takes out where they do not belong.
#[must_use]
pub fn draw(picture: &Picture, look: Look) -> String {
    let sheet = Sheet::of(picture, look);
    let mut canvas = Canvas::default();
    for (place, player) in picture.processes.iter().enumerate() {
        sheet.draw_box(&mut canvas, place, player);
    }
    for place in 0..picture.joints.len() {
        sheet.draw_line(&mut canvas, place);
    }
    // Last, so that they pass below every line that they have to cross.
    for place in 0..picture.joints.len() {
        sheet.draw_stubs(&mut canvas, place);
    }
    canvas.text(look.ascii)
}

/// Where everything goes.
struct Sheet<'a> {
    picture: &'a Picture,
    look: Look,
    /// The lines of text in each box.
    texts: Vec<Vec<Line>>,
    /// The line of each box's upper edge.
    tops: Vec<usize>,
    /// The column of the boxes' right edge.
    edge: usize,
    /// The column of each joint's line.
    columns: Vec<usize>,
}

/// One line in a box: a descriptor, or a remark.
struct Line {
    row: Option<usize>,
    text: String,
}

impl<'a> Sheet<'a> {
    fn of(picture: &'a Picture, look: Look) -> Sheet<'a> {
        let mut sheet =
            Sheet { picture, look, texts: Vec::new(), tops: Vec::new(), edge: 0, columns: Vec::new() };
        let mut top = 0;
        for (place, player) in picture.processes.iter().enumerate() {
            let lines = sheet.lines(place, player);
            sheet.tops.push(top);
            top += lines.len() + 2;
            sheet.texts.push(lines);
        }
        sheet.set_columns();
        sheet
    }

    /// Makes the boxes as wide as their text, and the lanes beside them as wide as then fits.
    fn set_columns(&mut self) {
        let spans = self.picture.joints.iter().map(|joint| self.span(joint));
        let lanes = lanes(&spans.collect::<Vec<_>>());
        let gaps = lanes.iter().max().copied().unwrap_or_default();
        let widest = WIDTH - MARGIN - FIRST_LANE - NARROW_LANE * gaps;
        let texts = self.texts.iter().flatten().map(|line| line.text.chars().count());
        self.edge = texts.max().unwrap_or_default().clamp(NARROWEST, widest) + MARGIN - 1;
        let first = self.edge + FIRST_LANE;
        let pitch = ((WIDTH - 1 - first) / gaps.max(1)).min(LANE);
        self.columns = lanes.into_iter().map(|lane| first + pitch * lane).collect();
    }

    /// The lines of its first and last row.
    fn span(&self, joint: &Joint) -> (usize, usize) {
        let lines = joint.ends.iter().map(|&end| self.line_of(end));
        (lines.clone().min().unwrap_or_default(), lines.max().unwrap_or_default())
    }

    fn lines(&self, place: usize, player: &Player) -> Vec<Line> {
        let mut lines = Vec::new();
        for (index, row) in player.rows.iter().enumerate().filter(|(_, row)| row.visible) {
            let noted = self.picture.notes.contains_key(&(place, Some(index)));
            lines.push(Line { row: Some(index), text: self.describe(player, row, noted) });
            lines.extend(self.notes(place, Some(index)));
        }
        lines.extend(self.notes(place, None));
        let left_out = player.rows.iter().filter(|row| !row.visible).count();
        if let Some(remark) = wording::remark(player, left_out) {
            lines.push(Line { row: None, text: remark });
        }
        lines
    }

    /// What is known beyond the picture, each note indented below what it is about.
    fn notes(&self, place: usize, row: Option<usize>) -> impl Iterator<Item = Line> + use<'a> {
        const NUMBER_AND_NAME: usize = 11;
        let indent = if row.is_some() { NUMBER_AND_NAME } else { 0 };
        let notes = self.picture.notes.get(&(place, row)).into_iter().flatten();
        let lines = notes.flat_map(move |note| wrap(note, NOTE - indent).into_iter().enumerate());
        lines.map(move |(number, text)| {
            let hang = if number > 0 { indent + 2 } else { indent };
            Line { row: None, text: format!("{:hang$}{text}", "") }
        })
    }

    fn describe(&self, player: &Player, row: &Row, noted: bool) -> String {
        let object = wording::object(self.picture, player, row, noted);
        let text = format!("{:>3} {:<7}{object}", row.number, wording::standard_name(row));
        if self.look.ascii { text.replace('↔', "<->") } else { text }
    }

    /// The line on which a row stands.
    fn line_of(&self, (process, row): (usize, usize)) -> usize {
        let line = self.texts[process].iter().position(|line| line.row == Some(row));
        self.tops[process] + 1 + line.unwrap_or_default()
    }

    fn draw_box(&self, canvas: &mut Canvas, place: usize, player: &Player) {
        let (top, bottom) = (self.tops[place], self.tops[place] + self.texts[place].len() + 1);
        for (y, left, right) in [(top, "┌", "┐"), (bottom, "└", "┘")] {
            canvas.put(0, y, left, PLAIN);
            canvas.across(1, self.edge, y, PLAIN);
            canvas.put(self.edge, y, right, PLAIN);
        }
        canvas.put(2, top, &format!(" {}: ", player.role), BOLD);
        let program = if player.program.is_empty() { String::new() } else { format!("{}, ", player.program) };
        let title = format!("{program}process {} ", player.pid);
        canvas.put(5 + player.role.chars().count(), top, &title, PLAIN);
        if player.condition != Condition::Alive(None) {
            canvas.put(2, bottom, &format!(" {} ", player.condition), DIM);
        }
        for (index, line) in self.texts[place].iter().enumerate() {
            self.draw_row(canvas, place, top + 1 + index, line);
        }
    }

    fn draw_row(&self, canvas: &mut Canvas, place: usize, y: usize, line: &Line) {
        canvas.put(0, y, "│", PLAIN);
        canvas.put(self.edge, y, "│", PLAIN);
        let joint = line
            .row
            .and_then(|row| self.picture.joints.iter().position(|joint| joint.ends.contains(&(place, row))));
        let style = if line.row.is_some() { joint.map_or(PLAIN, hue) } else { DIM };
        canvas.put(2, y, &clip(&line.text, self.edge - 3), style);
    }

    fn draw_line(&self, canvas: &mut Canvas, place: usize) {
        let joint = &self.picture.joints[place];
        let (x, (top, bottom)) = (self.columns[place], self.span(joint));
        canvas.down(x, top, bottom, hue(place));
        for y in joint.ends.iter().map(|&end| self.line_of(end)) {
            let corner = if y == top {
                "┐"
            } else if y == bottom {
                "┘"
            } else {
                "┤"
            };
            canvas.put(x, y, corner, hue(place));
        }
    }

    /// From each box's edge to the joint's own line.
    fn draw_stubs(&self, canvas: &mut Canvas, place: usize) {
        for &(process, row) in &self.picture.joints[place].ends {
            let y = self.line_of((process, row));
            let joint = &self.picture.joints[place];
            let arrow = match joint.shared {
                Shared::Description(_) => arrow(None),
                _ => arrow(self.picture.processes[process].rows[row].access),
            };
            canvas.put(self.edge, y, "├", PLAIN);
            canvas.put(self.edge + 1, y, arrow, hue(place));
            canvas.across(self.edge + 1, self.columns[place], y, hue(place));
        }
    }
}

/// One colour for the rows and the line of a joint.
fn hue(joint: usize) -> Style {
    const HUES: [AnsiColor; 5] =
        [AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Green, AnsiColor::Yellow, AnsiColor::Blue];
    HUES[joint % HUES.len()].on_default()
}

fn arrow(access: Option<AccessMode>) -> &'static str {
    match access {
        Some(AccessMode::ReadOnly) => "◀──",
        Some(AccessMode::WriteOnly) => "──▶",
        Some(AccessMode::ReadWrite) => "◀─▶",
        None => "───",
    }
}

fn clip(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(3)).collect::<String>() + "..."
}

#[cfg(test)]
mod tests {
    use nix::unistd::Pid;

    use super::*;
    use crate::sys::Object;

    fn row(number: i32, pipe: u64, access: AccessMode) -> Row {
        Row::new(number, Object::Pipe { id: pipe }, Some(access))
    }

    fn player(role: &str, pid: i32, rows: Vec<Row>) -> Player {
        let condition = Condition::Alive(None);
        Player {
            role: role.into(),
            program: "cat".into(),
            pid: Pid::from_raw(pid),
            parent: None,
            condition,
            rows,
        }
    }

    fn drawn(processes: Vec<Player>, ascii: bool) -> String {
        let drawing = draw(&Picture::of(processes), Look { ascii });
        anstream::adapter::strip_str(&drawing).to_string()
    }

    #[test]
    fn a_pipe_is_a_line_from_its_write_end_to_its_read_end() {
        let a = player("A", 7, vec![row(1, 99, AccessMode::WriteOnly)]);
        let b = player("B", 8, vec![row(0, 99, AccessMode::ReadOnly)]);
        let expected = "\
┌─ A: cat, process 7 ──────────────────────────────┐
│   1 stdout pipe 99, write end                    ├──▶─┐
└──────────────────────────────────────────────────┘    │
┌─ B: cat, process 8 ──────────────────────────────┐    │
│   0 stdin  pipe 99, read end                     ├◀───┘
└──────────────────────────────────────────────────┘
";
        assert_eq!(drawn(vec![a, b], false), expected);
    }

    #[test]
    fn a_line_passes_below_those_that_it_crosses_and_joins_none_of_them() {
        let a = player("A", 7, vec![row(1, 99, AccessMode::WriteOnly), row(3, 88, AccessMode::WriteOnly)]);
        let b = player("B", 8, vec![row(0, 99, AccessMode::ReadOnly), row(3, 88, AccessMode::ReadOnly)]);
        let text = drawn(vec![a, b], true);
        assert!(text.contains("+-->-|---+"), "{text}");
    }

    #[test]
    fn an_end_without_another_says_so_and_has_no_line() {
        let text = drawn(vec![player("A", 7, vec![row(1, 99, AccessMode::WriteOnly)])], false);
        assert!(text.contains("pipe 99, write end; no reader here   "), "{text}");
        assert!(!text.contains('├'), "{text}");
    }

    #[test]
    fn no_drawing_is_wider_than_a_terminal_however_many_lines_it_has() {
        let rows = |access| (10..18).map(|number| row(number, number as u64, access)).collect();
        let text = drawn(
            vec![player("A", 7, rows(AccessMode::WriteOnly)), player("B", 8, rows(AccessMode::ReadOnly))],
            true,
        );
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.is_ascii());
    }
}
