//! Finds repeated steps, and writes them as a `repeat` block.

/// The maximum number of steps in a block that is looked for.
const LONGEST: usize = 12;

/// The minimum number of rounds of a block.
const ROUNDS: usize = 3;

/// Returns `lines` with repeated steps in `repeat` blocks.
pub(super) fn fold(lines: &[String]) -> Vec<String> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let rest = &lines[at..];
        let best = (1..=LONGEST).map(|length| (length, rounds(rest, length)));
        let best = best.filter(|(_, rounds)| *rounds >= ROUNDS).max_by_key(|(length, rounds)| {
            // Of two ways to write the same steps, the shorter block is the better one.
            (length * (rounds - 1), LONGEST - length)
        });
        match best {
            Some((length, rounds)) => {
                out.push(format!("repeat {rounds}"));
                out.extend(rest[..length].iter().map(|line| format!("    {line}")));
                out.push("end".into());
                at += length * rounds;
            }
            None => {
                out.push(rest[0].clone());
                at += 1;
            }
        }
    }
    out
}

/// Returns how often the first `length` lines stand at the beginning of `lines`, one after another.
fn rounds(lines: &[String], length: usize) -> usize {
    let Some(block) = lines.get(..length) else { return 0 };
    lines.chunks(length).take_while(|chunk| *chunk == block).count()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn folds_the_longest_repetition() {
        let lines: Vec<String> = "x a b a b a b y y".split(' ').map(Into::into).collect();
        assert_eq!(fold(&lines).join("|"), "x|repeat 3|    a|    b|end|y|y");
    }
}
