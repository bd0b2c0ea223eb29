//! Subjects of commits: at most 60 characters.

use std::process::Command;

use crate::root;

/// Commits after this one follow the rule.
const SINCE: &str = "5cd8f40249b6982420211ad5c9cac4167a906789";

const LONGEST: usize = 60;

/// Returns every new commit with a long subject. In a clone without the history there are none.
pub fn findings() -> Vec<String> {
    let bases = [SINCE, "origin/main"];
    let log = bases.iter().find_map(|base| git(&["log", "--format=%h %s", &format!("{base}..HEAD")]));
    log.unwrap_or_default().lines().filter_map(inspect).collect()
}

fn inspect(line: &str) -> Option<String> {
    let (commit, subject) = line.split_once(' ')?;
    let length = subject.chars().count();
    (length > LONGEST)
        .then(|| format!("commit {commit}: a subject of {length} characters, more than {LONGEST}: {subject}"))
}

/// Returns what git prints, or none if it fails.
fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).current_dir(root()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_long_subject() {
        assert_eq!(inspect(&format!("abc1234 {}", "x".repeat(60))), None);
        assert!(inspect(&format!("abc1234 {}", "é".repeat(61))).is_some());
    }
}
