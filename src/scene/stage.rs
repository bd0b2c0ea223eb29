//! The state of a running scene: the server, the clients, the peers, the marks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::history::History;
use super::occupant::Occupant;
use super::parameters::Parameters;
use super::peer::Peer;
use super::program::Program;
use super::speaker::Speaker;
use super::stream::Streams;
use super::value::{Arguments, Value, Values};
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::protocol::Protocol;
use crate::server::{Instance, Server};
use crate::sys::Descriptor;
use crate::transport::{Address, ConnectOptions};

/// The actors of a scene that exist before its first step. Its peers listen before its server is launched.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(super) peers: BTreeMap<String, Peer>,
    pub(super) programs: BTreeMap<String, Program>,
    pub(super) streams: Streams,
}

/// A running scene.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub server: &'a mut Server,
    /// The second instance of the server, once the scene has started it.
    pub second: Option<Instance>,
    /// The clients of each name. A group of clients has one name.
    pub speakers: BTreeMap<String, Vec<Speaker>>,
    pub peers: BTreeMap<String, Peer>,
    pub programs: BTreeMap<String, Program>,
    pub streams: Streams,
    /// The socket that has taken the place of the server's socket file.
    pub occupant: Option<Occupant>,
    pub marks: BTreeMap<String, Mark>,
    /// The bytes for which the names in texts stand.
    pub known: BTreeMap<String, Vec<u8>>,
    /// The names of the clients that speak the server's protocol. All others send and receive bytes as they are.
    pub in_protocol: &'a BTreeSet<String>,
    /// The offset of the round, in a block `for each offset of request`.
    pub offset: usize,
    /// The length of the longest request of which a part was sent in this round.
    pub request_length: usize,
    /// The steps that were played last.
    pub history: History,
}

/// The facts that a scene remembers at a mark.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub descriptors: Vec<Descriptor>,
    pub processes: usize,
}

impl<'a> Stage<'a> {
    pub fn new(
        server: &'a mut Server,
        Cast { peers, programs, streams }: Cast,
        parameters: &Parameters,
        in_protocol: &'a BTreeSet<String>,
    ) -> Self {
        let history = History::apart_from_server(programs.keys().cloned().collect());
        let known = peers.iter().map(|(name, peer)| (name.clone(), peer.address().as_bytes().to_vec()));
        let parameters = parameters.bytes().map(|(name, bytes)| (name.clone(), bytes.clone()));
        let known = known.chain(places(server)).chain(parameters).collect();
        Stage {
            server,
            second: None,
            speakers: BTreeMap::new(),
            peers,
            programs,
            streams,
            occupant: None,
            marks: BTreeMap::new(),
            known,
            in_protocol,
            offset: 0,
            request_length: 0,
            history,
        }
    }

    /// Returns the values of a step with all names in texts replaced, and the step's time limit scaled as all deadlines.
    pub fn arguments(&mut self, values: &Values) -> Arguments {
        let scale = self.server.deadlines().scale();
        let bytes = values.list.iter().map(|(value, _)| match value {
            Value::Text(text) => text.fill(&self.known),
            Value::Payload(length) => self.server.payload(*length),
            _ => Vec::new(),
        });
        Arguments {
            bytes: bytes.collect(),
            values: values.list.iter().map(|(value, _)| value.clone()).collect(),
            known: self.known.clone(),
            within: values.within.map(|time| time.mul_f64(scale)),
            offset: self.offset,
        }
    }

    /// Connects a client called `name`.
    pub fn connect(&mut self, name: &str, options: &ConnectOptions) -> check::Result<Speaker> {
        if self.in_protocol.contains(name) || self.server.spec().protocol().replies_equal_requests() {
            return Ok(Speaker::new(self.server.connect_with(options)?));
        }
        let client = self.server.connect_raw(Protocol::echo(), options)?;
        Ok(Speaker::new(client.receiving_anything()))
    }

    /// Adds a client called `name` to the scene.
    pub fn add(&mut self, name: &str, speaker: Speaker) {
        self.speakers.entry(name.to_owned()).or_default().push(speaker);
    }

    /// Removes the clients called `name` from the scene, and returns them.
    pub fn take(&mut self, name: &str) -> Vec<Speaker> {
        self.speakers.remove(name).unwrap_or_default()
    }

    pub fn peer(&mut self, name: &str) -> check::Result<&mut Peer> {
        self.peers.get_mut(name).ok_or_else(|| Finding::broken("a peer", format!("none is called {name}")))
    }

    pub fn program(&mut self, name: &str) -> check::Result<&mut Program> {
        let program = self.programs.get_mut(name);
        program.ok_or_else(|| Finding::broken("a program", format!("none is called {name}")))
    }

    pub fn mark(&self, name: &str) -> check::Result<Mark> {
        let mark = self.marks.get(name).cloned();
        mark.ok_or_else(|| Finding::broken("a mark", format!("none is called {name}")))
    }

    pub fn second(&mut self) -> check::Result<&mut Instance> {
        self.second.as_mut().ok_or_else(|| Finding::broken("a second server", "none was started"))
    }

    /// Returns how long a step waits for a fact, unless it says `within`.
    pub fn usual_limit(&self) -> Duration {
        self.server.deadlines().no_progress()
    }

    /// Waits at most `limit` until `look` returns `None`. A text that it returns is what is true instead of `wanted`. Time
    /// in which the server waited for a processor does not count.
    pub fn await_fact(
        &mut self,
        limit: Duration,
        wanted: impl Into<String>,
        mut look: impl FnMut(&mut Stage<'a>) -> check::Result<Option<String>>,
    ) -> check::Result {
        let Some(mut actual) = look(self)? else { return Ok(()) };
        let watch = self.server.stopwatch();
        let found = watch.wait(limit, |left| {
            until(left, || {
                Ok(match look(self)? {
                    None => Some(()),
                    Some(other) => {
                        actual = other;
                        None
                    }
                })
            })
        })?;
        let seconds = limit.as_secs_f64();
        found.ok_or_else(|| Finding::fail(wanted, format!("{actual}, after {seconds} s")))
    }
}

/// Returns the bytes for which the names of the server's address and directory stand.
fn places(server: &Server) -> Vec<(String, Vec<u8>)> {
    let directory = server.scratch().to_string_lossy().into_owned();
    let mut places = vec![("addr", server.address().to_string()), ("dir", directory)];
    match server.address() {
        Address::Inet(inet) => {
            places.extend([("host", inet.ip().to_string()), ("port", inet.port().to_string())]);
        }
        Address::Path(path) => places.push(("path", path.display().to_string())),
        Address::Stdio => {}
    }
    places.into_iter().map(|(name, place)| (name.to_owned(), place.into_bytes())).collect()
}
