//! Reads the values at the top of a protocol file that its texts depend on.

use std::ops::Range;

use super::keys::{FILE_KEYS, TURN_KEYS};
use super::table::Table;
use crate::protocol::definition::TransportKind;
use crate::protocol::error::{FileError, SourceText, join_with_or};
use crate::protocol::number::LengthFormat;
use crate::protocol::template::{Settings, reserved_names};
use crate::protocol::turn::Turn;
use crate::text::most_similar;

pub(super) fn read_number(
    source: SourceText<'_>,
    text: &str,
    span: Range<usize>,
) -> Result<LengthFormat, FileError> {
    LengthFormat::parse(text).map_err(|(part, expected)| {
        let error = source.error(span, format!("unknown number format `{part}`"));
        error.expecting(expected).suggest(part, LengthFormat::names())
    })
}

/// Reads whether replies may come in any order. Then each must show which request it answers.
pub(super) fn read_any_order(root: &Table<'_, '_>, turns: &[Turn]) -> Result<bool, FileError> {
    let Some((text, span)) = root.string("order")? else { return Ok(false) };
    let help = "without `order`, each reply comes in the order of the requests";
    if text != "any" {
        let error = root.source.error(span, format!("unknown order `{text}`"));
        return Err(error.expecting("expected `any`").help(help));
    }
    if turns.iter().any(|turn| turn.has_reply() && !turn.token_comes_back()) {
        let error = root.source.error(span, "a reply in any order must show which request it answers");
        return Err(error.expecting("expected `{token}` or `{payload}` in each reply").help(help));
    }
    Ok(true)
}

/// Reads whether the server keeps what requests carry. Then some request must carry a payload.
pub(super) fn read_keeps_payload(root: &Table<'_, '_>, turns: &[Turn]) -> Result<bool, FileError> {
    let keeps = root.boolean("keeps_payload")? == Some(true);
    if keeps && !turns.iter().any(Turn::carries_payload) {
        let error = root.source.error(root.key_span("keeps_payload"), "no request carries a payload to keep");
        return Err(error.expecting("expected `{payload}` in a request and in its reply"));
    }
    Ok(keeps)
}

pub(super) fn read_prefix(
    root: &Table<'_, '_>,
    over: &[TransportKind],
) -> Result<Option<LengthFormat>, FileError> {
    let Some((text, span)) = root.string("prefix")? else { return Ok(None) };
    let number = read_number(root.source, text, span.clone())?;
    if text.starts_with("decimal") || text.starts_with("hex") || text.starts_with('+') {
        let error = root.source.error(span, "a prefix has no digits");
        return Err(error.expecting("expected a binary number, such as `u16be`"));
    }
    if !over.contains(&TransportKind::Stream) {
        let error = root.source.error(root.key_span("prefix"), "a message needs no length before it");
        return Err(error.expecting("`prefix` is for streams"));
    }
    Ok(Some(number))
}

pub(super) fn read_over(root: &Table<'_, '_>) -> Result<Vec<TransportKind>, FileError> {
    let Some(value) = root.get("over") else { return Ok(vec![TransportKind::Stream]) };
    let names = join_with_or(TransportKind::ALL.map(TransportKind::name));
    let wrong = || root.wrong_type("over", value, &format!("a list of {names}"));
    let list = value.get_ref().as_array().ok_or_else(wrong)?;
    let mut over = Vec::new();
    for entry in list.iter() {
        let name = entry.get_ref().as_str().ok_or_else(wrong)?;
        let carrier =
            TransportKind::ALL.into_iter().find(|carrier| carrier.name() == name).ok_or_else(|| {
                let error = root.source.error(entry.span(), format!("unknown transport kind `{name}`"));
                let error = error.expecting(format!("expected {names}"));
                let kind = |name| match name {
                    "tcp" | "unix" | "pipe" | "streams" => Some("stream"),
                    "udp" | "datagram" | "messages" => Some("message"),
                    _ => most_similar(name, TransportKind::ALL.map(TransportKind::name)),
                };
                match kind(name) {
                    Some(word) => error.help(format!("did you mean `{word}`?")),
                    None => error,
                }
            })?;
        over.push(carrier);
    }
    if over.is_empty() {
        let error = root.source.error(value.span(), "no kind of transport");
        return Err(error.expecting(format!("expected {names}")));
    }
    Ok(over)
}

/// Reads the `[set]` table of a protocol file: the names of the settings, and their texts.
pub(super) fn read_settings<'a>(root: &Table<'a, '_>) -> Result<Settings<'a>, FileError> {
    let mut settings = Settings::default();
    let Some(set) = root.table("set")? else { return Ok(settings) };
    let mut keys: Vec<_> = set.table.keys().collect();
    keys.sort_by_key(|key| key.span().start);
    for key in keys {
        let name = key.get_ref().as_ref();
        let error = |message: String| set.source.error(key.span(), message);
        if TURN_KEYS.contains(&name) || FILE_KEYS.contains(&name) {
            return Err(error(format!("`{name}` stands under `[set]`"))
                .expecting("expected the name of a setting")
                .help(format!("move `{name}` above `[set]`: what follows a `[table]` belongs to it")));
        }
        if reserved_names().any(|reserved| reserved == name) {
            return Err(error(format!("`{{{name}}}` is a placeholder of every file"))
                .expecting("expected another name"));
        }
        let valid = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if name.is_empty() || !name.chars().all(valid) {
            return Err(error(format!("`{name}` cannot name a setting"))
                .expecting("expected lowercase letters, digits and `_`"));
        }
        if let Some(written) = set.template_text(name)? {
            settings.values.insert(name.into(), written);
        }
    }
    Ok(settings)
}
