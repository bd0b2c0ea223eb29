//! Templates: bytes with placeholders, as a protocol file writes requests and replies.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::error::{FileError, Source, one_of};
use super::number::Number;
use super::token::Token;

/// A parsed template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) parts: Vec<Part>,
}

/// One piece of a template and where the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) piece: Piece,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes that the client chose for this exchange.
    Known(Known),
    /// Bytes that the server chooses.
    Wild(Wild),
}

/// `{token}`, `{payload}` and what is derived from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) value: Value,
    pub(super) encoding: Encoding,
    /// Writes the number of bytes instead of the bytes.
    pub(super) length: Option<Number>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// The first so many characters of the token.
    Token(usize),
    Payload,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Raw,
    Hex,
    Base64,
}

/// Bytes of a reply that may vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wild {
    /// Between `least` and `most` bytes of a class.
    Class { class: Class, least: u64, most: Option<u64> },
    /// A number that says how long the body is.
    Length(Number),
    /// As many bytes as the last length said.
    Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Any,
    Line,
    Digit,
    Hex,
    Word,
    Space,
}

impl Class {
    pub(super) fn contains(self, byte: u8) -> bool {
        match self {
            Class::Any => true,
            Class::Line => byte != b'\r' && byte != b'\n',
            Class::Digit => byte.is_ascii_digit(),
            Class::Hex => byte.is_ascii_hexdigit(),
            Class::Word => byte > b' ' && byte != 0x7f,
            Class::Space => byte == b' ' || byte == b'\t',
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Class::Any => "any byte",
            Class::Line => "a byte of the line",
            Class::Digit => "a digit",
            Class::Hex => "a hexadecimal digit",
            Class::Word => "a byte of a word",
            Class::Space => "a space or tab",
        }
    }
}

/// How the text of a template is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// Text with escapes such as `\r\n` and `\xff`.
    Text,
    /// Pairs of hexadecimal digits.
    Hex,
    /// Base64, each run between placeholders on its own.
    Base64,
}

/// The text of a template: the bytes `span` of a source, without its quotes.
#[derive(Debug, Clone)]
pub(super) struct Written<'a> {
    pub(super) source: Source<'a>,
    pub(super) span: Range<usize>,
}

impl<'a> Written<'a> {
    /// All of `text`, as an option of the command line gives it.
    pub(super) fn whole(file: &'a str, text: &'a str) -> Written<'a> {
        Written { source: Source { file, text }, span: 0..text.len() }
    }

    /// The content of a TOML string, whose `span` includes the quotes.
    ///
    /// The text is taken as the file has it: TOML would make two bytes of `\xff`.
    pub(super) fn quoted(source: Source<'a>, span: Range<usize>) -> Written<'a> {
        let text = &source.text[span.clone()];
        let quotes = match text.as_bytes() {
            [a @ (b'"' | b'\''), b, c, ..] if a == b && b == c && text.len() >= 6 => 3,
            _ => 1,
        };
        let mut start = span.start + quotes;
        let end = (span.end - quotes).max(start);
        if quotes == 3 {
            // TOML drops a line end right after the opening quotes.
            let newline = ["\r\n", "\n"].into_iter().find(|end| source.text[start..].starts_with(end));
            start += newline.map_or(0, str::len);
        }
        Written { source, span: start..end.max(start) }
    }

    fn text(&self) -> &'a str {
        &self.source.text[self.span.clone()]
    }
}

/// Names that a file or the user gives a text to, which may hold placeholders itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings<'a> {
    pub(super) values: BTreeMap<String, Written<'a>>,
}

impl<'a> Settings<'a> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

const KNOWN_NAMES: [&str; 2] = ["token", "payload"];
const WILD_NAMES: [&str; 8] = ["any", "line", "digits", "hex", "word", "space", "length", "body"];

/// The names that a placeholder has in every file.
pub(super) fn reserved_names<'n>() -> impl Iterator<Item = &'n str> {
    KNOWN_NAMES.into_iter().chain(WILD_NAMES)
}

/// Parses templates and notes which settings they use.
#[derive(Debug)]
pub(super) struct Parser<'s, 'a> {
    pub(super) settings: &'s Settings<'a>,
    pub(super) used: Vec<String>,
}

impl<'s, 'a> Parser<'s, 'a> {
    pub(super) fn new(settings: &'s Settings<'a>) -> Parser<'s, 'a> {
        Parser { settings, used: Vec::new() }
    }

    pub(super) fn parse(&mut self, written: &Written<'a>, notation: Notation) -> Result<Template, FileError> {
        let mut template = Template::default();
        let text = written.text();
        let start = written.span.start;
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let doubled = rest.starts_with("{{") || rest.starts_with("}}");
            if rest.starts_with('{') && !(doubled && notation == Notation::Text) {
                let length = self.placeholder(written, at, &mut template)?;
                at += length;
                continue;
            }
            let (bytes, length) = match notation {
                Notation::Text => literal(written, at)?,
                Notation::Hex => hex_run(written, at)?,
                Notation::Base64 => base64_run(written, at)?,
            };
            template.push_bytes(bytes, start + at..start + at + length);
            at += length;
        }
        Ok(template)
    }

    /// Parses the placeholder at `at`; returns its length.
    fn placeholder(
        &mut self,
        written: &Written<'a>,
        at: usize,
        template: &mut Template,
    ) -> Result<usize, FileError> {
        let text = &written.text()[at..];
        let start = written.span.start + at;
        let Some(close) = text[1..].find(['}', '{', '\n']).filter(|&end| text[1 + end..].starts_with('}'))
        else {
            let error =
                written.source.error(start..start + 1, "this `{` opens a placeholder that never ends");
            return Err(error.expecting("expected a `}` after it").help("write `{{` for a brace"));
        };
        let length = close + 2;
        let span = start..start + length;
        let content = &text[1..=close];
        if self.settings.values.contains_key(content) {
            self.insert_setting(content, span, template)?;
            return Ok(length);
        }
        if let Some((name, _)) =
            content.split_once(".len").filter(|(name, _)| self.settings.values.contains_key(*name))
        {
            let place = Place { source: written.source, start: start + 1, content };
            let number = place.setting_length(&content[name.len() + ".len".len()..])?;
            let counted = self.setting_bytes(name, &place)?;
            template.push_bytes(number.encode(counted), span);
            return Ok(length);
        }
        let piece = self.piece(written.source, start + 1, content)?;
        template.parts.push(Part { piece, span });
        Ok(length)
    }

    /// The number of bytes in a setting.
    fn setting_bytes(&mut self, name: &str, place: &Place<'_>) -> Result<u64, FileError> {
        let mut inserted = Template::default();
        self.insert_setting(name, 0..0, &mut inserted)?;
        let lengths = inserted.parts.iter().map(|part| match &part.piece {
            Piece::Bytes(bytes) => Some(bytes.len() as u64),
            Piece::Known(Known { value: Value::Token(length), encoding: Encoding::Raw, .. }) => {
                Some(*length as u64)
            }
            _ => None,
        });
        let sum: Option<u64> = lengths.sum();
        sum.ok_or_else(|| {
            place
                .error(place.content, format!("the length of `{{{name}}}` varies"))
                .expecting("expected a setting of bytes and `{token}`")
        })
    }

    /// Inserts the parts of a setting in the place of its placeholder.
    fn insert_setting(
        &mut self,
        name: &str,
        span: Range<usize>,
        template: &mut Template,
    ) -> Result<(), FileError> {
        if !self.used.iter().any(|used| used == name) {
            self.used.push(name.into());
        }
        // A setting may hold `{token}`, but no other setting: so it ends.
        let none = Settings::default();
        let inserted = Parser::new(&none).parse(&self.settings.values[name], Notation::Text)?;
        for part in inserted.parts {
            match part.piece {
                Piece::Bytes(bytes) => template.push_bytes(bytes, span.clone()),
                piece => template.parts.push(Part { piece, span: span.clone() }),
            }
        }
        Ok(())
    }

    fn piece(&self, source: Source<'_>, start: usize, content: &str) -> Result<Piece, FileError> {
        let (path, argument) = match content.split_once(':') {
            Some((path, argument)) => (path, Some(argument)),
            None => (content, None),
        };
        let mut names = path.split('.');
        let name = names.next().unwrap_or_default();
        let filters: Vec<&str> = names.collect();
        let place = Place { source, start, content };
        if KNOWN_NAMES.contains(&name) {
            return place.known(name, &filters, argument).map(Piece::Known);
        }
        if !WILD_NAMES.contains(&name) {
            let all: Vec<&str> = reserved_names().chain(self.settings.names()).collect();
            let help = match content {
                "" => "write `{{` for a brace, `}}` for its end".into(),
                _ => format!("placeholders are {}; write `{{{{` for a brace", one_of(all.iter().copied())),
            };
            let error = place.error(name, format!("unknown placeholder `{{{name}}}`")).help(help);
            return Err(error.expecting("expected a placeholder").suggest(name, all));
        }
        if let Some(filter) = filters.first() {
            let error = place.error(filter, format!("`{{{name}}}` has no `.{filter}`"));
            return Err(error.expecting("only `{token}` and `{payload}` can be encoded or counted"));
        }
        place.wild(name, argument).map(Piece::Wild)
    }
}

/// A placeholder's content and where it stands, for errors.
struct Place<'a> {
    source: Source<'a>,
    start: usize,
    content: &'a str,
}

impl Place<'_> {
    /// An error at `part`, which is a piece of the content.
    fn error(&self, part: &str, message: String) -> FileError {
        let offset = (part.as_ptr() as usize).saturating_sub(self.content.as_ptr() as usize);
        let offset = if offset <= self.content.len() { offset } else { 0 };
        let start = self.start + offset;
        self.source.error(start..start + part.len().max(1), message)
    }

    fn known(&self, name: &str, filters: &[&str], argument: Option<&str>) -> Result<Known, FileError> {
        let mut known = Known { value: Value::Payload, encoding: Encoding::Raw, length: None };
        for (index, &filter) in filters.iter().enumerate() {
            match filter {
                "hex" if index == 0 => known.encoding = Encoding::Hex,
                "base64" if index == 0 => known.encoding = Encoding::Base64,
                "len" if index + 1 == filters.len() => known.length = Some(Number::DECIMAL),
                _ => {
                    let error = self.error(filter, format!("`{{{name}}}` has no `.{filter}` here"));
                    let error = error.expecting("expected `hex`, `base64` or, at the end, `len`");
                    return Err(error.suggest(filter, ["hex", "base64", "len"]));
                }
            }
        }
        if name == "token" {
            known.value = Value::Token(Token::LENGTH);
        }
        match argument {
            Some(argument) if known.length.is_some() => known.length = Some(self.number(argument)?),
            Some(argument) if name == "token" => known.value = Value::Token(self.token_length(argument)?),
            Some(argument) => {
                let error = self.error(argument, "a payload has the length that the check chooses".into());
                return Err(error.expecting("expected `}`"));
            }
            None => {}
        }
        Ok(known)
    }

    /// The format in what follows `.len` of a setting: nothing, or a colon and a format.
    fn setting_length(&self, rest: &str) -> Result<Number, FileError> {
        match (rest, rest.strip_prefix(':')) {
            ("", _) => Ok(Number::DECIMAL),
            (_, Some(argument)) => self.number(argument),
            _ => Err(self
                .error(rest, "this follows no `.len`".into())
                .expecting("expected `:` and a number format")),
        }
    }

    fn token_length(&self, argument: &str) -> Result<usize, FileError> {
        let length = argument.parse().ok().filter(|length| (1..=Token::LENGTH).contains(length));
        length.ok_or_else(|| {
            self.error(argument, format!("a token has {} characters", Token::LENGTH))
                .expecting(format!("expected a number from 1 to {}", Token::LENGTH))
        })
    }

    fn number(&self, argument: &str) -> Result<Number, FileError> {
        Number::parse(argument).map_err(|(part, expected)| {
            let error = self.error(part, format!("unknown number format `{part}`"));
            error.expecting(expected).suggest(part, Number::names())
        })
    }

    fn wild(&self, name: &str, argument: Option<&str>) -> Result<Wild, FileError> {
        if name == "length" {
            return argument.map_or(Ok(Number::DECIMAL), |text| self.number(text)).map(Wild::Length);
        }
        let (class, least) = match name {
            "any" => (Class::Any, 0),
            "line" => (Class::Line, 0),
            "digits" => (Class::Digit, 1),
            "hex" => (Class::Hex, 1),
            "word" => (Class::Word, 1),
            "space" => (Class::Space, 1),
            _ => {
                return match argument {
                    None => Ok(Wild::Body),
                    Some(text) => {
                        let error = self.error(text, "`{body}` has the length that `{length}` read".into());
                        Err(error.expecting("expected `}`"))
                    }
                };
            }
        };
        let Some(argument) = argument else {
            return Ok(Wild::Class { class, least, most: None });
        };
        let exact = argument.parse().ok().filter(|number| (1..=1 << 30).contains(number));
        let exact: u64 = exact.ok_or_else(|| {
            let error = self.error(argument, format!("`{{{name}:…}}` takes a number of bytes"));
            error.expecting("expected a number above 0")
        })?;
        Ok(Wild::Class { class, least: exact, most: Some(exact) })
    }
}

impl Template {
    fn push_bytes(&mut self, bytes: Vec<u8>, span: Range<usize>) {
        if bytes.is_empty() {
            return;
        }
        if let Some(Part { piece: Piece::Bytes(last), span: before }) = self.parts.last_mut()
            && before.end == span.start
        {
            last.extend_from_slice(&bytes);
            before.end = span.end;
            return;
        }
        self.parts.push(Part { piece: Piece::Bytes(bytes), span });
    }

    /// The first part that `wanted` holds for.
    pub(super) fn find(&self, wanted: impl Fn(&Piece) -> bool) -> Option<&Part> {
        self.parts.iter().find(|part| wanted(&part.piece))
    }

    /// The first part with bytes of `{token}` or `{payload}` themselves, not their length.
    pub(super) fn find_value(&self, wanted: impl Fn(&Known) -> bool) -> Option<&Part> {
        self.find(|piece| matches!(piece, Piece::Known(known) if known.length.is_none() && wanted(known)))
    }

    pub(super) fn has_token(&self) -> bool {
        self.find_value(|known| matches!(known.value, Value::Token(_))).is_some()
    }

    pub(super) fn has_payload(&self) -> bool {
        self.find_value(|known| known.value == Value::Payload).is_some()
    }

    /// The longest payload whose length the template can say.
    pub(super) fn longest_payload(&self) -> Option<u64> {
        let limits = self.parts.iter().filter_map(|part| match part.piece {
            Piece::Known(Known { value: Value::Payload, length: Some(number), encoding }) => {
                Some(match encoding {
                    Encoding::Raw => number.most(),
                    Encoding::Hex => number.most() / 2,
                    Encoding::Base64 => number.most() / 4 * 3,
                })
            }
            _ => None,
        });
        limits.min()
    }
}

impl Known {
    /// Whether it is the payload as it is, neither encoded nor counted.
    pub(super) fn is_payload_itself(&self) -> bool {
        self.value == Value::Payload && self.encoding == Encoding::Raw && self.length.is_none()
    }

    /// The bytes that stand for it in one exchange.
    pub(super) fn bytes(&self, token: &Token, payload: &[u8]) -> Vec<u8> {
        let raw = match self.value {
            Value::Token(length) => &token.as_bytes()[..length],
            Value::Payload => payload,
        };
        let bytes = match self.encoding {
            Encoding::Raw => raw.to_vec(),
            Encoding::Hex => hex(raw),
            Encoding::Base64 => BASE64.encode(raw).into_bytes(),
        };
        match self.length {
            Some(number) => number.encode(bytes.len() as u64),
            None => bytes,
        }
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]).collect()
}

/// Reads one character or escape at `at`: its bytes, and the length of its text.
fn literal(written: &Written<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
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

fn escape(written: &Written<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
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

/// Reads hexadecimal digits up to the next placeholder.
fn hex_run(written: &Written<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
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

/// Reads base64 up to the next placeholder.
fn base64_run(written: &Written<'_>, at: usize) -> Result<(Vec<u8>, usize), FileError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, notation: Notation) -> Template {
        let settings = Settings::default();
        Parser::new(&settings).parse(&Written::whole("test", text), notation).unwrap()
    }

    fn bytes(text: &str, notation: Notation) -> Vec<u8> {
        match &parse(text, notation).parts[..] {
            [Part { piece: Piece::Bytes(bytes), .. }] => bytes.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(bytes(r"a\r\n\t\0\\\{\}\xff\u00e9{{}}", Notation::Text), b"a\r\n\t\0\\{}\xff\xc3\xa9{}");
    }

    #[test]
    fn hex_ignores_spaces() {
        assert_eq!(bytes("00 ff\n 1 0", Notation::Hex), [0, 255, 16]);
    }

    #[test]
    fn base64_ignores_spaces() {
        assert_eq!(bytes("AAEC\n/w==", Notation::Base64), [0, 1, 2, 255]);
    }

    #[test]
    fn placeholders_mix_with_hex() {
        let template = parse("00{token:2}0100", Notation::Hex);
        let known = Known { value: Value::Token(2), encoding: Encoding::Raw, length: None };
        assert_eq!(template.parts[0].piece, Piece::Bytes(vec![0]));
        assert_eq!(template.parts[1].piece, Piece::Known(known));
        assert_eq!(template.parts[2].piece, Piece::Bytes(vec![1, 0]));
    }

    #[test]
    fn lengths_count_the_encoded_bytes() {
        let template = parse("{payload.hex.len:u16be+3}", Notation::Text);
        let Piece::Known(known) = &template.parts[0].piece else { panic!() };
        assert_eq!(known.bytes(&Token::new(0), b"12345"), [0, 13]);
        assert_eq!(template.longest_payload(), Some((65_535 - 3) / 2));
    }
}
