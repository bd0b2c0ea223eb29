//! Scenes from Rust: methods that write the steps of a scene.
//!
//! Each method writes one line of the language. The text is then parsed and checked as that of a file, so there is one
//! language, one checker and one player. An error names the call that wrote the wrong line.
//!
//! | file | content |
//! |---|---|
//! | `client`, `server`, `exits`, `facts`, `second_server`, `peer`, `program` | the steps of each actor |
//! | `content` | the bytes that a step sends or receives |
//! | `calls` | the calls that wrote the lines, for errors and reports |

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::time::Duration;

use super::Scene;
use crate::protocol::FileError;

pub(super) mod calls;
mod client;
mod content;
mod exits;
mod facts;
mod peer;
mod program;
mod second_server;
mod server;
#[cfg(test)]
mod tests;

use calls::Calls;
pub use client::ClientSteps;
pub use content::Content;
pub use peer::PeerSteps;
pub use program::ProgramSteps;
pub use second_server::SecondServerSteps;
pub use server::{OutputStream, ServerSteps};

/// Writes a scene by methods, one for each step.
///
/// ```
/// use std::time::Duration;
/// use echospec::{SceneBuilder, Transport};
///
/// let scene = SceneBuilder::new("half-close", "A client that has ended its direction still gets its reply");
/// let (a, server) = (scene.client("a"), scene.server());
/// a.connects();
/// scene.repeat(3, || {
///     a.exchanges("hello");
/// });
/// a.sends(b"bye");
/// a.ends_its_direction();
/// a.receives(b"bye");
/// a.receives_end();
/// server.exits_with(0).within(Duration::from_secs(5));
/// echospec::check(Transport::PIPE, ["cat"]).scenes([scene.build()?]).assert_ok();
/// # Ok::<(), echospec::FileError>(())
/// ```
///
/// [`Scene::formatted`] returns the text of the scene, for a file that `echospec run` plays.
#[derive(Debug)]
pub struct SceneBuilder {
    file: String,
    head: RefCell<Vec<Line>>,
    steps: RefCell<Vec<Line>>,
    /// The number of blocks around the next step.
    depth: Cell<usize>,
}

/// A line of a scene, and the call that wrote it.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    call: &'static Location<'static>,
}

impl Line {
    #[track_caller]
    fn new(text: String) -> Line {
        Line { text: text.replace(['\r', '\n'], " "), call: Location::caller() }
    }
}

impl SceneBuilder {
    /// Returns a scene without steps. Reports call it `scene/NAME`.
    #[must_use]
    #[track_caller]
    pub fn new(name: &str, title: &str) -> SceneBuilder {
        let title = Line::new(format!("# {title}"));
        SceneBuilder {
            file: format!("{name}.scene"),
            head: RefCell::new(vec![title]),
            steps: RefCell::new(Vec::new()),
            depth: Cell::new(0),
        }
    }

    /// Adds a line of the head, as the language writes it, such as `limit descriptors 20`.
    #[track_caller]
    pub fn head(&self, line: &str) -> &SceneBuilder {
        self.head.borrow_mut().push(Line::new(line.to_owned()));
        self
    }

    /// Adds a step, as the language writes it, such as `a receives reply`.
    #[track_caller]
    pub fn step(&self, line: impl Into<String>) -> Step<'_> {
        let line = Line::new(format!("{}{}", "    ".repeat(self.depth.get()), line.into()));
        let mut steps = self.steps.borrow_mut();
        steps.push(line);
        Step { scene: self, place: steps.len() - 1 }
    }

    /// Returns the steps of the client, or group of clients, that is called `name`.
    #[must_use]
    pub fn client<'s>(&'s self, name: &'s str) -> ClientSteps<'s> {
        ClientSteps { scene: self, name }
    }

    /// Returns the steps of the server.
    #[must_use]
    pub fn server(&self) -> ServerSteps<'_> {
        ServerSteps { scene: self }
    }

    /// Returns the steps of the second instance of the server.
    #[must_use]
    pub fn second_server(&self) -> SecondServerSteps<'_> {
        SecondServerSteps { scene: self }
    }

    /// Adds a TCP server that the scene plays, and returns its steps.
    #[track_caller]
    pub fn peer<'s>(&'s self, name: &'s str) -> PeerSteps<'s> {
        self.head(&format!("peer {name}"));
        PeerSteps { scene: self, name }
    }

    /// Adds a server with a Unix domain socket that the scene plays, and returns its steps.
    #[track_caller]
    pub fn unix_peer<'s>(&'s self, name: &'s str) -> PeerSteps<'s> {
        self.head(&format!("peer {name} unix"));
        PeerSteps { scene: self, name }
    }

    /// Adds a program that runs beside the server once a step has started it, and returns its steps.
    #[track_caller]
    pub fn program<'s>(&'s self, name: &'s str, command: &[&str]) -> ProgramSteps<'s> {
        self.head(&program::line("program", name, command));
        ProgramSteps { scene: self, name }
    }

    /// Adds a program whose standard streams are a terminal, and returns its steps.
    #[track_caller]
    pub fn terminal<'s>(&'s self, name: &'s str, command: &[&str]) -> ProgramSteps<'s> {
        self.head(&program::line("terminal", name, command));
        ProgramSteps { scene: self, name }
    }

    /// Adds the steps that `steps` writes, played `rounds` times.
    #[track_caller]
    pub fn repeat(&self, rounds: usize, steps: impl FnOnce()) {
        self.block(format!("repeat {rounds}"), steps);
    }

    /// Adds the steps that `steps` writes, played at the same time.
    #[track_caller]
    pub fn together(&self, steps: impl FnOnce()) {
        self.block("together".into(), steps);
    }

    /// Adds the steps that `steps` writes, played once for each place at which a request of the protocol can be cut.
    #[track_caller]
    pub fn for_each_offset_of_request(&self, steps: impl FnOnce()) {
        self.block("for each offset of request".into(), steps);
    }

    #[track_caller]
    fn block(&self, first: String, steps: impl FnOnce()) {
        self.step(first);
        self.depth.set(self.depth.get() + 1);
        steps();
        self.depth.set(self.depth.get() - 1);
        self.step("end");
    }

    /// Checks the whole scene, as that of a file.
    ///
    /// # Errors
    /// The first mistake, with the call that made it.
    pub fn build(&self) -> Result<Scene, FileError> {
        let lines = [self.head.borrow().clone(), self.steps.borrow().clone()].concat();
        let text: String = lines.iter().map(|line| format!("{}\n", line.text)).collect();
        let calls = Calls(lines.iter().map(|line| line.call).collect());
        match Scene::parse(&text, &self.file) {
            Ok(scene) => Ok(Scene { calls, ..scene }),
            Err(error) => Err(calls.locate(&self.file, error)),
        }
    }
}

/// A step that was added to a [`SceneBuilder`].
#[derive(Debug, Clone, Copy)]
pub struct Step<'s> {
    scene: &'s SceneBuilder,
    /// The number of the step's line, without the head.
    place: usize,
}

impl Step<'_> {
    /// Limits the time for which the step waits. For a client, it is the time in which nothing moves.
    pub fn within(self, limit: Duration) -> Self {
        self.change(|line| format!("{line} within {}ms", limit.as_secs_f64() * 1000.0))
    }

    /// Makes the step a condition of the scene: if it is not true, the outcome is *broken (harness)*.
    pub fn given(self) -> Self {
        self.change(|line| {
            let step = line.trim_start();
            format!("{}given {step}", &line[..line.len() - step.len()])
        })
    }

    fn change(self, change: impl FnOnce(&str) -> String) -> Self {
        if let Some(line) = self.scene.steps.borrow_mut().get_mut(self.place) {
            line.text = change(&line.text);
        }
        self
    }
}
