//! Each mistake that a scene can have, and the error that tells it.

use super::Scene;

/// The test data: sections of a title, a scene, a line `---`, and the expected error.
const MISTAKES: &str = include_str!("mistakes.txt");

#[test]
fn every_mistake_has_its_error() {
    let sections: Vec<&str> = MISTAKES.split("### ").skip(1).collect();
    assert!(sections.len() >= 25);
    let mut now = String::new();
    for section in &sections {
        let (title, rest) = section.split_once('\n').unwrap();
        let (text, _) = rest.split_once("---\n").unwrap();
        let error = match Scene::parse(text, "my.scene") {
            Ok(_) => "no error".into(),
            Err(error) => error.to_string(),
        };
        now.push_str(&format!("### {title}\n{text}---\n{error}\n\n"));
    }
    let same = now.trim_end() == MISTAKES.trim_end();
    assert!(same, "the errors are now:\n{now}");
}

/// Writes `files` into a directory, and returns the error of the first of them.
fn error_in(files: &[(&str, &str)], set: &[(String, String)]) -> String {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(place.path().join(name), text).unwrap();
    }
    let parsed = Scene::read_with(place.path().join(files[0].0), set);
    let error = parsed.map_or_else(|error| error.to_string(), |_| "no error".into());
    error.replace(&format!("{}/", place.path().display()), "")
}

#[test]
fn mistakes_in_included_files_have_their_place() {
    let main = ("main.scene", "a connects\ninclude \"part.scene\"\n");
    let error = error_in(&[main, ("part.scene", "# part\na sends \"x\"\nb closes\n")], &[]);
    let wanted = "no client is called `b`\n --> part.scene:3:1\n  |\n3 | b closes\n  | ^\n  = help: write `b connects` before";
    assert_eq!(error, wanted);
    let error = error_in(&[main, ("part.scene", "transport tcp\na closes\n")], &[]);
    let wanted = "a line of the head in an included file\n --> part.scene:1:1\n  |\n1 | transport tcp\n  | ^^^^^^^^^ \
                  expected a step, or `parameter`\n  = help: write it into the scene";
    assert_eq!(error, wanted);
    let error = error_in(&[main, ("part.scene", "include \"main.scene\"\n")], &[]);
    let wanted = "this file includes itself\n --> part.scene:1:10\n  |\n1 | include \"main.scene\"\n  |          ^^^^^^^^^^ \
                  expected a scene, relative to this file";
    assert_eq!(error, wanted);
    assert_eq!(error_in(&[main, ("part.scene", "a closes\n")], &[]), "no error");
}

#[test]
fn values_from_outside_take_the_place_of_those_in_the_scene() {
    let text = "parameter rounds = 5\nparameter page = \"/\"\nrepeat {rounds}\n    a connects\n    \
                a sends \"GET {page}\"\n    a closes\nend\n";
    let set =
        |name: &str, value: &str| error_in(&[("my.scene", text)], &[(name.to_owned(), value.to_owned())]);
    assert_eq!(set("rounds", "7"), "no error");
    assert_eq!(set("page", "/a b"), "no error");
    let wanted = "`none` is no number\n --> my.scene:3:8\n  |\n3 | repeat {rounds}\n  |        \
                  ^^^^^^^^ expected a number\n  = help: `{rounds}` stands for `none`";
    assert_eq!(set("rounds", "none"), wanted);
    let wanted = "unknown escape `\\q`\n --> --set page:1:2\n  |\n1 | \"\\q\"\n  |  ^^ expected one of \
                  \\r \\n \\t \\0 \\\\ \\\" \\{ \\} \\xHH";
    assert_eq!(set("page", "\\q"), wanted);
    let wanted = "`rounds` has no value\n --> --set rounds:1:1\n  |\n1 | \n  | ^ expected a value";
    assert_eq!(set("rounds", ""), wanted);
}
