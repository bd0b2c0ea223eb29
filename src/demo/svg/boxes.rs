//! Processes as boxes, each with its descriptor table.

use svg::node::Node;
use svg::node::element::{Group, Line, Rectangle};

use super::lines::{self, Palette};
use crate::demo::picture::{Condition, Picture, Player, Row};
use crate::demo::wording;
use crate::lettering::{line, mono_room, mono_width, sans_width, unbroken};

/// Something drawn, from its own origin on.
pub(super) struct Drawn {
    pub group: Group,
    pub height: i32,
}

/// Heights of a box's parts, in pixels.
const HEADER: i32 = 32;
const ROW: i32 = 26;
const FOOTER: i32 = 26;
/// Between one box and the next.
const GAP: i32 = 16;

/// Where a row's parts begin.
const NUMBER: i32 = 44;
const NAME: i32 = NUMBER + 12;
const OBJECT: i32 = NAME + 64;

/// A box is so wide where nothing asks for more or less, so that one picture's boxes stand below another's.
const USUAL: i32 = 600;
const SIZE: f64 = 13.0;

pub(super) const STYLE: &str = "\
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

/// Draws `picture` no wider than `width`.
pub(super) fn draw(picture: &Picture, width: i32, palette: &mut Palette) -> Drawn {
    let hues: Vec<&str> = picture.joints.iter().map(|joint| palette.hue(joint.shared)).collect();
    let room = width - lines::room(picture);
    let box_width = widest(picture).max(USUAL).min(room);
    let mut group = Group::new().set("class", "picture");
    let mut tops = Vec::new();
    let mut y = 0;
    for player in &picture.processes {
        let table = Table { picture, player, hues: &hues, width: box_width };
        tops.push(y);
        group = group.add(table.draw().set("transform", format!("translate(0 {y})")));
        y += table.height() + GAP;
    }
    let place = |(process, row): (usize, usize)| tops[process] + middle(&picture.processes[process], row);
    group = group.add(lines::draw(picture, &hues, box_width, place));
    Drawn { group, height: y - GAP }
}

/// The middle of a row, seen from the top of its box.
fn middle(player: &Player, row: usize) -> i32 {
    let above = player.rows[..row].iter().filter(|row| row.visible).count();
    HEADER + ROW * pixels(above) + ROW / 2
}

fn pixels(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The width that every text of the boxes has room in.
fn widest(picture: &Picture) -> i32 {
    let of = |player: &Player| {
        let rows = player.rows.iter().filter(|row| row.visible);
        let objects =
            rows.map(|row| OBJECT + mono_width(&wording::object(picture, player, row, false), SIZE) + 16);
        let header = 28 + sans_width(&format!("{}  {}", player.role, who(player)), 14.5);
        objects.chain([header]).max().unwrap_or_default()
    };
    picture.processes.iter().map(of).max().unwrap_or_default()
}

fn who(player: &Player) -> String {
    let program = if player.program.is_empty() { String::new() } else { format!("{}, ", player.program) };
    format!("{program}process {}", player.pid)
}

/// One process.
struct Table<'a> {
    picture: &'a Picture,
    player: &'a Player,
    hues: &'a [&'a str],
    width: i32,
}

impl Table<'_> {
    fn visible(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.player.rows.iter().enumerate().filter(|(_, row)| row.visible)
    }

    fn remark(&self) -> Option<String> {
        wording::remark(self.player, self.player.rows.len() - self.visible().count())
    }

    /// What the process is doing, below its descriptors.
    fn condition(&self) -> Option<String> {
        (self.player.condition != Condition::Alive(None)).then(|| self.player.condition.to_string())
    }

    fn height(&self) -> i32 {
        let notes = self.remark().iter().chain(&self.condition()).count();
        HEADER + ROW * pixels(self.visible().count()) + FOOTER * pixels(notes)
    }

    fn draw(&self) -> Group {
        let class = if self.player.condition.is_ended() { "process ended" } else { "process" };
        let mut group = Group::new().set("class", class).add(self.frame("inside", self.height()));
        group = group.add(self.frame("head", HEADER));
        let bottom = HEADER + ROW * pixels(self.visible().count());
        let slots = Rectangle::new().set("class", "slot").set("y", HEADER).set("width", NUMBER);
        group = group.add(slots.set("height", bottom - HEADER));
        for (place, (index, row)) in (0..).zip(self.visible()) {
            group = group.add(self.row(HEADER + ROW * place, index, row));
        }
        for (place, note) in (0..).zip(self.remark().iter().chain(&self.condition())) {
            let y = bottom + FOOTER * place;
            group = group.add(self.rule(y)).add(line("quiet", 12, y + 18, note));
        }
        group.add(self.header()).add(self.frame("box", self.height()))
    }

    /// From the upper edge on.
    fn frame(&self, class: &str, height: i32) -> Rectangle {
        let frame = Rectangle::new().set("class", class).set("width", self.width).set("height", height);
        frame.set("rx", 5)
    }

    fn rule(&self, y: i32) -> Line {
        let rule = Line::new().set("class", "rule").set("x1", 0).set("x2", self.width);
        rule.set("y1", y).set("y2", y)
    }

    fn header(&self) -> Group {
        let role = format!("{}:", self.player.role);
        let beside = 12 + sans_width(&role, 14.5) + 6;
        let who = line("who", beside, 21, &who(self.player));
        Group::new().add(line("role", 12, 21, &role)).add(who)
    }

    fn row(&self, y: i32, index: usize, row: &Row) -> Group {
        let base = y + 18;
        let text = wording::object(self.picture, self.player, row, false);
        let room = mono_room(self.width - OBJECT - 10, SIZE);
        let mut object = line("mono object", OBJECT, base, &unbroken(&clip(&text, room)));
        let process = self.picture.processes.iter().position(|player| player.role == self.player.role);
        let joint = process.and_then(|process| {
            self.picture.joints.iter().position(|joint| joint.ends.contains(&(process, index)))
        });
        if let Some(joint) = joint {
            object.assign("style", format!("fill: {}", self.hues[joint]));
        }
        Group::new()
            .set("class", "row")
            .add(self.rule(y))
            .add(line("mono fd", NUMBER / 2, base, &row.number.to_string()))
            .add(line("mono name", NAME, base, wording::standard_name(row)))
            .add(object)
    }
}

fn clip(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}
