//! The last steps of a scene, drawn as a space-time diagram in text: a lane for each actor, the time downward.

use std::collections::{BTreeSet, VecDeque};

use super::place::Place;
use super::value::Arguments;

/// The number of steps that are remembered.
const KEPT: usize = 14;

/// The maximum number of lanes in a picture.
const LANES: usize = 6;

/// The distance between two lanes, in columns.
const WIDTH: usize = 10;

/// The steps that a scene has played last.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: VecDeque<Played>,
    /// The actors that have no connection to the server.
    apart: BTreeSet<String>,
}

/// A step that has been played, or has failed.
#[derive(Debug)]
struct Played {
    actor: String,
    way: Way,
    place: Place,
}

/// The direction of a step, seen from its actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    FromServer,
    Both,
    /// The step concerns its actor alone.
    Alone,
}

impl History {
    /// Returns a history without steps, in which steps of the actors `apart` have no arrow to the server.
    pub fn apart_from_server(apart: BTreeSet<String>) -> History {
        History { steps: VecDeque::new(), apart }
    }

    /// Remembers a step that begins. `words` are those of its pattern.
    pub fn add(&mut self, words: &[&str], place: &Place, arguments: &Arguments) {
        let actor = match *words {
            ["NEW" | "CLIENT", ..] => arguments.name(0),
            ["NUMBER", ..] | ["PEER", "accepts", ..] => arguments.name(1),
            ["PEER" | "PROGRAM", ..] => arguments.name(0),
            ["second", ..] => "second",
            _ => "server",
        };
        let way = match *words {
            _ if self.apart.contains(actor) => Way::Alone,
            ["CLIENT", "receives", ..] | ["PEER", "accepts", ..] => Way::FromServer,
            ["CLIENT", "exchanges", ..] => Way::Both,
            ["NEW" | "CLIENT", ..] | ["NUMBER", ..] => Way::ToServer,
            _ => Way::Alone,
        };
        if self.steps.len() == KEPT {
            self.steps.pop_front();
        }
        self.steps.push_back(Played { actor: actor.to_owned(), way, place: place.clone() });
    }

    /// Returns the picture of the remembered steps of a scene in `files`. The last step is marked.
    pub fn picture(&self, files: &[(String, String)]) -> String {
        let lanes = self.lanes();
        let number = |played: &Played| line_number(&played.place, files);
        let digits = self.steps.iter().map(|played| number(played).to_string().len()).max().unwrap_or(1);
        let mut lines = vec![format!("  {:digits$}   {}", "", heading(&lanes))];
        for (at, played) in self.steps.iter().enumerate() {
            let mark = if at + 1 == self.steps.len() { '>' } else { ' ' };
            let text = &files[played.place.file].1[played.place.span.clone()];
            let row = row(&lanes, played);
            lines.push(format!("{mark} {:>digits$} | {row} {text}", number(played)));
        }
        lines.join("\n")
    }

    /// Returns the number of the line of the last step of `actor` in the scene's own file, but for the step that failed.
    pub fn last_of(&self, actor: &str, files: &[(String, String)]) -> Option<usize> {
        let mut before = self.steps.iter().rev().skip(1);
        before.find(|played| played.actor == actor).map(|played| line_number(&played.place, files))
    }

    /// Returns the names of the lanes: the server, and the actors of the last steps in the order of their first step.
    fn lanes(&self) -> Vec<&str> {
        let mut lanes = vec!["server"];
        for played in self.steps.iter().rev() {
            if lanes.len() < LANES && !lanes.contains(&played.actor.as_str()) {
                lanes.push(&played.actor);
            }
        }
        let first = |name: &&str| self.steps.iter().position(|played| played.actor == **name);
        lanes[1..].sort_by_key(first);
        lanes
    }
}

fn line_number(place: &Place, files: &[(String, String)]) -> usize {
    files[place.file].1[..place.span.start].matches('\n').count() + 1
}

fn heading(lanes: &[&str]) -> String {
    let shorten = |name: &&str| name.chars().take(WIDTH - 2).collect::<String>();
    lanes.iter().map(|name| format!("{:<WIDTH$}", shorten(name))).collect::<String>().trim_end().to_owned()
}

/// Returns the lanes in one row: an arrow between the actor of a step and the server, or a dot.
fn row(lanes: &[&str], played: &Played) -> String {
    let mut columns = vec![' '; (lanes.len() - 1) * WIDTH + 2];
    (0..lanes.len()).for_each(|lane| columns[lane * WIDTH] = '│');
    let lane = lanes.iter().position(|name| *name == played.actor);
    match (lane, played.way) {
        (Some(lane), Way::Alone) => columns[lane * WIDTH] = '●',
        (Some(lane), way) if lane > 0 => {
            let end = lane * WIDTH;
            (1..end).filter(|column| column % WIDTH > 0).for_each(|column| columns[column] = '─');
            columns[end] = '●';
            if way != Way::FromServer {
                columns[1] = '◀';
            }
            if way != Way::ToServer {
                columns[end - 1] = '▶';
            }
        }
        _ => {}
    }
    columns.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_a_lane_for_each_actor() {
        let text = "a connects\nb exchanges \"x\"\nserver gets SIGTERM\na receives end\n";
        let files = [("my.scene".to_owned(), text.to_owned())];
        let ways = [("a", Way::ToServer), ("b", Way::Both), ("server", Way::Alone), ("a", Way::FromServer)];
        let mut history = History::default();
        let mut start = 0;
        for ((actor, way), line) in ways.into_iter().zip(text.lines()) {
            let place = Place { file: 0, span: start..start + line.len() };
            history.steps.push_back(Played { actor: actor.into(), way, place });
            start += line.len() + 1;
        }
        let wanted = "      server    a         b\n  1 | │◀────────●         │  a connects\n  2 | │◀────────│────────▶●  \
                      b exchanges \"x\"\n  3 | ●         │         │  server gets SIGTERM\n> 4 | \
                      │────────▶●         │  a receives end";
        let drawn = history.picture(&files);
        assert_eq!(drawn, wanted, "{drawn}");
        assert_eq!(history.last_of("a", &files), Some(1));
    }
}
