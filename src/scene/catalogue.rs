//! Checks of the catalogue as scenes. `fixtures/tests/scenes.rs` plays each against the broken twins of its check, and
//! against their correct siblings: scene and check have the same verdicts.

macro_rules! scenes {
    ($($check:literal),* $(,)?) => {
        &[$(($check, include_str!(concat!("../../scenes/", $check, ".scene")))),*]
    };
}

/// The checks that are scenes as well: the id of each, and the text of its scene.
const SCENES: &[(&str, &str)] = scenes![
    "echo/half-close",
    "echo/nothing-extra",
    "echo/nothing-unasked",
    "echo/one-byte",
    "fd/no-leak",
    "life/no-zombies",
    "life/survives-stop-and-continue",
    "life/survives-urgent-data",
    "load/mute-client-blocks-none",
    "path/restart-after-crash",
    "port/free-after-exit",
    "port/restart-in-time-wait",
];

/// Returns the scene of a check, if it has one.
#[must_use]
pub fn of_check(id: &str) -> Option<&'static str> {
    SCENES.iter().find(|(check, _)| *check == id).map(|(_, text)| *text)
}

/// Returns the ids of the checks that are scenes as well.
pub fn checks() -> impl Iterator<Item = &'static str> {
    SCENES.iter().map(|(check, _)| *check)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::checks::all_checks;

    #[test]
    fn every_file_is_the_scene_of_a_check() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
        let mut found = Vec::new();
        for area in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            for file in fs::read_dir(area).unwrap().map(|entry| entry.unwrap().path()) {
                let id = file.strip_prefix(&folder).unwrap().with_extension("");
                found.push(id.to_str().unwrap().to_owned());
            }
        }
        found.sort();
        assert_eq!(found, checks().collect::<Vec<_>>());
        found.iter().for_each(|id| assert!(all_checks().any(|check| check.id == id), "{id}"));
    }
}
