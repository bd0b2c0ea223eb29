//! The lines at the head of a scene, which describe its server.

use std::ops::Range;

use super::slot::slot;
use super::token::Token;
use super::value::Value;
use crate::protocol::{FileError, Protocol, SourceText, join_with_or};
use crate::server::Start;
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
    /// The names of the peers that the scene plays.
    pub peers: Vec<String>,
    /// The maximum number of descriptors that the server may have open.
    pub descriptor_limit: Option<u32>,
}

/// The words with which a line of the head begins.
pub(super) const WORDS: [&str; 7] =
    ["transport", "start", "protocol", "command", "peer", "limit", "parameter"];

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
            let words = source.text[value.span.start..line.end].trim();
            let split = shlex::split(words);
            header.command = split.ok_or_else(|| {
                let span = value.span.start..line.end;
                source
                    .error(span, "this command has a quote without its second")
                    .expecting("expected words as for a shell")
            })?;
            return Ok(true);
        }
        "limit" => {
            header.descriptor_limit = Some(limit(source, value, &tokens[2..])?);
            return Ok(true);
        }
        _ => {
            let name = slot("NEW").map(|slot| (slot.read)(source, &tokens[1..])).transpose()?;
            if let Some((Value::Name(name), _)) = name {
                header.peers.push(name);
            }
        }
    }
    let settings = first.text == "protocol";
    match tokens.get(2) {
        Some(more) if !settings => {
            let span = more.span.start..tokens[tokens.len() - 1].span.end;
            Err(source.error(span, "one value is enough").expecting("expected the end of the line"))
        }
        _ => Ok(true),
    }
}

/// Reads the limit of a line `limit descriptors NUMBER`.
fn limit(source: &SourceText<'_>, what: &Token, rest: &[Token]) -> Result<u32, FileError> {
    /// A server has three standard streams, and needs a listener and a connection.
    const LEAST: usize = 8;
    if what.text != "descriptors" {
        return Err(unknown(source, "limit", what, ["descriptors"]));
    }
    let read =
        slot("NUMBER").filter(|_| rest.len() == 1).map(|slot| (slot.read)(source, rest)).transpose()?;
    match read {
        Some((Value::Number(number), _)) if number >= LEAST && u32::try_from(number).is_ok() => {
            Ok(u32::try_from(number).unwrap_or(u32::MAX))
        }
        _ => {
            let span = rest.first().unwrap_or(what).span.start..rest.last().unwrap_or(what).span.end;
            let error = source.error(span, "this is no limit of descriptors");
            Err(error.expecting("expected `limit descriptors NUMBER`, and 8 or more"))
        }
    }
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
