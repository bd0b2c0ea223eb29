//! Parses a scene: its title, its head, its steps.

use std::ops::Range;

use super::header::{self, Header};
use super::matching::find_verb;
use super::step::{Action, Block, Step};
use super::token::{Token, comment, tokens};
use crate::protocol::{FileError, SourceText};
use crate::scene::slot::slot;
use crate::scene::value::Value;

/// The parts of a scene as they are written, before names are resolved.
#[derive(Debug)]
pub(super) struct Parsed {
    pub title: String,
    pub header: Header,
    pub steps: Vec<Step>,
}

/// Parses the text of a scene.
///
/// # Errors
/// The first mistake.
pub(super) fn parse(source: &SourceText<'_>) -> Result<Parsed, FileError> {
    let mut lines = Lines { source, rest: 0, title: String::new(), header: Header::default() };
    let (steps, end) = lines.steps(None)?;
    if let Some(end) = end {
        return Err(source.error(end, "this `end` ends no block").expecting("expected a step"));
    }
    if steps.is_empty() {
        let error = source.error(0..0, "this scene has no step");
        return Err(error
            .expecting("expected a step")
            .help("a scene begins with a line such as `a connects`"));
    }
    Ok(Parsed { title: lines.title, header: lines.header, steps })
}

/// The place and the tokens of a line.
type Line = (Range<usize>, Vec<Token>);

struct Lines<'a> {
    source: &'a SourceText<'a>,
    /// The place of the next line in the file.
    rest: usize,
    title: String,
    header: Header,
}

impl Lines<'_> {
    /// Parses steps up to the end of the file, or up to a line `end`, whose place it returns. `block` is the first line
    /// of the block, if there is one.
    fn steps(
        &mut self,
        block: Option<&Range<usize>>,
    ) -> Result<(Vec<Step>, Option<Range<usize>>), FileError> {
        let mut steps = Vec::new();
        while let Some((line, tokens)) = self.next_line()? {
            let only = |word: &str| tokens.len() == 1 && tokens[0].text == word;
            if only("end") {
                return Ok((steps, Some(tokens[0].span.clone())));
            }
            let is_first = block.is_none() && steps.is_empty();
            if is_first && header::read(&mut self.header, self.source, line, &tokens)? {
                continue;
            }
            if !is_first && header::WORDS.contains(&tokens[0].text.as_str()) {
                let error =
                    self.source.error(tokens[0].span.clone(), "a line of the head behind the first step");
                return Err(error.expecting("expected a step").help("write it above all steps"));
            }
            let span = tokens[0].span.start..tokens[tokens.len() - 1].span.end;
            steps.push(match tokens[0].text.as_str() {
                "repeat" => Step::Repeat(self.rounds(&tokens)?, self.block(span)?),
                "together" if tokens.len() == 1 => Step::Together(self.block(span)?),
                _ => Step::Do(self.action(&tokens, span)?),
            });
        }
        match block {
            Some(first) => {
                let error = self.source.error(first.clone(), "this block has no end");
                Err(error.expecting("expected a line `end` behind its steps"))
            }
            None => Ok((steps, None)),
        }
    }

    /// Returns the place and the tokens of the next line that is not empty.
    fn next_line(&mut self) -> Result<Option<Line>, FileError> {
        while self.rest < self.source.text.len() {
            let start = self.rest;
            let length = self.source.text[start..].find('\n');
            let end = length.map_or(self.source.text.len(), |length| start + length);
            self.rest = end + 1;
            let found = tokens(self.source, start..end)?;
            if !found.is_empty() {
                return Ok(Some((start..end, found)));
            }
            if self.title.is_empty() {
                self.title = comment(&self.source.text[start..end]).unwrap_or_default().to_owned();
            }
        }
        Ok(None)
    }

    fn block(&mut self, span: Range<usize>) -> Result<Block, FileError> {
        let (steps, _) = self.steps(Some(&span))?;
        if steps.is_empty() {
            return Err(self
                .source
                .error(span, "this block has no step")
                .expecting("expected steps, and `end`"));
        }
        Ok(Block { steps, span })
    }

    /// Returns the number of rounds of a line `repeat NUMBER`.
    fn rounds(&self, tokens: &[Token]) -> Result<usize, FileError> {
        const MOST: usize = 100_000;
        let wrong =
            |span, message: &str| Err(self.source.error(span, message).expecting("expected `repeat NUMBER`"));
        let Some(number) = tokens.get(1) else {
            return wrong(tokens[0].span.end..tokens[0].span.end, "how many rounds?");
        };
        if let Some(more) = tokens.get(2) {
            return wrong(more.span.clone(), "the step goes on behind its end");
        }
        let read = slot("NUMBER").map(|slot| (slot.read)(self.source, &tokens[1..])).transpose()?;
        match read {
            Some((Value::Number(rounds @ 1..=MOST), _)) => Ok(rounds),
            _ => wrong(number.span.clone(), "this is no number of rounds: 1 to 100,000"),
        }
    }

    fn action(&self, tokens: &[Token], span: Range<usize>) -> Result<Action, FileError> {
        let given = tokens[0].text == "given" && tokens.len() > 1;
        let words = if given { &tokens[1..] } else { tokens };
        let (verb, values) = find_verb(self.source, words)?;
        Ok(Action { verb, values, given, span })
    }
}
