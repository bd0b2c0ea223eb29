//! The lines at the head of a scene, which describe its server.

use std::ops::Range;

use super::slot::slot;
use super::token::Token;
use super::value::Value;
use crate::protocol::{FileError, Protocol, SourceText, join_with_or};
use crate::server::{LaunchOptions, Start};
use crate::transport::{TRANSPORTS, Transport};

/// The server of a scene, as far as the scene states it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Header {
    pub transport: Option<&'static Transport>,
    pub start: Option<Start>,
    pub protocol: Option<Protocol>,
    /// The words of the server's command.
    pub command: Vec<String>,
    /// The lines of the head. Scenes with the same head have the same server.
    pub text: String,
    /// The peers that the scene plays.
    pub peers: Vec<PeerLine>,
    /// The programs that run beside the server.
    pub programs: Vec<ProgramLine>,
    /// The maximum number of descriptors that the server may have open.
    pub descriptor_limit: Option<u32>,
    /// The maximum number of threads that the processes of the server may have together.
    pub task_limit: Option<u32>,
    /// The environment variables of the server: the name and the value of each.
    pub environment: Vec<(String, String)>,
    /// The standard streams that are not as usual: the number of the descriptor, and its state.
    pub streams: Vec<(usize, StreamState)>,
}

/// The state of a standard stream that a server is launched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamState {
    /// The descriptor is closed.
    Closed,
    /// The descriptor is a pipe that is full, and that no process reads.
    Full,
    /// The descriptor is a terminal.
    Terminal,
    /// The descriptor is a pipe that the scene reads.
    Pipe,
}

/// A line `peer NAME` or `peer NAME unix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerLine {
    pub name: String,
    pub kind: PeerKind,
}

/// The kind of address at which a peer listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerKind {
    Tcp,
    Unix,
}

/// A line `program NAME = COMMAND` or `terminal NAME = COMMAND`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProgramLine {
    pub name: String,
    /// The words of the program's command.
    pub command: Vec<String>,
    /// Whether the standard streams of the program are a terminal.
    pub on_terminal: bool,
}

impl Header {
    /// Returns `options` with the limits of this head.
    pub fn limit(&self, options: LaunchOptions) -> LaunchOptions {
        let descriptor_limit = self.descriptor_limit.or(options.descriptor_limit);
        let own_user = options.own_user || self.task_limit.is_some();
        LaunchOptions { descriptor_limit, task_limit: self.task_limit, own_user, ..options }
    }

    /// Returns the line of the peer that is called `name`.
    pub fn peer(&self, name: &str) -> Option<&PeerLine> {
        self.peers.iter().find(|peer| peer.name == name)
    }

    /// Returns the line of the program that is called `name`.
    pub fn program(&self, name: &str) -> Option<&ProgramLine> {
        self.programs.iter().find(|program| program.name == name)
    }
}

/// The words with which a line of the head begins.
pub(super) const WORDS: [&str; 11] = [
    "transport",
    "start",
    "protocol",
    "command",
    "environment",
    "standard",
    "limit",
    "peer",
    "program",
    "terminal",
    "parameter",
];

/// Whether a line with these tokens belongs to the head, and is no step of a client.
pub(super) fn is_of_head(tokens: &[Token]) -> bool {
    WORDS.contains(&tokens[0].text.as_str()) && tokens.get(1).is_none_or(|next| next.text != "connects")
}

/// Reads a line of the head into `header`. `line` is the place of the line in the file. Returns false if the line is a
/// step.
///
/// # Errors
/// A name that is not known.
pub(super) fn read(
    header: &mut Header,
    source: &SourceText<'_>,
    line: Range<usize>,
    tokens: &[Token],
) -> Result<bool, FileError> {
    let first = &tokens[0];
    if !is_of_head(tokens) {
        return Ok(false);
    }
    header.text.push_str(&source.text[line.clone()]);
    let Some(value) = tokens.get(1) else {
        let error = source.error(first.span.end..first.span.end, format!("`{}` without a value", first.text));
        return Err(error.expecting("expected its value"));
    };
    match first.text.as_str() {
        "transport" => {
            let names = || TRANSPORTS.iter().map(|transport| transport.name);
            let found = TRANSPORTS.iter().find(|transport| transport.name == value.text);
            header.transport = Some(found.ok_or_else(|| unknown(source, "transport", value, names()))?);
        }
        "start" => {
            let found = Start::named(&value.text);
            header.start =
                Some(found.ok_or_else(|| unknown(source, "start", value, Start::ALL.map(Start::name)))?);
        }
        "protocol" => header.protocol = Some(protocol(source, value, &tokens[2..])?),
        "command" => {
            header.command = command(source, value.span.start..line.end)?;
            return Ok(true);
        }
        "program" | "terminal" => {
            let program = program(source, line, tokens)?;
            let is_taken = header.program(&program.name).is_some() || header.peer(&program.name).is_some();
            if is_taken {
                let message = format!("`{}` stands for something else already", program.name);
                return Err(source.error(value.span.clone(), message).expecting("expected a new name"));
            }
            header.programs.push(program);
            return Ok(true);
        }
        "environment" => {
            let setting = source.text[value.span.start..line.end].trim();
            let (name, value) = setting.split_once('=').ok_or_else(|| {
                let error = source.error(value.span.clone(), format!("`{setting}` is no setting"));
                error.expecting("expected NAME=VALUE")
            })?;
            header.environment.push((name.to_owned(), value.to_owned()));
            return Ok(true);
        }
        "standard" => {
            header.streams.push(stream(source, &tokens[1..])?);
            return Ok(true);
        }
        "limit" => {
            let (limited, number) = limit(source, value, &tokens[2..])?;
            match limited {
                Limited::Descriptors => header.descriptor_limit = Some(number),
                Limited::Processes => header.task_limit = Some(number),
            }
            return Ok(true);
        }
        _ => {
            header.peers.extend(peer(source, &tokens[1..])?);
            return Ok(true);
        }
    }
    if first.text != "protocol" {
        expect_end(source, &tokens[2..])?;
    }
    Ok(true)
}

/// Reads the name and the kind of a line `peer NAME` or `peer NAME unix`.
fn peer(source: &SourceText<'_>, tokens: &[Token]) -> Result<Option<PeerLine>, FileError> {
    const KINDS: [(&str, PeerKind); 2] = [("tcp", PeerKind::Tcp), ("unix", PeerKind::Unix)];
    let Some((Value::Name(name), _)) = slot("NEW").map(|slot| (slot.read)(source, tokens)).transpose()?
    else {
        return Ok(None);
    };
    let Some(word) = tokens.get(1) else { return Ok(Some(PeerLine { name, kind: PeerKind::Tcp })) };
    expect_end(source, &tokens[2..])?;
    let found = KINDS.iter().find(|(kind, _)| *kind == word.text);
    let found = found.ok_or_else(|| unknown(source, "kind of peer", word, KINDS.map(|(kind, _)| kind)))?;
    Ok(Some(PeerLine { name, kind: found.1 }))
}

/// Fails if the line goes on with `rest`.
fn expect_end(source: &SourceText<'_>, rest: &[Token]) -> Result<(), FileError> {
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return Ok(()) };
    let error = source.error(first.span.start..last.span.end, "one value is enough");
    Err(error.expecting("expected the end of the line"))
}

/// Returns the words of the command at `span`, split as a shell does.
fn command(source: &SourceText<'_>, span: Range<usize>) -> Result<Vec<String>, FileError> {
    shlex::split(source.text[span.clone()].trim()).ok_or_else(|| {
        source
            .error(span, "this command has a quote without its second")
            .expecting("expected words as for a shell")
    })
}

/// Reads a line `program NAME = COMMAND` or `terminal NAME = COMMAND`.
fn program(source: &SourceText<'_>, line: Range<usize>, tokens: &[Token]) -> Result<ProgramLine, FileError> {
    let read = slot("NEW").map(|slot| (slot.read)(source, &tokens[1..])).transpose()?;
    match (read, tokens.get(2), tokens.get(3)) {
        (Some((Value::Name(name), _)), Some(equals), Some(first)) if equals.text == "=" => {
            let command = command(source, first.span.start..line.end)?;
            Ok(ProgramLine { name, command, on_terminal: tokens[0].text == "terminal" })
        }
        _ => {
            let last = tokens.get(2).unwrap_or(&tokens[1]);
            let error = source.error(last.span.clone(), "a program without its command");
            Err(error.expecting(format!("expected `{} NAME = COMMAND`", tokens[0].text)))
        }
    }
}

/// The kind of resource that a line of the head limits.
enum Limited {
    Descriptors,
    Processes,
}

/// Reads the limit of a line `limit descriptors NUMBER` or `limit processes NUMBER`.
fn limit(source: &SourceText<'_>, what: &Token, rest: &[Token]) -> Result<(Limited, u32), FileError> {
    // A server has three standard streams, and needs a listener and a connection.
    let (limited, least) = match what.text.as_str() {
        "descriptors" => (Limited::Descriptors, 8),
        "processes" => (Limited::Processes, 1),
        _ => return Err(unknown(source, "limit", what, ["descriptors", "processes"])),
    };
    let read =
        slot("NUMBER").filter(|_| rest.len() == 1).map(|slot| (slot.read)(source, rest)).transpose()?;
    match read {
        Some((Value::Number(number), _)) if number >= least && u32::try_from(number).is_ok() => {
            Ok((limited, u32::try_from(number).unwrap_or(u32::MAX)))
        }
        _ => {
            let span = rest.first().unwrap_or(what).span.start..rest.last().unwrap_or(what).span.end;
            let error = source.error(span, format!("this is no limit of {}", what.text));
            Err(error.expecting(format!("expected `limit {} NUMBER`, and {least} or more", what.text)))
        }
    }
}

/// Reads the stream and the state of a line `standard STREAM STATE`.
fn stream(source: &SourceText<'_>, tokens: &[Token]) -> Result<(usize, StreamState), FileError> {
    const STREAMS: [&str; 3] = ["input", "output", "error"];
    const STATES: [(&str, StreamState); 4] = [
        ("closed", StreamState::Closed),
        ("full", StreamState::Full),
        ("pipe", StreamState::Pipe),
        ("terminal", StreamState::Terminal),
    ];
    let stream = STREAMS.iter().position(|stream| *stream == tokens[0].text);
    let stream = stream.ok_or_else(|| unknown(source, "stream", &tokens[0], STREAMS))?;
    let names = || STATES.iter().map(|(name, _)| *name).filter(|name| stream > 0 || *name == "closed");
    let Some(word) = tokens.get(1) else {
        let end = tokens[0].span.end;
        let error = source.error(end..end, "a stream without its state");
        return Err(error.expecting(format!("expected {}", join_with_or(names()))));
    };
    expect_end(source, &tokens[2..])?;
    let found = STATES.iter().find(|(name, _)| names().any(|it| it == *name) && *name == word.text);
    found.map(|(_, state)| (stream, *state)).ok_or_else(|| unknown(source, "state", word, names()))
}

fn unknown<'n>(
    source: &SourceText<'_>,
    what: &str,
    value: &Token,
    names: impl IntoIterator<Item = &'n str>,
) -> FileError {
    let names: Vec<&str> = names.into_iter().collect();
    let error = source.error(value.span.clone(), format!("unknown {what} `{}`", value.text));
    error.expecting(format!("expected {}", join_with_or(names.iter().copied()))).suggest(&value.text, names)
}

/// Returns the built-in protocol that `value` names, with the settings `NAME=VALUE` that follow.
fn protocol(source: &SourceText<'_>, value: &Token, settings: &[Token]) -> Result<Protocol, FileError> {
    let names = Protocol::built_ins().iter().map(|built_in| built_in.name);
    if !names.clone().any(|name| name == value.text) {
        return Err(unknown(source, "protocol", value, names));
    }
    let pair = |token: &Token| {
        let pair = token.text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| {
            let error = source.error(token.span.clone(), format!("`{}` is no setting", token.text));
            error.expecting("expected NAME=VALUE")
        })
    };
    let pairs: Vec<_> = settings.iter().map(pair).collect::<Result<_, _>>()?;
    Protocol::built_in_with_settings(&value.text, &pairs).map_err(|mistake| {
        let span = settings.first().map_or(value.span.clone(), |first| first.span.clone());
        let error = source.error(span, mistake.message).expecting(mistake.expected);
        mistake.help.into_iter().fold(error, FileError::help)
    })
}
