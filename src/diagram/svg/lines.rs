//! Draws shared objects as lines beside the boxes: one lane for each object, arrows where bytes arrive.

use svg::node::Node;
use svg::node::element::{Circle, Group, Path, Rectangle};

use crate::diagram::lanes::assign_lanes;
use crate::diagram::process::ObjectId;
use crate::diagram::snapshot::{RowIndex, SharedObject, Snapshot};
use crate::diagram::svg_text::{mono_width, text_line};
use crate::sys::AccessMode;

/// The distance from the boxes of an SVG diagram to its first lane for vertical lines, in pixels.
const FIRST_LANE: i32 = 44;
/// The distance from one vertical line of an SVG diagram to the next, in pixels.
const LANE: i32 = 30;
/// The radius of the corners of a line in an SVG diagram, in pixels.
const RADIUS: i32 = 9;

/// The colours of the lines between the boxes of an SVG diagram. They are dark enough to be read as text.
/// Colour-blind readers can tell them apart.
const COLORS: [&str; 6] = ["#0b62a8", "#b4400a", "#0b7a53", "#93328a", "#7a5c00", "#4338ca"];

/// Assigns a colour to each shared object of SVG diagrams. An object has the same colour in every diagram of a
/// document.
#[derive(Debug, Default)]
pub struct Palette {
    /// The shared objects that have a colour, in the order of [`COLORS`].
    known: Vec<ObjectId>,
}

impl Palette {
    pub(super) fn color(&mut self, id: ObjectId) -> &'static str {
        let known = self.known.iter().position(|known| *known == id);
        let index = known.unwrap_or_else(|| {
            self.known.push(id);
            self.known.len() - 1
        });
        COLORS[index % COLORS.len()]
    }
}

/// Returns the width of the lines beside the boxes of an SVG diagram, in pixels.
pub(super) fn lines_width(snapshot: &Snapshot) -> i32 {
    // Any position that grows from row to row gives the same lanes.
    let y_of = |(process, row): RowIndex| i32::try_from(process * 1000 + row).unwrap_or(i32::MAX);
    let lanes = assign_lanes(&spans(snapshot, y_of));
    let last = lanes.iter().max().map(|&lane| i32::try_from(lane).unwrap_or_default());
    last.map_or(0, |last| FIRST_LANE + LANE * last + 12)
}

fn spans(snapshot: &Snapshot, y_of: impl Fn(RowIndex) -> i32) -> Vec<(usize, usize)> {
    let span = |object: &SharedObject| {
        let ys = object.ends.iter().map(|&end| usize::try_from(y_of(end)).unwrap_or_default());
        (ys.clone().min().unwrap_or_default(), ys.max().unwrap_or_default())
    };
    snapshot.shared.iter().map(span).collect()
}

/// Draws the line of every shared object in an SVG diagram. `edge` is the right edge of the boxes, `y_of` returns the
/// vertical position of a row.
pub(super) fn draw_lines<'a>(
    snapshot: &Snapshot,
    colors: &[&'a str],
    edge: i32,
    y_of: impl Fn(RowIndex) -> i32,
) -> Group {
    let lanes = assign_lanes(&spans(snapshot, &y_of));
    let lines: Vec<ObjectLine<'a>> = snapshot
        .shared
        .iter()
        .enumerate()
        .map(|(index, object)| {
            let x = edge + FIRST_LANE + LANE * i32::try_from(lanes[index]).unwrap_or_default();
            let ends = object.ends.iter().map(|&end| (y_of(end), direction(snapshot, object, end))).collect();
            ObjectLine { edge, x, ends, color: colors[index], name: name(object.id) }
        })
        .collect();
    // Horizontal lines first, so that they pass below the vertical ones.
    let group = lines.iter().fold(Group::new(), |group, line| group.add(line.horizontal()));
    lines.iter().fold(group, |group, line| group.add(line.vertical()))
}

/// Returns the direction of bytes between a descriptor and a shared object. An open file that two descriptors share
/// has no direction.
fn direction(snapshot: &Snapshot, object: &SharedObject, (process, row): RowIndex) -> Option<AccessMode> {
    let access = snapshot.processes[process].rows[row].access;
    access.filter(|_| !matches!(object.id, ObjectId::Description(_)))
}

fn name(id: ObjectId) -> String {
    match id {
        ObjectId::Pipe(id) => format!("pipe {id}"),
        ObjectId::Socket(_) => "one socket".into(),
        ObjectId::Connection(..) | ObjectId::Pair(..) => "connection".into(),
        ObjectId::Terminal(number) => format!("pseudo-terminal {number}"),
        ObjectId::Description(_) => "one open file".into(),
    }
}

/// The line of an SVG diagram that connects the descriptors of one shared object.
struct ObjectLine<'a> {
    edge: i32,
    x: i32,
    /// The vertical position of each descriptor that a line connects, and the direction of its bytes, from top to
    /// bottom.
    ends: Vec<(i32, Option<AccessMode>)>,
    color: &'a str,
    name: String,
}

impl ObjectLine<'_> {
    fn top(&self) -> i32 {
        self.ends.first().map_or(0, |end| end.0)
    }

    fn bottom(&self) -> i32 {
        self.ends.last().map_or(0, |end| end.0)
    }

    fn path(&self, d: String) -> Path {
        Path::new().set("class", "lane").set("stroke", self.color).set("d", d)
    }

    /// Draws the horizontal lines of a shared object in an SVG diagram, from the edge of each box to the vertical
    /// line.
    fn horizontal(&self) -> Group {
        self.ends.iter().fold(Group::new(), |group, &(y, direction)| {
            let corner = if y == self.top() || y == self.bottom() { RADIUS } else { 0 };
            let stub = self.path(format!("M{} {y} H{}", self.edge, self.x - corner));
            group.add(stub).add(self.mark(y, direction))
        })
    }

    /// Draws the end of an object's line at a descriptor: an arrow where bytes arrive, otherwise a dot.
    fn mark(&self, y: i32, direction: Option<AccessMode>) -> Group {
        let group = Group::new().set("fill", self.color);
        let edge = self.edge;
        match direction {
            Some(AccessMode::ReadOnly | AccessMode::ReadWrite) => {
                group.add(Path::new().set("d", format!("M{} {y} l11 -5.5 v11 z", edge + 1)))
            }
            _ => group.add(Circle::new().set("cx", edge).set("cy", y).set("r", 4)),
        }
    }

    /// Draws the vertical line of a shared object in an SVG diagram, with its corners and its name.
    fn vertical(&self) -> Group {
        let (x, top, bottom) = (self.x, self.top(), self.bottom());
        let (from, to) = (top + RADIUS, bottom - RADIUS);
        let under = Path::new().set("class", "lane under").set("d", format!("M{x} {from} V{to}"));
        let corners = format!(
            "M{} {top} Q{x} {top} {x} {from} V{to} Q{x} {bottom} {} {bottom}",
            x - RADIUS,
            x - RADIUS
        );
        let group = Group::new().add(under).add(self.path(corners));
        let between = self.ends.iter().filter(|end| end.0 > top && end.0 < bottom);
        let group = between.fold(group, |group, &(y, _)| {
            group.add(Circle::new().set("fill", self.color).set("cx", x).set("cy", y).set("r", 4))
        });
        self.label(group)
    }

    /// Adds the name of the shared object to the longest free piece of its line, if there is room.
    fn label(&self, group: Group) -> Group {
        let pieces = self.ends.windows(2).map(|pair| (pair[0].0, pair[1].0));
        let Some((from, to)) = pieces.max_by_key(|(from, to)| to - from) else { return group };
        let length = mono_width(&self.name, 11.0) + 8;
        if to - from < length + 2 * RADIUS {
            return group;
        }
        let turn = format!("translate({} {}) rotate(90)", self.x, (from + to) / 2);
        let ground = Rectangle::new().set("class", "ground").set("x", -length / 2).set("y", -7);
        let mut text = text_line("mono label", 0, 4, &self.name);
        text.assign("style", format!("fill: {}", self.color));
        let label = Group::new().add(ground.set("width", length).set("height", 14)).add(text);
        group.add(label.set("transform", turn))
    }
}
