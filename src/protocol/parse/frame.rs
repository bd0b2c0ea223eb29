//! Reads how a reply ends.

use std::ops::Range;

use toml::de::DeValue;

use super::table::Table;
use super::values::read_number;
use crate::protocol::definition::TransportKind;
use crate::protocol::error::FileError;
use crate::protocol::http::StatusRule;
use crate::protocol::json::Envelope;
use crate::protocol::number::LengthFormat;
use crate::protocol::reply::ReplyEndRule;

const FRAMES: &str = "`\"http\"`, `\"end\"` or `{ length = \"u16be\", at = 0 }`";

/// Reads the keys `frame` and `status` of a turn, which say how the end of the reply is found.
pub(super) fn read_frame(
    table: &Table<'_, '_>,
    over: &[TransportKind],
    prefix: Option<LengthFormat>,
    envelope: Option<Envelope>,
) -> Result<Option<ReplyEndRule>, FileError> {
    let status = read_status(table)?;
    let Some(value) = table.get("frame") else {
        if status.is_some() {
            let error = table.source.error(table.key_span("status"), "`status` without HTTP framing");
            return Err(error.expecting("expected `frame = \"http\"` beside it"));
        }
        return Ok(None);
    };
    if prefix.is_some() || envelope.is_some() {
        let other = if envelope.is_some() { "json" } else { "prefix" };
        let message = format!("`frame` and `{other}` both say where a reply ends");
        let error = table.source.error(table.key_span("frame"), message);
        return Err(error.expecting("expected one of the two"));
    }
    let frame = match value.get_ref() {
        DeValue::String(name) => named_frame(table, name, value.span(), status)?,
        DeValue::Table(inner) => {
            length_frame(&Table { source: table.source, table: inner, span: value.span() })?
        }
        _ => return Err(table.wrong_type("frame", value, FRAMES)),
    };
    if status.is_some() && !matches!(frame, ReplyEndRule::Http(_)) {
        let error = table.source.error(table.key_span("status"), "`status` without HTTP framing");
        return Err(error.expecting("expected `frame = \"http\"` beside it"));
    }
    if !over.contains(&TransportKind::Stream) {
        let error = table.source.error(table.key_span("frame"), "a message needs no frame");
        return Err(error.expecting("it ends by itself"));
    }
    Ok(Some(frame))
}

fn named_frame(
    table: &Table<'_, '_>,
    name: &str,
    span: Range<usize>,
    status: Option<StatusRule>,
) -> Result<ReplyEndRule, FileError> {
    match name {
        "http" => Ok(ReplyEndRule::Http(status.unwrap_or(StatusRule::BELOW_500))),
        "end" => Ok(ReplyEndRule::End),
        _ => {
            let error = table.source.error(span, format!("unknown frame `{name}`"));
            Err(error.expecting(format!("expected {FRAMES}")).suggest(name, ["http", "end"]))
        }
    }
}

fn read_status(table: &Table<'_, '_>) -> Result<Option<StatusRule>, FileError> {
    let Some(value) = table.get("status") else { return Ok(None) };
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_string(),
        _ => String::new(),
    };
    let rule = StatusRule::parse(&text);
    rule.map(Some).ok_or_else(|| table.wrong_value("status", value, "a status such as `200` or `\"2xx\"`"))
}

fn length_frame(table: &Table<'_, '_>) -> Result<ReplyEndRule, FileError> {
    table.reject_other_keys("a frame", &["length", "at"])?;
    let Some((text, span)) = table.string("length")? else {
        let error = table.source.error(table.span.clone(), "a frame without `length`");
        return Err(error.expecting(format!("expected {FRAMES}")));
    };
    let number = read_number(table.source, text, span.clone())?;
    if matches!(LengthFormat::parse("decimal"), Ok(decimal) if decimal.kind == number.kind)
        || text.starts_with("hex")
    {
        let error = table.source.error(span, "a frame's length has no digits");
        return Err(error
            .expecting("expected a binary number, such as `u16be`")
            .help("in a text use `{length}` and `{body}` in `expect`"));
    }
    let at = table.integer("at", 1 << 16)?.unwrap_or(0) as usize;
    Ok(ReplyEndRule::Length { number, at })
}
