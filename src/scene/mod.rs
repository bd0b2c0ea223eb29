//! Scenes: text files that say, step by step, what clients, server and kernel do.
//!
//! A scene is parsed and checked as a whole before anything starts. `docs/scenes.md` describes the language.
//!
//! | file | content |
//! |---|---|
//! | `token`, `text`, `slot`, `value` | words of a line, and the values that they stand for |
//! | `verb`, `verbs/` | the steps: a pattern, a description and a function each |
//! | `matching` | the verb of a line, or its first wrong word |
//! | `header`, `parse`, `step` | the head and the steps of a scene |
//! | `parameters` | values that the head names, and that a user can set |
//! | `names` | each name is introduced before it is used |
//! | `stage`, `speaker`, `peer`, `program`, `stream`, `occupant` | the state of a running scene |
//! | `place` | places in the files of a scene |
//! | `play`, `history` | runs the steps; draws the last of them if one fails |
//! | `format`, `literal` | the usual form of a scene, and of bytes in it |
//! | `builder/` | methods that write a scene |
//! | `catalogue` | checks of the catalogue as scenes |
//! | `highlighting` | grammars for editors |
//! | `record/` | the recorded timeline of a check as a scene |

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::outcome::Level;
use crate::protocol::{FileError, SourceText};
use crate::server::{LaunchError, LaunchOptions, Server, Spec};
use crate::sys;
use crate::transport::Capabilities;

pub(crate) mod builder;
#[doc(hidden)]
pub mod catalogue;
mod format;
mod header;
#[doc(hidden)]
pub mod highlighting;
mod history;
mod literal;
mod matching;
mod names;
mod occupant;
mod parameters;
mod parse;
mod pattern;
mod peer;
mod place;
mod play;
mod program;
#[cfg(feature = "cli")]
mod record;
mod slot;
mod speaker;
mod stage;
mod step;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod value;
mod verb;
mod verbs;

use builder::calls::Calls;
pub(crate) use header::Header;
use header::{PeerLine, ProgramLine};
use parameters::Parameters;
use peer::Peer;
use place::Place;
use program::Program;
#[cfg(feature = "cli")]
pub(crate) use record::Recording;
pub(crate) use stage::Cast;
use step::{Action, Step};
use stream::Streams;
use value::Value;

/// A scene: steps of clients, server and kernel, in order.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The file of the scene and the files that it includes: the name and the text of each.
    files: Vec<(String, String)>,
    title: String,
    header: Header,
    steps: Vec<Step>,
    /// The names of the clients that speak the server's protocol.
    in_protocol: BTreeSet<String>,
    parameters: Parameters,
    /// The calls that wrote the lines, if a program wrote them.
    calls: Calls,
}

impl Scene {
    /// Parses and checks the text of a scene. Errors call it `file`, and names of files in it are relative to that
    /// file.
    ///
    /// # Errors
    /// The first mistake, shown with its line and a caret.
    pub fn parse(text: &str, file: &str) -> Result<Scene, FileError> {
        Scene::parse_with(text, file, &[])
    }

    /// Parses a scene as [`parse`](Scene::parse) does. `set` has the names of parameters with their values, which take
    /// the place of those in the scene. A name that is no parameter of the scene changes nothing.
    ///
    /// # Errors
    /// As [`parse`](Scene::parse).
    pub fn parse_with(text: &str, file: &str, set: &[(String, String)]) -> Result<Scene, FileError> {
        let parsed = parse::parse(&SourceText { file, text }, set)?;
        let parse::Parsed { title, header, steps, parameters, included } = parsed;
        let own = (file.to_owned(), text.to_owned());
        let files: Vec<(String, String)> = std::iter::once(own).chain(included).collect();
        let sources: Vec<_> = files.iter().map(|(file, text)| SourceText { file, text }).collect();
        let in_protocol = names::check(&sources, &header, &parameters, &steps)?;
        let calls = Calls::default();
        let scene = Scene { files, title, header, steps, in_protocol, parameters, calls };
        if let Some(transport) = scene.header.transport {
            let offered = transport.capabilities.union(Capabilities::OF_PROTOCOLS);
            scene.require(offered, transport.name)?;
        }
        Ok(scene)
    }

    /// Reads a scene from a file.
    ///
    /// # Errors
    /// The error of reading, or the first mistake.
    pub fn read(path: impl AsRef<Path>) -> io::Result<Scene> {
        Scene::read_with(path, &[])
    }

    /// Reads a scene from a file, with values of parameters as for [`parse_with`](Scene::parse_with).
    ///
    /// # Errors
    /// The error of reading, or the first mistake.
    pub fn read_with(path: impl AsRef<Path>, set: &[(String, String)]) -> io::Result<Scene> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot read the scene {}: {error}", path.display()))
        })?;
        Scene::parse_with(&text, &path.to_string_lossy(), set)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Returns the names of the parameters of a scene.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.names()
    }

    /// Returns the name of a scene: that of its file, without folder and extension.
    #[must_use]
    pub fn name(&self) -> &str {
        Path::new(self.file()).file_stem().and_then(|name| name.to_str()).unwrap_or(self.file())
    }

    /// Returns the name of the file of a scene.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.files[0].0
    }

    /// Returns the first comment of a scene, which says what the scene shows.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the text of a scene in the usual form.
    #[must_use]
    pub fn formatted(&self) -> String {
        format::format(&self.files[0].1)
    }

    /// Returns the head of a scene, which describes its server.
    #[cfg(feature = "cli")]
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Returns a value that stands for a scene in results and reports, where checks have their own. It lives as long as
    /// the program.
    pub(crate) fn leak_check(&self) -> &'static Check {
        fn no_run(_: &mut Server) -> check::Result {
            Err(Finding::broken("a scene", "it is run by its steps"))
        }
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let title = if self.title.is_empty() { self.name() } else { &self.title };
        Box::leak(Box::new(Check {
            id: leak(format!("scene/{}", self.name())),
            level: Level::Must,
            sentence: leak(title.to_owned()),
            why: "",
            citations: &[],
            recipe: leak(self.formatted()),
            requires: Capabilities::empty(),
            run: no_run,
        }))
    }

    /// Fails at the first step that is impossible with a server of `spec`.
    ///
    /// # Errors
    /// The step, and what the server lacks.
    pub(crate) fn suits(&self, spec: &Spec) -> Result<(), FileError> {
        let result = self.require(spec.promised_capabilities(), spec.transport().name);
        result.map_err(|error| self.calls.locate(self.file(), error))
    }

    /// Returns the program whose standard streams a step uses, if the step is one of a program.
    fn program_of(&self, action: &Action) -> Option<&ProgramLine> {
        match action.values.list.first() {
            Some((Value::Name(name), _)) => self.header.program(name),
            _ => None,
        }
    }

    /// Fails at the first step that needs more than `offered`, the capabilities of `transport`.
    fn require(&self, offered: Capabilities, transport: &str) -> Result<(), FileError> {
        actions(&self.steps).try_for_each(|action| {
            let (offered, actor) = match self.program_of(action) {
                // A terminal has one end for both directions, but its reader sees when the program has closed it.
                Some(program) if program.on_terminal && action.verb.pattern != "CLIENT receives end" => {
                    (Capabilities::STREAM, "a program on a terminal".into())
                }
                Some(_) => (Capabilities::STREAM.union(Capabilities::HALF_CLOSE), "a program".to_owned()),
                None => (offered, format!("a {transport} server")),
            };
            let lacking = action.verb.needs.difference(offered);
            if lacking.is_empty() {
                return Ok(());
            }
            let lacks: Vec<String> =
                lacking.iter_names().map(|(name, _)| name.to_lowercase().replace('_', " ")).collect();
            let Place { file, span } = action.place.clone();
            let (file, text) = &self.files[file];
            let source = SourceText { file, text };
            let error = source.error(span, format!("this step is impossible with {actor}"));
            Err(error.expecting(format!("needs: {}", lacks.join(", "))))
        })
    }

    /// Launches the server of a scene, with the addresses of the scene's peers in the place of their names.
    pub(crate) fn launch(&self, spec: &Spec, options: LaunchOptions) -> Result<(Server, Cast), LaunchError> {
        let peer = |line: &PeerLine| Ok((line.name.clone(), Peer::listen(line)?));
        let peers: BTreeMap<String, Peer> =
            self.header.peers.iter().map(peer).collect::<io::Result<_>>().map_err(LaunchError::Harness)?;
        let values: Vec<(String, OsString)> =
            peers.iter().map(|(name, peer)| (format!("{{{name}}}"), peer.address().into())).collect();
        let options = self.header.limit(options);
        let (options, streams) = Streams::open(&self.header, options).map_err(LaunchError::Harness)?;
        if options.task_limit.is_some()
            && let Err(error) = sys::check_user_permission()
        {
            let output = format!(
                "`limit processes` needs a user of its own for the server, which needs root: {error}"
            );
            return Err(LaunchError::Unsupported { output });
        }
        let spec = spec.with_environment(&self.header.environment).with_values(&values);
        let server = Server::launch(&spec, options)?;
        let programs =
            self.header.programs.iter().map(|line| (line.name.clone(), Program::new(line.clone())));
        Ok((server, Cast { peers, programs: programs.collect(), streams }))
    }

    /// Plays a scene against its server.
    ///
    /// # Errors
    /// The finding of the first step that fails, with the scene in its reason and the step marked.
    pub(crate) fn play(&self, server: &mut Server, cast: Cast) -> check::Result {
        play::play(&self.steps, server, cast, &self.parameters, &self.in_protocol, &self.files).map_err(
            |failed| {
                let picture = failed.history.picture(&self.files);
                let shown = [self.show(&failed.place), picture, failed.actors.join("\n")].join("\n");
                let before = if failed.finding.reason.is_empty() { "" } else { "\n" };
                let reason = format!("{}{before}{shown}", failed.finding.reason);
                Finding { reason, ..failed.finding }
            },
        )
    }

    /// Returns the lines around the step at `place`, which is marked.
    fn show(&self, place: &Place) -> String {
        const AROUND: usize = 5;
        let (file, text) = &self.files[place.file];
        let marked = text[..place.span.start].matches('\n').count();
        let lines = text.lines().enumerate().skip(marked.saturating_sub(AROUND)).take(AROUND + 2);
        let width = (marked + 2).to_string().len();
        let lines = lines.map(|(at, line)| {
            let mark = if at == marked { '>' } else { ' ' };
            format!("{mark} {:>width$} | {line}", at + 1)
        });
        let calls = if place.file == 0 { &self.calls } else { &Calls::default() };
        format!("{}\n{}", calls.place(file, marked + 1), lines.collect::<Vec<_>>().join("\n"))
    }
}

fn actions(steps: &[Step]) -> Box<dyn Iterator<Item = &Action> + '_> {
    Box::new(steps.iter().flat_map(|step| match step {
        Step::Do(action) => Box::new(std::iter::once(action)) as Box<dyn Iterator<Item = &Action>>,
        Step::Repeat(_, block) | Step::EachOffset(block) | Step::Together(block) => actions(&block.steps),
    }))
}

/// Returns the table of all steps for `docs/scenes.md`.
#[doc(hidden)]
#[must_use]
pub fn steps_table() -> String {
    let mut text = String::new();
    for (title, verbs) in verbs::LISTS {
        text.push_str(&format!("### {title}\n\n| step | meaning |\n|---|---|\n"));
        for verb in *verbs {
            let within = if verb.waits { " [within TIME]" } else { "" };
            text.push_str(&format!("| `{}{within}` | {} |\n", verb.pattern, verb.summary));
        }
        text.push('\n');
    }
    text.push_str("### Values\n\n| word | stands for |\n|---|---|\n");
    for slot in slot::SLOTS {
        text.push_str(&format!("| `{}` | {} |\n", slot.word, slot.summary));
    }
    text
}
