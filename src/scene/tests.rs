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
