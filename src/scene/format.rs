//! Writes a scene in the usual form: one space between words, steps of a block indented.

/// Returns the text of a scene in the usual form. The scene must be correct.
pub(super) fn format(text: &str) -> String {
    let (mut out, mut depth, mut empty) = (String::new(), 0_usize, false);
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            empty = !out.is_empty();
            continue;
        }
        let words = spaced(line);
        if words.split('#').next().is_some_and(|step| step.trim() == "end") {
            depth = depth.saturating_sub(1);
        }
        if std::mem::take(&mut empty) {
            out.push('\n');
        }
        out.push_str(&"    ".repeat(depth));
        out.push_str(&words);
        out.push('\n');
        if matches!(words.split_whitespace().next(), Some("repeat" | "together" | "for")) {
            depth += 1;
        }
    }
    out
}

/// Returns `line` with one space between words. Texts in quotes, comments and commands stay as they are.
fn spaced(line: &str) -> String {
    if ["command ", "program ", "terminal "].iter().any(|word| line.starts_with(word)) {
        return line.to_owned();
    }
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for (at, letter) in line.char_indices() {
        if letter == '#' && !quoted {
            out.push_str(&line[at..]);
            break;
        }
        if letter.is_whitespace() && !quoted {
            if !out.ends_with(' ') {
                out.push(' ');
            }
            continue;
        }
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
        out.push(letter);
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn indents_blocks_and_leaves_texts_alone() {
        let text = "\n\n# t\n  repeat   3\na  sends \"x  y\"   # why\nend\n\n\nb closes";
        let wanted = "# t\nrepeat 3\n    a sends \"x  y\" # why\nend\n\nb closes\n";
        assert_eq!(format(text), wanted);
        assert_eq!(format(wanted), wanted);
    }
}
