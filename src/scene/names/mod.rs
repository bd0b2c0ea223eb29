//! Checks the names of a scene before anything starts: each is introduced before it is used, and once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

mod texts;

use crate::protocol::{FileError, SourceText};
use crate::scene::header::{Header, StreamState};
use crate::scene::matching::first_words;
use crate::scene::parameters::Parameters;
use crate::scene::place::Place;
use crate::scene::step::{Action, Block, Step};
use crate::scene::text::PLACES;
use crate::scene::value::Value;
use crate::scene::verb::Run;

/// Checks all names of a scene. Returns the names of the clients that speak the server's protocol.
///
/// # Errors
/// The first name that is not introduced, or introduced twice.
pub(super) fn check(
    sources: &[SourceText<'_>],
    header: &Header,
    parameters: &Parameters,
    steps: &[Step],
) -> Result<BTreeSet<String>, FileError> {
    let mut names = Names {
        sources,
        file: 0,
        header,
        parameters,
        known: BTreeMap::new(),
        speaks: BTreeMap::new(),
        started: BTreeSet::new(),
        second: false,
        offsets: None,
    };
    names.steps(steps)?;
    let in_protocol = names.speaks.into_iter().filter(|(_, (kind, _))| *kind == Kind::Requests);
    Ok(in_protocol.map(|(name, _)| name).collect())
}

/// The meaning of a name at one point of a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Client,
    /// A client that was closed at this line.
    Closed(usize),
    Mark,
    Bytes,
}

/// The kind of content that a client exchanges with its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Requests,
    Bytes,
}

struct Names<'a> {
    /// The scene, and the files that it includes.
    sources: &'a [SourceText<'a>],
    /// The number of the file whose steps are checked.
    file: usize,
    header: &'a Header,
    parameters: &'a Parameters,
    known: BTreeMap<String, Meaning>,
    /// The kind of content that each client exchanges, and the place of the first step that shows it.
    speaks: BTreeMap<String, (Kind, Place)>,
    /// The programs that have been started.
    started: BTreeSet<String>,
    /// Whether a second server has been started.
    second: bool,
    /// In a block `for each offset of request`, whether a step has sent up to the offset.
    offsets: Option<bool>,
}

impl Names<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<(), FileError> {
        steps.iter().try_for_each(|step| match step {
            Step::Do(action) => self.action(action),
            Step::Repeat(rounds, block) => {
                self.steps(&block.steps)?;
                if *rounds == 1 { Ok(()) } else { self.second_round(block, "repeat") }
            }
            Step::EachOffset(block) => self.each_offset(block),
            Step::Together(block) => self.together(block),
        })
    }

    fn second_round(&mut self, block: &Block, word: &str) -> Result<(), FileError> {
        self.steps(&block.steps).map_err(|error| {
            let message = format!("{} in the second round of `{word}`", error.message);
            FileError { message, ..error }
        })
    }

    fn each_offset(&mut self, block: &Block) -> Result<(), FileError> {
        let outer = self.offsets.replace(false);
        self.steps(&block.steps)?;
        if self.offsets == Some(false) {
            self.file = block.place.file;
            let error = self.error(block.place.span.clone(), "no step of this block uses the offset");
            return Err(error.expecting("expected a step such as `a sends request up to offset`"));
        }
        self.second_round(block, "for each")?;
        self.offsets = outer;
        Ok(())
    }

    fn together(&mut self, block: &Block) -> Result<(), FileError> {
        let mut seen = BTreeSet::new();
        for step in &block.steps {
            let Step::Do(action) = step else {
                self.file = block.place.file;
                let span = block.place.span.clone();
                return Err(self.error(span, "a block in this block").expecting("expected steps of clients"));
            };
            if !matches!(action.verb.run, Run::Client(_) | Run::Request(_) | Run::Bytes(_)) {
                self.file = action.place.file;
                let span = action.place.span.clone();
                let error = self.error(span, "this step cannot be taken together with others");
                return Err(error.expecting("expected a step of one client, such as `a receives reply`"));
            }
            self.action(action)?;
            if let Some((Value::Name(name), span)) = action.values.list.first()
                && !seen.insert(name.clone())
            {
                let error = self.error(span.clone(), format!("`{name}` has two steps in one block"));
                return Err(error
                    .expecting("expected another client")
                    .help("a client does one thing at a time"));
            }
        }
        Ok(())
    }

    fn action(&mut self, action: &Action) -> Result<(), FileError> {
        self.file = action.place.file;
        if action.verb.pattern.ends_with(" up to offset") {
            if self.offsets.is_none() {
                let error = self.error(action.place.span.clone(), "there is no offset here");
                return Err(error.expecting("expected the block `for each offset of request` around it"));
            }
            self.offsets = Some(true);
        }
        let slots = action.verb.words().filter(|word| crate::scene::slot::slot(word).is_some());
        let values = || action.values.list.iter();
        for (word, (value, span)) in slots.zip(values()) {
            match (word, value) {
                ("NEW", Value::Name(name)) => self.introduce(action, name, span)?,
                ("CLIENT", Value::Name(name)) => self.client(action, name, span)?,
                ("PEER", Value::Name(name)) => self.peer(name, span)?,
                ("PROGRAM", Value::Name(name)) => self.program(action, name, span)?,
                ("MARK", Value::Name(name)) if self.known.get(name) != Some(&Meaning::Mark) => {
                    let error = self.error(span.clone(), format!("no mark is called `{name}`"));
                    let help = format!("write `mark {name}` where the scene shall look first");
                    return Err(self.nearest(error, name, &Meaning::Mark, help));
                }
                ("STREAM", Value::Number(number)) => self.stream(*number, span)?,
                ("PATTERN", Value::Text(text)) => self.pattern(text, span)?,
                (_, Value::Text(text)) => self.text(text)?,
                _ => {}
            }
        }
        if action.verb.pattern.starts_with("second server") {
            let starts = action.verb.pattern.ends_with(" starts");
            if !starts && !self.second {
                let error = self.error(action.place.span.clone(), "there is no second server yet");
                return Err(error.expecting("expected `second server starts` before"));
            }
            self.second = true;
        }
        Ok(())
    }

    fn introduce(&mut self, action: &Action, name: &str, span: &Range<usize>) -> Result<(), FileError> {
        self.require_free(name, span)?;
        if action.verb.pattern == "NEW is refused" {
            return Ok(());
        }
        let is_mark = action.verb.pattern.starts_with("mark");
        match self.known.get(name) {
            None | Some(Meaning::Closed(_)) => {}
            Some(Meaning::Mark) if is_mark => {}
            Some(Meaning::Client) => {
                let error = self.error(span.clone(), format!("`{name}` is connected already"));
                return Err(error
                    .expecting("expected a new name")
                    .help(format!("end it before with `{name} closes`")));
            }
            Some(_) => {
                let error = self.error(span.clone(), format!("`{name}` stands for something else already"));
                return Err(error.expecting("expected a new name"));
            }
        }
        let meaning = if is_mark { Meaning::Mark } else { Meaning::Client };
        self.known.insert(name.to_owned(), meaning);
        Ok(())
    }

    /// Fails if `name` has a meaning of its own in every scene.
    fn require_free(&self, name: &str, span: &Range<usize>) -> Result<(), FileError> {
        let reserved = first_words().chain(PLACES).any(|word| word == name);
        let is_parameter = self.parameters.names().any(|parameter| parameter == name);
        let is_actor = self.header.peer(name).is_some() || self.header.program(name).is_some();
        if !reserved && !is_parameter && !is_actor {
            return Ok(());
        }
        let error = self.error(span.clone(), format!("`{name}` cannot be the name of a client"));
        Err(error.expecting("expected a name that has no other meaning"))
    }

    fn client(&mut self, action: &Action, name: &str, span: &Range<usize>) -> Result<(), FileError> {
        match self.known.get(name) {
            Some(Meaning::Client) => {}
            Some(Meaning::Closed(line)) => {
                let error = self.error(span.clone(), format!("`{name}` has closed in line {line}"));
                return Err(error.expecting("expected a connected client"));
            }
            _ => {
                let error = self.error(span.clone(), format!("no client is called `{name}`"));
                let begins = if self.header.program(name).is_some() { "starts" } else { "connects" };
                let help = format!("write `{name} {begins}` before");
                return Err(self.nearest(error, name, &Meaning::Client, help));
            }
        }
        if self.header.program(name).is_some() && !action.verb.pattern.starts_with("CLIENT") {
            let error =
                self.error(span.clone(), format!("`{name}` is a program, and no client of the server"));
            return Err(error.expecting("expected a client"));
        }
        let kind = match action.verb.run {
            Run::Request(_) => Some(Kind::Requests),
            Run::Bytes(_) => Some(Kind::Bytes),
            _ if action.verb.pattern.contains("PATTERN") => Some(Kind::Bytes),
            _ => None,
        };
        if let Some(kind) = kind {
            self.speaks(name, kind, action)?;
        }
        if matches!(action.verb.run, Run::Ends(_)) {
            self.known.insert(name.to_owned(), Meaning::Closed(self.line(&action.place.span)));
        }
        Ok(())
    }

    /// Fails if a client of a protocol exchanges both requests and bytes that the protocol does not know.
    fn speaks(&mut self, name: &str, kind: Kind, action: &Action) -> Result<(), FileError> {
        if kind == Kind::Requests && self.header.protocol.is_some() && self.header.program(name).is_some() {
            let error =
                self.error(action.place.span.clone(), format!("the program `{name}` has no protocol"));
            return Err(error.expecting("expected a step of bytes, such as `sends \"…\"`"));
        }
        let before =
            self.speaks.entry(name.to_owned()).or_insert_with(|| (kind, action.place.clone())).clone();
        if before.0 == kind || self.header.protocol.is_none() {
            return Ok(());
        }
        let first = &self.sources[before.1.file].text[before.1.span];
        let error =
            self.error(action.place.span.clone(), format!("`{name}` speaks both the protocol and bytes"));
        let help = format!("`{first}` came before: use another client");
        Err(error.expecting("expected steps of one kind").help(help))
    }

    fn peer(&self, name: &str, span: &Range<usize>) -> Result<(), FileError> {
        if self.header.peer(name).is_some() {
            return Ok(());
        }
        let error = self.error(span.clone(), format!("no peer is called `{name}`"));
        let error = error
            .expecting("expected a peer of the head")
            .help(format!("write `peer {name}` above all steps"));
        Err(error.suggest(name, self.header.peers.iter().map(|peer| peer.name.as_str())))
    }

    /// Fails if the server's descriptor `number` is no pipe that the scene reads.
    fn stream(&self, number: usize, span: &Range<usize>) -> Result<(), FileError> {
        if self.header.streams.contains(&(number, StreamState::Pipe)) {
            return Ok(());
        }
        let name = &self.sources[self.file].text[span.clone()];
        let error = self.error(span.clone(), format!("{name} is no pipe that the scene reads"));
        let help = format!("write `{name} pipe` above all steps");
        Err(error.expecting("expected a pipe of the head").help(help))
    }

    fn program(&mut self, action: &Action, name: &str, span: &Range<usize>) -> Result<(), FileError> {
        if self.header.program(name).is_none() {
            let programs: Vec<&str> = self.header.programs.iter().map(|line| line.name.as_str()).collect();
            let mut words = programs.clone();
            first_words().for_each(|word| words.push(word));
            let near = crate::text::most_similar(name, words);
            if let Some(word) = near.filter(|near| !programs.contains(near)) {
                let error = self.error(span.clone(), format!("unknown word `{name}`"));
                return Err(error.help(format!("did you mean `{word}`?")));
            }
            let error = self.error(span.clone(), format!("no program is called `{name}`"));
            let error = error
                .expecting("expected a program of the head")
                .help(format!("write `program {name} = COMMAND` above all steps"));
            return Err(error.suggest(name, programs));
        }
        if !action.verb.pattern.ends_with(" starts") {
            if self.started.contains(name) {
                return Ok(());
            }
            let error = self.error(span.clone(), format!("the program `{name}` has not started"));
            return Err(error
                .expecting("expected a running program")
                .help(format!("write `{name} starts` before")));
        }
        if self.known.get(name) == Some(&Meaning::Client) {
            let error = self.error(span.clone(), format!("the program `{name}` has started already"));
            return Err(error
                .expecting("expected a program that does not run")
                .help(format!("close its streams before with `{name} closes`")));
        }
        self.started.insert(name.to_owned());
        self.known.insert(name.to_owned(), Meaning::Client);
        Ok(())
    }

    /// Adds the name of the same meaning that is most similar to `name`, or else `help`.
    fn nearest(&self, error: FileError, name: &str, meaning: &Meaning, help: String) -> FileError {
        let same = self.known.iter().filter(|(_, known)| *known == meaning).map(|(name, _)| name.as_str());
        let near = crate::text::most_similar(
            name,
            same.chain(
                PLACES.into_iter().chain(self.parameters.names()).filter(|_| *meaning == Meaning::Bytes),
            ),
        );
        error.help(near.map_or(help, |near| format!("did you mean `{near}`?")))
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.sources[self.file].text[..span.start].matches('\n').count() + 1
    }

    fn error(&self, span: Range<usize>, message: impl Into<String>) -> FileError {
        self.sources[self.file].error(span, message)
    }
}
