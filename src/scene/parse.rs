//! Parses a scene: its title, its head, its steps, and the files that it includes.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::header::{self, Header};
use super::matching::find_verb;
use super::parameters::Parameters;
use super::place::Place;
use super::step::{Action, Block, Step};
use super::token::{Token, comment, tokens};
use crate::protocol::{FileError, SourceText};
use crate::scene::slot::slot;
use crate::scene::value::Value;

/// The parts of a scene as they are written, before names are resolved.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub title: String,
    pub header: Header,
    pub steps: Vec<Step>,
    pub parameters: Parameters,
    /// The files that the scene includes: the name and the text of each.
    pub included: Vec<(String, String)>,
}

/// Parses the text of a scene. Values of `set` take the place of those in the scene.
///
/// # Errors
/// The first mistake.
pub(super) fn parse(source: &SourceText<'_>, set: &[(String, String)]) -> Result<Parsed, FileError> {
    let mut parsed = Parsed { parameters: Parameters::with_values(set), ..Parsed::default() };
    let open = vec![PathBuf::from(source.file)];
    parsed.steps = Lines { source, file: 0, rest: 0, open, parsed: &mut parsed }.all()?;
    Ok(parsed)
}

/// The place and the tokens of a line.
type Line = (Range<usize>, Vec<Token>);

struct Lines<'a> {
    source: &'a SourceText<'a>,
    /// The number of the file: 0 for the scene itself.
    file: usize,
    /// The place of the next line in the file.
    rest: usize,
    /// The files that are being read: the scene, a file that it includes, and so on.
    open: Vec<PathBuf>,
    parsed: &'a mut Parsed,
}

impl Lines<'_> {
    /// Parses all steps of the file.
    fn all(mut self) -> Result<Vec<Step>, FileError> {
        let (steps, end) = self.steps(None)?;
        if let Some(end) = end {
            return Err(self.source.error(end, "this `end` ends no block").expecting("expected a step"));
        }
        if steps.is_empty() {
            let error = self.source.error(0..0, "this scene has no step");
            return Err(error
                .expecting("expected a step")
                .help("a scene begins with a line such as `a connects`"));
        }
        Ok(steps)
    }

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
            if is_first && self.head(line, &tokens)? {
                continue;
            }
            if !is_first && header::WORDS.contains(&tokens[0].text.as_str()) {
                let error =
                    self.source.error(tokens[0].span.clone(), "a line of the head behind the first step");
                return Err(error.expecting("expected a step").help("write it above all steps"));
            }
            let span = tokens[0].span.start..tokens[tokens.len() - 1].span.end;
            let written = tokens;
            let tokens = self.parsed.parameters.fill(self.source, &written)?;
            let step = self.step(&tokens, span);
            steps.extend(step.map_err(|error| self.parsed.parameters.explain(&written, error))?);
        }
        match block {
            Some(first) => {
                let error = self.source.error(first.clone(), "this block has no end");
                Err(error.expecting("expected a line `end` behind its steps"))
            }
            None => Ok((steps, None)),
        }
    }

    /// Parses a line that begins a step or a block, and the rest of the block.
    fn step(&mut self, tokens: &[Token], span: Range<usize>) -> Result<Vec<Step>, FileError> {
        let is_name = tokens.get(1).is_some_and(|next| next.text == "connects");
        Ok(vec![match tokens[0].text.as_str() {
            "repeat" => Step::Repeat(self.rounds(tokens)?, self.block(span)?),
            "together" if tokens.len() == 1 => Step::Together(self.block(span)?),
            "for" if !is_name => {
                self.expect_offsets(tokens)?;
                Step::EachOffset(self.block(span)?)
            }
            "include" if !is_name => return self.include(tokens),
            _ => Step::Do(self.action(tokens, span)?),
        }])
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
            if self.file == 0 && self.parsed.title.is_empty() {
                self.parsed.title = comment(&self.source.text[start..end]).unwrap_or_default().to_owned();
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
        Ok(Block { steps, place: Place { file: self.file, span } })
    }

    /// Reads a line of the head. Returns false if the line is a step.
    fn head(&mut self, line: Range<usize>, tokens: &[Token]) -> Result<bool, FileError> {
        if !header::is_of_head(tokens) {
            return Ok(false);
        }
        if tokens[0].text == "parameter" {
            self.parsed.parameters.declare(self.source, tokens)?;
            return Ok(true);
        }
        if self.file > 0 {
            let error = self.source.error(tokens[0].span.clone(), "a line of the head in an included file");
            return Err(error.expecting("expected a step, or `parameter`").help("write it into the scene"));
        }
        let tokens = self.parsed.parameters.fill_known(self.source, tokens)?;
        let is_head = header::read(&mut self.parsed.header, self.source, line, &tokens)?;
        let Parsed { header, parameters, .. } = &mut *self.parsed;
        let of_programs = header.programs.iter_mut().flat_map(|program| &mut program.command);
        header.command.iter_mut().chain(of_programs).for_each(|word| *word = parameters.fill_word(word));
        Ok(is_head)
    }

    fn expect_offsets(&self, tokens: &[Token]) -> Result<(), FileError> {
        const WORDS: [&str; 5] = ["for", "each", "offset", "of", "request"];
        let wrong = tokens.iter().zip(WORDS).find(|(token, word)| token.text != *word);
        let span = match (wrong, tokens.get(WORDS.len()), tokens.last()) {
            (Some((token, _)), ..) => token.span.clone(),
            (None, Some(more), _) => more.span.clone(),
            (None, None, Some(last)) if tokens.len() < WORDS.len() => last.span.end..last.span.end,
            _ => return Ok(()),
        };
        Err(self
            .source
            .error(span, "this block is unknown")
            .expecting("expected `for each offset of request`"))
    }

    /// Returns the steps of the file that a line `include "FILE"` names.
    fn include(&mut self, tokens: &[Token]) -> Result<Vec<Step>, FileError> {
        let name = match tokens {
            [_, name] if name.quoted => name,
            [_, .., last] | [last] => {
                let error = self.source.error(last.span.clone(), "`include` needs one file");
                return Err(error.expecting("expected `include \"FILE\"`"));
            }
            [] => return Ok(Vec::new()),
        };
        let mistake = |message: String| {
            let error = self.source.error(name.span.start + 1..name.span.end - 1, message);
            error.expecting("expected a scene, relative to this file")
        };
        let path = Path::new(self.source.file).parent().unwrap_or(Path::new("")).join(&name.text);
        if self.open.contains(&path) {
            return Err(mistake("this file includes itself".into()));
        }
        let text = fs::read_to_string(&path).map_err(|error| mistake(format!("cannot read it: {error}")))?;
        let file = path.to_string_lossy().into_owned();
        self.parsed.included.push((file.clone(), text.clone()));
        let number = self.parsed.included.len();
        let open = [self.open.clone(), vec![path]].concat();
        let source = SourceText { file: &file, text: &text };
        Lines { source: &source, file: number, rest: 0, open, parsed: &mut *self.parsed }.all()
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
        Ok(Action { verb, values, given, place: Place { file: self.file, span } })
    }
}
