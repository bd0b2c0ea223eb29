//! Reads texts that must be JSON.

use crate::protocol::error::FileError;
use crate::protocol::json::{JsonPattern, Kind, Malformed, Value};
use crate::protocol::template::{
    KnownBytes, Template, TemplatePart, TemplatePiece, TemplateText, Value as Of, Wildcard,
};
use crate::protocol::token::Token;

/// Returns an error if `template`, the template of a request, is no JSON.
pub(super) fn json_text(template: &Template, written: &TemplateText<'_>) -> Result<(), FileError> {
    let payload =
        |piece: &TemplatePiece| matches!(piece, TemplatePiece::Known(known) if known.is_payload_itself());
    if let Some(part) = template.find(payload) {
        let error =
            written.source.error(part.span.clone(), "a payload can hold any byte, and JSON only text");
        return Err(error.expecting("expected `{payload.base64}` or `{payload.hex}` in a string"));
    }
    let (text, edges) = template.render(|piece| match piece {
        TemplatePiece::Known(KnownBytes { value: Of::Id, .. }) | TemplatePiece::Nulls(_) => b"1".to_vec(),
        TemplatePiece::Known(known) => known.bytes(&Token::new(0), b""),
        TemplatePiece::Wildcard(Wildcard::Json(_)) => JsonPattern::wildcard(Kind::Any),
        _ => Vec::new(),
    });
    match Value::parse(&text) {
        Ok(_) => Ok(()),
        Err(malformed) => Err(no_json(template, written, &edges, &malformed)),
    }
}

/// Returns the JSON pattern that `template`, the template of a reply, describes.
pub(super) fn json_pattern(
    template: &Template,
    written: &TemplateText<'_>,
) -> Result<JsonPattern, FileError> {
    let (text, edges) = template.json_pattern(&Token::new(0), b"");
    JsonPattern::parse(&text).map_err(|malformed| no_json(template, written, &edges, &malformed))
}

fn no_json(
    template: &Template,
    written: &TemplateText<'_>,
    edges: &[usize],
    malformed: &Malformed,
) -> FileError {
    let index = edges.iter().rposition(|edge| *edge <= malformed.offset).unwrap_or_default();
    let span = match template.parts.get(index) {
        Some(TemplatePart { piece: TemplatePiece::Bytes(_), span }) => {
            let at = (span.start + malformed.offset - edges[index]).min(span.end.saturating_sub(1));
            at..at + 1
        }
        Some(part) => part.span.clone(),
        None => written.span.clone(),
    };
    let error = written.source.error(span, "this is not JSON").expecting(malformed.message.clone());
    let text = &written.source.text[written.span.clone()];
    if text.contains("\\\"") {
        return error.help("write JSON in single quotes, where TOML leaves `\"` alone");
    }
    error
}
