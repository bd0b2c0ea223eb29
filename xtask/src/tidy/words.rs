//! Words and sentence openings that hide what a text says.

use std::fs;

use anyhow::Result;

use super::source::{Kind, Prose, split_markdown, split_rust};
use super::{RUST_FOLDERS, files, relative};
use crate::root;

/// Words that no comment, page or message uses, and what to write instead.
const WORDS: &[(&[&str], &str)] = &[
    (
        &["whoever", "whomever", "whom", "nobody", "somebody", "no one"],
        "name the subject: the server, a client, a process",
    ),
    (&["thereof", "therein", "thereby", "hereby", "whereby", "whereof"], "name the thing"),
    (&["whence", "whither", "hither", "thither", "hence"], "write: from where, to where, therefore"),
    (&["lest"], "write: so that … not"),
    (&["mend", "mends", "mended", "mending"], "write: fix"),
    (&["hearsay"], "name the source"),
    (&["in the midst"], "write: during, while"),
    (
        &[
            "accuse",
            "accuses",
            "accused",
            "accusing",
            "accusation",
            "condemn",
            "condemns",
            "condemned",
            "condemning",
        ],
        "write: a check fails",
    ),
    (
        &["burial", "farewell", "vigil", "undertaker", "bequeath", "bequeaths"],
        "use the term: reap, exit, wait, inherit",
    ),
    (&["be warned"], "write: warning"),
    (&["to be had", "not to be had", "be had"], "write: available"),
    (&["hearken", "behold", "wherefore", "perchance", "forsooth", "unasked"], "use a plain word"),
];

/// Openings of a sentence that put a riddle in the place of its subject.
const OPENINGS: &[&str] =
    &["What", "Whoever", "Whatever", "Nobody", "Those that", "Those who", "Of which", "Who"];

/// The same for the first sentence of a doc comment.
const FIRST_OPENINGS: &[&str] = &["So", "Such", "Of", "That", "Those", "Thus", "If such"];

/// Returns every such word and opening in comments, literals and pages.
pub fn findings() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in RUST_FOLDERS {
        for path in files(&root().join(folder), "rs")? {
            let name = relative(&path);
            // This file lists the words.
            if name != "xtask/src/tidy/words.rs" {
                found.extend(inspect(&name, &split_rust(&fs::read_to_string(&path)?).prose));
            }
        }
    }
    let pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    for path in pages.into_iter().chain(files(&root().join("docs"), "md")?) {
        found.extend(inspect(&relative(&path), &split_markdown(&fs::read_to_string(&path)?)));
    }
    Ok(found)
}

fn inspect(name: &str, prose: &[Prose]) -> Vec<String> {
    let mut found = Vec::new();
    for piece in prose.iter().filter(|piece| !is_key(piece)) {
        let text = without_code(&piece.text);
        let lower = text.to_lowercase();
        for (words, advice) in WORDS {
            for word in *words {
                let places = occurrences(&lower, word);
                found.extend(places.map(|at| (piece.line_at(at), format!("\"{word}\": {advice}"))));
            }
        }
        for (at, sentence) in sentences(&text) {
            let is_first = at == 0 && piece.kind == Kind::Doc;
            let ruled_out = OPENINGS.iter().chain(FIRST_OPENINGS.iter().filter(|_| is_first));
            if let Some(opening) = ruled_out.into_iter().find(|opening| opens_with(sentence, opening)) {
                let line = piece.line_at(at);
                found.push((
                    line,
                    format!("a sentence that begins with \"{opening}\": begin with its subject"),
                ));
            }
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(line, problem)| format!("{name}:{line}: {problem}")).collect()
}

/// Whether `piece` is a literal of one word, such as a JSON key.
fn is_key(piece: &Prose) -> bool {
    piece.kind == Kind::Literal && !piece.text.contains(char::is_whitespace)
}

/// Blanks out what stands in backticks.
fn without_code(text: &str) -> String {
    let blank =
        |(place, part): (usize, &str)| if place % 2 == 1 { " ".repeat(part.len()) } else { part.to_owned() };
    text.split('`').enumerate().map(blank).collect::<Vec<_>>().join("`")
}

fn occurrences<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    // Hyphens and slashes count as letters, so that ids such as echo/nothing-unasked do not.
    let is_word = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '/'))
    };
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !is_word(text[..at].chars().next_back()) && !is_word(text[at + word.len()..].chars().next())
    })
}

/// Returns each sentence and where it begins.
fn sentences(text: &str) -> Vec<(usize, &str)> {
    let ends = text.match_indices([' ', '|']).map(|(at, _)| at + 1);
    let ends = ends.filter(|&at| {
        let before = text[..at].trim_end();
        before.ends_with(['.', '!', '?', '|']) && !before.ends_with("e.g.") && !before.ends_with("i.e.")
    });
    let starts: Vec<_> = [0].into_iter().chain(ends).collect();
    let stops = starts.iter().copied().skip(1).chain([text.len()]);
    starts.iter().copied().zip(stops).map(|(start, stop)| (start, &text[start..stop])).collect()
}

/// Whether `sentence` begins with `opening` and is no question.
fn opens_with(sentence: &str, opening: &str) -> bool {
    let rest = sentence.trim_start().strip_prefix(opening);
    let ends_word = |rest: &str| rest.starts_with([' ', '\'', '’']);
    rest.is_some_and(ends_word) && !sentence.contains('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        inspect("a.rs", &split_rust(text).prose)
    }

    #[test]
    fn finds_words_in_comments_and_literals() {
        assert_eq!(found("// It\n// mends it.\n"), ["a.rs:2: \"mends\": write: fix"]);
        assert_eq!(found("f(\"nobody reads\");\n").len(), 1);
        assert!(found("fn nobody() {} // recommends `lest` amendments\n").is_empty());
    }

    #[test]
    fn ignores_literals_of_one_word() {
        assert!(found("#[serde(rename = \"mend\")]\n").is_empty());
    }

    #[test]
    fn finds_phrases_across_lines() {
        assert_eq!(found("// in the\n// midst of it\n").len(), 1);
    }

    #[test]
    fn finds_openings() {
        assert_eq!(found("/// What a server does.\n").len(), 1);
        assert_eq!(found("// It is so. Whatever comes is read.\n").len(), 1);
        assert_eq!(found("/// So it is.\n").len(), 1);
        assert!(found("// So it is. Whether or not.\n// What is its second idea?\n").is_empty());
    }

    #[test]
    fn reads_pages() {
        let pages = split_markdown("# Who is it\n\n- Nothing.\n- What is left.\n");
        assert_eq!(inspect("a.md", &pages).len(), 2);
    }
}
