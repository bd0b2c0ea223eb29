//! Imports: none from a higher floor or from another room on the same floor, and no circle of files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::{Crate, Reference};

/// Rooms of `src` from the bottom up. A file imports from its own room and from lower floors.
const FLOORS: &[&[&str]] = &[
    &["outcome", "text", "payload"],
    &["sys", "check"],
    &["requirement", "deadline", "trace"],
    &["protocol", "wire"],
    &["transport", "diagram"],
    &["server"],
    &["checks", "bench", "load"],
    &["runner", "scene"],
    &["report", "bench/report", "demo", "fds", "doctor", "config"],
    &["check_run"],
    &["cli"],
];

/// Returns every import that breaks a rule of the floors.
pub fn between_rooms(library: &Crate) -> Vec<String> {
    let mut found = BTreeSet::new();
    for Reference { from, to, line, .. } in library.references() {
        let (from, to) = (library.file(from), library.file(to));
        let (Some(room), Some(target)) = (room(from), room(to)) else { continue };
        let problem = match (floor(room), floor(target)) {
            (None, _) => format!("the room {room} is on no floor: see FLOORS in xtask/src/tidy/imports.rs"),
            (Some(own), Some(other)) if other > own => {
                format!("imports from {target}, which is on a higher floor")
            }
            (Some(own), Some(other)) if other == own && room != target => {
                format!("imports from {target}, another room on the same floor")
            }
            _ => continue,
        };
        found.insert((from.to_owned(), line, problem));
    }
    found.into_iter().map(|(file, line, problem)| format!("src/{file}:{line}: {problem}")).collect()
}

/// Returns the room of a file of `src`: its first folder, or its own name; none for `lib.rs` and `main.rs`.
fn room(file: &str) -> Option<&str> {
    if file.starts_with("bench/report") {
        return Some("bench/report");
    }
    let room = file.split('/').next()?.trim_end_matches(".rs");
    (!matches!(room, "lib" | "main")).then_some(room)
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Returns every circle of files that import from each other, in words. Tests may import from anywhere.
pub fn circles(parsed: &Crate, folder: &str) -> Vec<String> {
    let mut graph: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
    for Reference { from, to, line, .. } in parsed.references().into_iter().filter(|it| !it.in_test) {
        graph.entry(from).or_default().entry(to).or_insert(line);
    }
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for &start in graph.keys() {
        if told.contains(&start) {
            continue;
        }
        let Some(circle) = shortest_circle(&graph, start) else { continue };
        told.extend(circle.iter().copied());
        let place =
            |(from, to): (usize, usize)| format!("{folder}/{}:{}", parsed.file(from), graph[&from][&to]);
        let next = circle.iter().copied().cycle().skip(1);
        let steps: Vec<_> = circle.iter().copied().zip(next).map(place).collect();
        found.push(format!("{}: files import from each other in a circle: {}", steps[0], steps.join(" → ")));
    }
    found
}

/// Returns the files of the shortest circle through `start`, beginning there.
fn shortest_circle(graph: &BTreeMap<usize, BTreeMap<usize, usize>>, start: usize) -> Option<Vec<usize>> {
    let mut came_from = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for &next in graph.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut circle = vec![file];
                while let Some(&before) = came_from.get(circle.last()?) {
                    circle.push(before);
                }
                circle.reverse();
                return Some(circle);
            }
            if next != start && !came_from.contains_key(&next) {
                came_from.insert(next, file);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(files: &[(&'static str, &'static str)]) -> Crate {
        Crate::parse([("lib.rs", "")].into_iter().chain(files.iter().copied()))
    }

    fn problems(files: &[(&'static str, &'static str)]) -> Vec<String> {
        between_rooms(&parse(files))
    }

    #[test]
    fn finds_an_import_from_above() {
        let found = problems(&[("server/mod.rs", "\nuse crate::runner::run_checks;"), ("runner.rs", "")]);
        assert_eq!(found, ["src/server/mod.rs:2: imports from runner, which is on a higher floor"]);
        assert!(problems(&[("runner.rs", "use crate::server::Server;"), ("server/mod.rs", "")]).is_empty());
    }

    #[test]
    fn finds_an_import_from_the_side() {
        let found =
            problems(&[("fds/mod.rs", "use crate::demo::draw;"), ("demo/mod.rs", ""), ("demo/draw.rs", "")]);
        assert_eq!(found, ["src/fds/mod.rs:1: imports from demo, another room on the same floor"]);
        let below = [
            ("bench/session.rs", "use super::report::table;"),
            ("bench/report/mod.rs", ""),
            ("bench/mod.rs", ""),
        ];
        assert_eq!(problems(&below).len(), 1);
    }

    #[test]
    fn finds_a_room_without_a_floor() {
        assert_eq!(problems(&[("attic.rs", "use crate::sys;"), ("sys/mod.rs", "")]).len(), 1);
    }

    #[test]
    fn finds_a_circle_once() {
        let files =
            [("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c::C;"), ("c.rs", "\nuse crate::a::A;")];
        let found = circles(&parse(&files), "src");
        let steps = "src/a.rs:1 → src/b.rs:1 → src/c.rs:2";
        assert_eq!(found, [format!("src/a.rs:1: files import from each other in a circle: {steps}")]);
    }

    #[test]
    fn a_parent_and_its_submodules_are_no_circle() {
        let files =
            [("a/mod.rs", "mod b; pub struct A; use b::B;"), ("a/b.rs", "use super::A; pub struct B;")];
        assert!(circles(&parse(&files), "src").is_empty());
    }

    #[test]
    fn an_import_in_a_test_makes_no_circle() {
        let files = [("a.rs", "use crate::b;"), ("b.rs", "#[cfg(test)] mod tests { use crate::a; }")];
        assert!(circles(&parse(&files), "src").is_empty());
    }
}
