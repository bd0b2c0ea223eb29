//! Finds the verb of a line, or the word at which the line leaves every verb.

use super::slot::slot;
use super::token::Token;
use super::value::{Value, Values};
use super::verb::Verb;
use super::verbs;
use crate::protocol::{FileError, SourceText, join_with_or};
use crate::text::most_similar;

/// The way in which a line differs from a pattern.
struct Miss {
    /// The number of tokens that fit the pattern.
    at: usize,
    kind: MissKind,
}

enum MissKind {
    /// The pattern has this word next.
    Word(&'static str),
    /// The pattern has this kind of value next, and the line has ended.
    Slot(&'static str),
    /// The token is no value of the pattern's kind.
    Value(FileError),
    /// The pattern has ended, and the line goes on.
    Longer(&'static Verb),
}

/// Returns the verb of a line with the values of the step. `tokens` is not empty.
///
/// # Errors
/// The first wrong word of the line.
pub(super) fn find_verb(
    source: &SourceText<'_>,
    tokens: &[Token],
) -> Result<(&'static Verb, Values), FileError> {
    let mut misses = Vec::new();
    for verb in verbs::all() {
        match fit(source, tokens, verb) {
            Ok(values) => return Ok((verb, values)),
            Err(miss) => misses.push(miss),
        }
    }
    let farthest = misses.iter().map(|miss| miss.at).max().unwrap_or_default();
    let misses = misses.into_iter().filter(|miss| miss.at == farthest).collect();
    Err(explain(source, tokens, farthest, misses))
}

/// Returns the values of a step if `tokens` fit the pattern of `verb`.
fn fit(source: &SourceText<'_>, tokens: &[Token], verb: &'static Verb) -> Result<Values, Miss> {
    let (mut at, mut values) = (0, Values::default());
    for word in verb.words() {
        let miss = |kind| Miss { at, kind };
        match (slot(word), tokens.get(at)) {
            (Some(_), None) => return Err(miss(MissKind::Slot(word))),
            (Some(slot), Some(_)) => {
                let (value, taken) =
                    (slot.read)(source, &tokens[at..]).map_err(|error| miss(MissKind::Value(error)))?;
                let span = tokens[at].span.start..tokens[at + taken - 1].span.end;
                values.list.push((value, span));
                at += taken;
            }
            (None, Some(token)) if !token.quoted && token.text == word => at += 1,
            (None, _) => return Err(miss(MissKind::Word(word))),
        }
    }
    if verb.waits && tokens.get(at).is_some_and(|token| token.text == "within") {
        at += 1;
        let miss = |at, kind| Miss { at, kind };
        let time = slot("TIME").filter(|_| at < tokens.len()).ok_or(miss(at, MissKind::Slot("TIME")))?;
        let (value, taken) =
            (time.read)(source, &tokens[at..]).map_err(|error| miss(at, MissKind::Value(error)))?;
        if let Value::Time(time) = value {
            values.within = Some(time);
        }
        at += taken;
    }
    if at < tokens.len() { Err(Miss { at, kind: MissKind::Longer(verb) }) } else { Ok(values) }
}

fn explain(source: &SourceText<'_>, tokens: &[Token], at: usize, misses: Vec<Miss>) -> FileError {
    let mut words: Vec<&'static str> = misses
        .iter()
        .filter_map(|miss| match miss.kind {
            MissKind::Word(word) => Some(word),
            _ => None,
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    let same_letter = |word: &str, token: &Token| word.chars().next() == token.text.chars().next();
    let Some(token) = tokens.get(at) else { return ends_early(source, tokens, words, &misses) };
    if let Some(error) = wrong_first_word(source, &tokens[0], at) {
        return error;
    }
    let (likely, others): (Vec<_>, Vec<_>) = words.iter().copied().partition(|word| same_letter(word, token));
    if let Some(near) = most_similar(&token.text, likely.into_iter().chain(others)) {
        let error = source.error(token.span.clone(), format!("unknown word `{}`", token.text));
        return error.help(format!("did you mean `{near}`?"));
    }
    let mut longer = None;
    for miss in misses {
        match miss.kind {
            MissKind::Value(error) => return error,
            MissKind::Longer(verb) => longer = longer.or(Some(verb)),
            MissKind::Word(_) | MissKind::Slot(_) => {}
        }
    }
    match longer {
        Some(verb) if token.text == "within" => {
            let error = source.error(token.span.clone(), "this step waits for nothing");
            error.expecting("no time limit").help(format!("`{}` is done at once", verb.pattern))
        }
        Some(verb) => {
            let span = token.span.start..tokens[tokens.len() - 1].span.end;
            let error = source.error(span, "the step goes on behind its end");
            let end = if verb.waits {
                "the end of the line, or `within` and a time"
            } else {
                "the end of the line"
            };
            error.expecting(format!("expected {end}"))
        }
        None => {
            let error = source.error(token.span.clone(), format!("unknown word `{}`", token.text));
            error.expecting(format!("expected {}", join_with_or(words)))
        }
    }
}

/// Returns the error for a line whose first word is taken for the name of a client, but resembles another first word.
fn wrong_first_word(source: &SourceText<'_>, first: &Token, at: usize) -> Option<FileError> {
    let near = most_similar(&first.text, first_words().filter(|_| at <= 1))?;
    if near == first.text {
        return None;
    }
    let error = source.error(first.span.clone(), format!("unknown word `{}`", first.text));
    Some(error.help(format!("did you mean `{near}`?")))
}

/// Returns the words with which a step can begin, without names.
pub(super) fn first_words() -> impl Iterator<Item = &'static str> {
    let verbs = verbs::all().filter_map(|verb| verb.words().next()).filter(|word| slot(word).is_none());
    verbs.chain(["repeat", "together", "for", "include", "end", "given"])
}

fn ends_early(
    source: &SourceText<'_>,
    tokens: &[Token],
    words: Vec<&'static str>,
    misses: &[Miss],
) -> FileError {
    let end = tokens[tokens.len() - 1].span.end;
    let slots = misses.iter().filter_map(|miss| match miss.kind {
        MissKind::Slot(word) => slot(word).map(|slot| slot.summary.to_owned()),
        _ => None,
    });
    let mut wanted: Vec<String> = slots.collect();
    wanted.sort_unstable();
    wanted.dedup();
    if !words.is_empty() {
        wanted.push(join_with_or(words));
    }
    source.error(end..end, "the step ends too early").expecting(format!("expected {}", wanted.join(", or ")))
}
