//! Reads the bytes between placeholders in each notation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::written::TemplateText;
use crate::protocol::error::FileError;

/// Reads the character or escape at offset `at` of a template. Returns its bytes and the length of its text.
pub(super) fn read_literal(written: &TemplateText<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
    let text = &written.text()[at..];
    let start = written.span.start + at;
    if text.starts_with("{{") || text.starts_with("}}") {
        return Ok((text.as_bytes()[..1].to_vec(), 2));
    }
    if text.starts_with('}') {
        let error = written.source.error(start..start + 1, "this `}` closes no placeholder");
        return Err(error.expecting("expected `}}`").help("write `}}` for a brace"));
    }
    if text.starts_with("\r\n") {
        return Ok((b"\n".to_vec(), 2));
    }
    if text.starts_with('\\') {
        return escape(written, at);
    }
    // Plain text up to the next character that means something.
    let end = text.find(['\\', '{', '}', '\r']).filter(|&end| end > 0);
    let length = end.unwrap_or_else(|| if text.starts_with('\r') { 1 } else { text.len() });
    Ok((text.as_bytes()[..length].to_vec(), length))
}

fn escape(written: &TemplateText<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
    let text = &written.text()[at..];
    let start = written.span.start + at;
    let error = |length: usize, message: &str| {
        let error = written.source.error(start..start + length, message);
        error.expecting(r"expected one of \r \n \t \0 \\ \{ \} \' \xHH \uHHHH")
    };
    let Some(letter) = text[1..].chars().next() else {
        return Err(error(1, r"a lone `\` at the end").help(r"write `\\` for a backslash"));
    };
    let one = |byte: u8| Ok((vec![byte], 2));
    match letter {
        'r' => one(b'\r'),
        'n' => one(b'\n'),
        't' => one(b'\t'),
        '0' => one(0),
        'e' => one(0x1b),
        'b' => one(0x08),
        'f' => one(0x0c),
        '\\' | '{' | '}' | '"' | '\'' => one(letter as u8),
        'x' => {
            let digits = text.get(2..4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let byte = digits.ok_or_else(|| error(2, r"`\x` without two hexadecimal digits"))?;
            Ok((vec![byte], 4))
        }
        'u' | 'U' => {
            let width = if letter == 'u' { 4 } else { 8 };
            let digits = text.get(2..2 + width).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let letter = digits.and_then(char::from_u32);
            let letter = letter.ok_or_else(|| error(2, "not a Unicode character"))?;
            Ok((letter.to_string().into_bytes(), 2 + width))
        }
        // In a multi-line string of TOML a backslash joins two lines.
        '\n' | '\r' => {
            let rest = text[1..].trim_start();
            Ok((Vec::new(), text.len() - rest.len()))
        }
        other => {
            let message = format!(r"unknown escape `\{other}`");
            Err(error(1 + other.len_utf8(), &message).help(r"write `\\` for a backslash"))
        }
    }
}

/// Reads the JSON of a template up to the next placeholder. Leaves out line ends and the spaces after them.
pub(super) fn json_run(written: &TemplateText<'_>, at: usize) -> (Vec<u8>, usize) {
    let text = &written.text()[at..];
    let opens = |offset: &usize| is_json_placeholder(&text[*offset..]);
    let length = text.match_indices('{').map(|(offset, _)| offset).find(opens).unwrap_or(text.len());
    let lines = text[..length].lines().enumerate();
    let joined = lines.map(|(number, line)| if number == 0 { line } else { line.trim_start() });
    (joined.collect::<String>().into_bytes(), length)
}

/// Whether `text` begins with a placeholder, and not with a JSON object.
pub(super) fn is_json_placeholder(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

/// Reads the hexadecimal digits of a template up to the next placeholder.
pub(super) fn read_hex(written: &TemplateText<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
    let text = &written.text()[at..];
    let length = text.find('{').unwrap_or(text.len());
    let start = written.span.start + at;
    let mut bytes = Vec::new();
    let mut half = None;
    for (offset, letter) in text[..length].char_indices() {
        if letter.is_whitespace() {
            continue;
        }
        let Some(digit) = letter.to_digit(16) else {
            let place = start + offset..start + offset + letter.len_utf8();
            let error = written.source.error(place, format!("`{letter}` is not a hexadecimal digit"));
            return Err(error.expecting("expected 0-9, a-f, a space or a placeholder"));
        };
        half = match half {
            None => Some((digit, offset)),
            Some((high, _)) => {
                bytes.push((high << 4 | digit) as u8);
                None
            }
        };
    }
    if let Some((_, offset)) = half {
        let error = written.source.error(start + offset..start + offset + 1, "half a byte");
        return Err(error.expecting("expected a second hexadecimal digit"));
    }
    Ok((bytes, length))
}

/// Reads the base64 of a template up to the next placeholder.
pub(super) fn read_base64(written: &TemplateText<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
    let text = &written.text()[at..];
    let length = text.find('{').unwrap_or(text.len());
    let start = written.span.start + at;
    let packed: String = text[..length].split_whitespace().collect();
    let bytes = BASE64.decode(packed).map_err(|_| {
        let error = written.source.error(start..start + length, "this is not base64");
        error.expecting("expected letters, digits, `+` and `/`, filled up to fours with `=`")
    })?;
    Ok((bytes, length))
}
