//! What joins descriptors, as lines beside the boxes: a lane for each joint, arrows where bytes arrive.

use svg::node::Node;
use svg::node::element::{Circle, Group, Path, Rectangle};

use crate::demo::access::AccessMode;
use crate::demo::lanes::lanes;
use crate::demo::picture::{Joint, Picture, Shared};
use crate::lettering::{line, mono_width};

/// From the boxes to the first lane, and from one lane to the next.
const FIRST: i32 = 44;
const PITCH: i32 = 30;
/// Of corners.
const RADIUS: i32 = 9;

/// Dark enough to be read as text, and told apart by people who see few colours.
const HUES: [&str; 6] = ["#0b62a8", "#b4400a", "#0b7a53", "#93328a", "#7a5c00", "#4338ca"];

/// One colour for the rows and the line of a joint, the same one in every picture of a story.
#[derive(Debug, Default)]
pub(super) struct Palette {
    given: Vec<Shared>,
}

impl Palette {
    pub fn hue(&mut self, shared: Shared) -> &'static str {
        let known = self.given.iter().position(|given| *given == shared);
        let place = known.unwrap_or_else(|| {
            self.given.push(shared);
            self.given.len() - 1
        });
        HUES[place % HUES.len()]
    }
}

/// The width that the lines of `picture` take beside its boxes.
pub(super) fn room(picture: &Picture) -> i32 {
    let spans = spans(picture, |(process, row)| i32::try_from(process * 1000 + row).unwrap_or(i32::MAX));
    let lanes = lanes(&spans);
    lanes.iter().max().map_or(0, |&last| FIRST + PITCH * i32::try_from(last).unwrap_or_default() + 12)
}

fn spans(picture: &Picture, place: impl Fn((usize, usize)) -> i32) -> Vec<(usize, usize)> {
    let span = |joint: &Joint| {
        let places = joint.ends.iter().map(|&end| usize::try_from(place(end)).unwrap_or_default());
        (places.clone().min().unwrap_or_default(), places.max().unwrap_or_default())
    };
    picture.joints.iter().map(span).collect()
}

/// Draws every joint; `place` says how far down a row's middle is.
pub(super) fn draw<'a>(
    picture: &Picture,
    hues: &[&'a str],
    edge: i32,
    place: impl Fn((usize, usize)) -> i32,
) -> Group {
    let lanes = lanes(&spans(picture, &place));
    let strands: Vec<Strand<'a>> = picture
        .joints
        .iter()
        .enumerate()
        .map(|(number, joint)| {
            let x = edge + FIRST + PITCH * i32::try_from(lanes[number]).unwrap_or_default();
            let ends = joint.ends.iter().map(|&end| (place(end), access(picture, joint, end))).collect();
            Strand { edge, x, ends, colour: hues[number], name: name(joint.shared) }
        })
        .collect();
    // First what runs across, so that it passes below what runs down.
    let group = strands.iter().fold(Group::new(), |group, strand| group.add(strand.across()));
    strands.iter().fold(group, |group, strand| group.add(strand.down()))
}

/// Which way bytes go at an end; a file that is open once has no other end.
fn access(picture: &Picture, joint: &Joint, (process, row): (usize, usize)) -> Option<AccessMode> {
    let access = picture.processes[process].rows[row].access;
    access.filter(|_| !matches!(joint.shared, Shared::Description(_)))
}

fn name(shared: Shared) -> String {
    match shared {
        Shared::Pipe(id) => format!("pipe {id}"),
        Shared::Socket(_) => "one socket".into(),
        Shared::Connection(..) | Shared::Pair(..) => "connection".into(),
        Shared::Terminal(number) => format!("pseudo-terminal {number}"),
        Shared::Description(_) => "one open file".into(),
    }
}

/// One joint with its place on the sheet.
struct Strand<'a> {
    edge: i32,
    x: i32,
    /// From top to bottom.
    ends: Vec<(i32, Option<AccessMode>)>,
    colour: &'a str,
    name: String,
}

impl Strand<'_> {
    fn top(&self) -> i32 {
        self.ends.first().map_or(0, |end| end.0)
    }

    fn bottom(&self) -> i32 {
        self.ends.last().map_or(0, |end| end.0)
    }

    fn lane(&self, d: String) -> Path {
        Path::new().set("class", "lane").set("stroke", self.colour).set("d", d)
    }

    /// From each box's edge to the lane.
    fn across(&self) -> Group {
        self.ends.iter().fold(Group::new(), |group, &(y, access)| {
            let corner = if y == self.top() || y == self.bottom() { RADIUS } else { 0 };
            let stub = self.lane(format!("M{} {y} H{}", self.edge, self.x - corner));
            group.add(stub).add(self.mark(y, access))
        })
    }

    /// An arrow where bytes arrive, and a dot elsewhere.
    fn mark(&self, y: i32, access: Option<AccessMode>) -> Group {
        let group = Group::new().set("fill", self.colour);
        let edge = self.edge;
        match access {
            Some(AccessMode::ReadOnly | AccessMode::ReadWrite) => {
                group.add(Path::new().set("d", format!("M{} {y} l11 -5.5 v11 z", edge + 1)))
            }
            _ => group.add(Circle::new().set("cx", edge).set("cy", y).set("r", 4)),
        }
    }

    /// The lane itself, with its corners and its name.
    fn down(&self) -> Group {
        let (x, top, bottom) = (self.x, self.top(), self.bottom());
        let (from, to) = (top + RADIUS, bottom - RADIUS);
        let under = Path::new().set("class", "lane under").set("d", format!("M{x} {from} V{to}"));
        let corners = format!(
            "M{} {top} Q{x} {top} {x} {from} V{to} Q{x} {bottom} {} {bottom}",
            x - RADIUS,
            x - RADIUS
        );
        let group = Group::new().add(under).add(self.lane(corners));
        let between = self.ends.iter().filter(|end| end.0 > top && end.0 < bottom);
        let group = between.fold(group, |group, &(y, _)| {
            group.add(Circle::new().set("fill", self.colour).set("cx", x).set("cy", y).set("r", 4))
        });
        self.label(group)
    }

    /// Names the object on the longest free piece of its lane, where there is room.
    fn label(&self, group: Group) -> Group {
        let pieces = self.ends.windows(2).map(|pair| (pair[0].0, pair[1].0));
        let Some((from, to)) = pieces.max_by_key(|(from, to)| to - from) else { return group };
        let length = mono_width(&self.name, 11.0) + 8;
        if to - from < length + 2 * RADIUS {
            return group;
        }
        let turn = format!("translate({} {}) rotate(90)", self.x, (from + to) / 2);
        let ground = Rectangle::new().set("class", "ground").set("x", -length / 2).set("y", -7);
        let mut text = line("mono label", 0, 4, &self.name);
        text.assign("style", format!("fill: {}", self.colour));
        let label = Group::new().add(ground.set("width", length).set("height", 14)).add(text);
        group.add(label.set("transform", turn))
    }
}
