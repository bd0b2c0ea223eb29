//! Draws processes as boxes, each with its descriptor table.

use svg::node::Node;
use svg::node::element::{Group, Line, Rectangle};

use super::lines::{self, Palette};
use crate::diagram::labels;
use crate::diagram::process::{DescriptorRow, Process, ProcessState};
use crate::diagram::snapshot::{RowIndex, Snapshot};
use crate::diagram::svg_text::{mono_chars, mono_width, sans_width, text_line, with_no_break_spaces};

/// A part of an SVG picture: a group of elements, drawn from its own origin.
#[derive(Debug)]
pub struct Fragment {
    /// The SVG elements of a picture's part.
    pub group: Group,
    /// The height of a picture's part, in pixels.
    pub height: i32,
}

/// The height of the header of a process's box in an SVG diagram, in pixels. The next constants are the heights of
/// its other parts.
const HEADER: i32 = 32;
const ROW: i32 = 26;
const FOOTER: i32 = 26;
/// The space between two boxes of an SVG diagram, in pixels.
const GAP: i32 = 16;

/// The horizontal position of a descriptor's number in its row of an SVG diagram. The next constants are the
/// positions of the row's other parts.
const NUMBER: i32 = 44;
const NAME: i32 = NUMBER + 12;
const OBJECT: i32 = NAME + 64;

/// The minimum width of a box in an SVG diagram, so that the boxes of one document have the same width.
const MIN_WIDTH: i32 = 600;
const FONT_SIZE: f64 = 13.0;

/// The style sheet of the SVG elements that [`draw_boxes`] draws.
pub const STYLE_SHEET: &str = "\
.box { fill: none; stroke: #3e4c59; stroke-width: 1.4; }
.inside { fill: #ffffff; }
.ended .inside { fill: none; }
.ended .box { stroke: #9aa5b1; stroke-dasharray: 5 4; }
.head { fill: #e4eaf1; }
.ended .head { fill: none; }
.role { font-size: 14px; font-weight: 700; }
.who, text.quiet { fill: #52606d; font-size: 13px; }
.quiet { font-style: italic; }
.slot { fill: #f1f4f8; }
.rule { stroke: #d9e1e8; }
.fd { text-anchor: middle; font-weight: 700; }
text.name { fill: #66727f; }
.lane { fill: none; stroke-width: 2; }
.under { stroke: #f6f8fa; stroke-width: 8; }
.label { font-size: 11px; text-anchor: middle; }
.ground { fill: #f6f8fa; }";

/// Draws `snapshot` as an SVG diagram, at most `width` pixels wide.
pub fn draw_boxes(snapshot: &Snapshot, width: i32, palette: &mut Palette) -> Fragment {
    let colors: Vec<&str> = snapshot.shared.iter().map(|object| palette.color(object.id)).collect();
    let room = width - lines::lines_width(snapshot);
    let box_width = widest(snapshot).max(MIN_WIDTH).min(room);
    let mut group = Group::new().set("class", "picture");
    let mut tops = Vec::new();
    let mut y = 0;
    for process in &snapshot.processes {
        let table = Table { snapshot, process, colors: &colors, width: box_width };
        tops.push(y);
        group = group.add(table.draw().set("transform", format!("translate(0 {y})")));
        y += table.height() + GAP;
    }
    let y_of = |(process, row): RowIndex| tops[process] + middle(&snapshot.processes[process], row);
    group = group.add(lines::draw_lines(snapshot, &colors, box_width, y_of));
    Fragment { group, height: y - GAP }
}

/// Returns the vertical position of the middle of a descriptor's row in an SVG diagram, below the top of its box.
fn middle(process: &Process, row: usize) -> i32 {
    let above = process.rows[..row].iter().filter(|row| row.visible).count();
    HEADER + ROW * pixels(above) + ROW / 2
}

fn pixels(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Returns the width of the widest text in the boxes of an SVG diagram.
fn widest(snapshot: &Snapshot) -> i32 {
    let of = |process: &Process| {
        let rows = process.rows.iter().filter(|row| row.visible);
        let text = |row: &DescriptorRow| labels::describe_object(snapshot, process, row, false);
        let objects = rows.map(|row| OBJECT + mono_width(&text(row), FONT_SIZE) + 16);
        let header = 28 + sans_width(&format!("{}  {}", process.label, program_and_pid(process)), 14.5);
        objects.chain([header]).max().unwrap_or_default()
    };
    snapshot.processes.iter().map(of).max().unwrap_or_default()
}

fn program_and_pid(process: &Process) -> String {
    let program = if process.program.is_empty() { String::new() } else { format!("{}, ", process.program) };
    format!("{program}process {}", process.pid)
}

/// The box of one process in an SVG diagram, drawn as a table.
struct Table<'a> {
    snapshot: &'a Snapshot,
    process: &'a Process,
    /// The colours of the objects that descriptors of an SVG diagram share.
    colors: &'a [&'a str],
    width: i32,
}

impl Table<'_> {
    fn visible(&self) -> impl Iterator<Item = (usize, &DescriptorRow)> {
        self.process.rows.iter().enumerate().filter(|(_, row)| row.visible)
    }

    fn remark(&self) -> Option<String> {
        labels::process_remark(self.process, self.process.rows.len() - self.visible().count())
    }

    /// Returns the state of a process in words, unless it merely runs.
    fn state(&self) -> Option<String> {
        (self.process.state != ProcessState::Alive(None)).then(|| self.process.state.to_string())
    }

    fn height(&self) -> i32 {
        let notes = self.remark().iter().chain(&self.state()).count();
        HEADER + ROW * pixels(self.visible().count()) + FOOTER * pixels(notes)
    }

    fn draw(&self) -> Group {
        let class = if self.process.state.has_exited() { "process ended" } else { "process" };
        let mut group = Group::new().set("class", class).add(self.frame("inside", self.height()));
        group = group.add(self.frame("head", HEADER));
        let bottom = HEADER + ROW * pixels(self.visible().count());
        let slots = Rectangle::new().set("class", "slot").set("y", HEADER).set("width", NUMBER);
        group = group.add(slots.set("height", bottom - HEADER));
        for (line, (index, row)) in (0..).zip(self.visible()) {
            group = group.add(self.row(HEADER + ROW * line, index, row));
        }
        for (number, note) in (0..).zip(self.remark().iter().chain(&self.state())) {
            let y = bottom + FOOTER * number;
            group = group.add(self.rule(y)).add(text_line("quiet", 12, y + 18, note));
        }
        group.add(self.header()).add(self.frame("box", self.height()))
    }

    /// Draws a frame in an SVG diagram from the upper edge of the box.
    fn frame(&self, class: &str, height: i32) -> Rectangle {
        let frame = Rectangle::new().set("class", class).set("width", self.width).set("height", height);
        frame.set("rx", 5)
    }

    fn rule(&self, y: i32) -> Line {
        let rule = Line::new().set("class", "rule").set("x1", 0).set("x2", self.width);
        rule.set("y1", y).set("y2", y)
    }

    fn header(&self) -> Group {
        let label = format!("{}:", self.process.label);
        let x = 12 + sans_width(&label, 14.5) + 6;
        let program = text_line("who", x, 21, &program_and_pid(self.process));
        Group::new().add(text_line("role", 12, 21, &label)).add(program)
    }

    fn row(&self, y: i32, index: usize, row: &DescriptorRow) -> Group {
        let base = y + 18;
        let text = labels::describe_object(self.snapshot, self.process, row, false);
        let room = mono_chars(self.width - OBJECT - 10, FONT_SIZE);
        let mut object = text_line("mono object", OBJECT, base, &with_no_break_spaces(&clip(&text, room)));
        if let Some(shared) = self.shared_object(index) {
            object.assign("style", format!("fill: {}", self.colors[shared]));
        }
        Group::new()
            .set("class", "row")
            .add(self.rule(y))
            .add(text_line("mono fd", NUMBER / 2, base, &row.number.to_string()))
            .add(text_line("mono name", NAME, base, labels::standard_descriptor_name(row)))
            .add(object)
    }

    /// Returns the index of the shared object that the descriptor in row `row` of a box refers to.
    fn shared_object(&self, row: usize) -> Option<usize> {
        let process = self.snapshot.processes.iter().position(|it| it.label == self.process.label)?;
        self.snapshot.shared.iter().position(|object| object.ends.contains(&(process, row)))
    }
}

fn clip(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}
