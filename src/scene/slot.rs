//! The kinds of values that a verb's pattern names, and how the words of a line become values.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::text::{Text, is_name_letter};
use super::token::Token;
use super::value::Value;
use crate::protocol::{FileError, SourceText, join_with_or};
use crate::sys::TcpState;
use crate::text::most_similar;
use nix::sys::signal::Signal;

/// A value with the number of tokens that it takes, or the mistake in them.
pub(super) type Read = Result<(Value, usize), FileError>;

/// A kind of value. The pattern of a verb names it in capital letters.
#[derive(Debug)]
pub(super) struct Slot {
    /// The word that stands for the value in a pattern.
    pub word: &'static str,
    /// A description of the value for errors and for the table in `docs/scenes.md`.
    pub summary: &'static str,
    /// Reads the value from the first of the given tokens. Returns it with the number of tokens that it takes.
    pub read: fn(&SourceText<'_>, &[Token]) -> Read,
}

/// Every kind of value, in the order of the documentation.
pub(super) const SLOTS: &[Slot] = &[
    Slot { word: "NEW", summary: "a new name", read: name },
    Slot {
        word: "CLIENT",
        summary: "the name of a connected client, of a connection that a peer accepted, or of a program that was started",
        read: name,
    },
    Slot { word: "PEER", summary: "the name of a peer, a server that the scene plays", read: name },
    Slot { word: "PROGRAM", summary: "the name of a program of the head", read: name },
    Slot { word: "MARK", summary: "the name of a mark", read: name },
    Slot {
        word: "BYTES",
        summary: r#"`"text"`, `hex "0d 0a"`, `file "name"`, or a length such as `4 KiB`"#,
        read: bytes,
    },
    Slot {
        word: "PATTERN",
        summary: r#"a text in quotes, in which `{name}` stands for any bytes and keeps them; `{any}` keeps none"#,
        read: text,
    },
    Slot { word: "TEXT", summary: "a text in quotes", read: text },
    Slot { word: "NUMBER", summary: "a number", read: number },
    Slot { word: "SIZE", summary: "a length such as `4 KiB`", read: size },
    Slot { word: "TIME", summary: "a time such as `300ms`, `2s` or `1min`", read: time },
    Slot { word: "SIGNAL", summary: "the name of a signal, such as SIGTERM", read: signal },
    Slot { word: "ADDRESS", summary: "an IP address, such as 127.0.0.2", read: address },
    Slot {
        word: "STATE",
        summary: "a state of TCP as netstat(8) shows it, such as ESTABLISHED, SYN_RECV, CLOSE_WAIT, FIN_WAIT2 or TIME_WAIT",
        read: state,
    },
    Slot { word: "STREAM", summary: "`standard output` or `standard error`", read: stream },
    Slot { word: "CALL", summary: "a system call: accept, read, write, poll or wait", read: call },
];

/// Returns the kind of value that `word` of a pattern names, if it is in capital letters.
pub(super) fn slot(word: &str) -> Option<&'static Slot> {
    SLOTS.iter().find(|slot| slot.word == word)
}

/// The longest payload that a step may send, in bytes.
const LONGEST: usize = 64 << 20;

/// The system calls that a scene can name, each with parts of the names of the kernel functions that its callers sleep in.
pub(super) const CALLS: &[(&str, &[&str])] = &[
    ("accept", &["accept", "skb_wait_for_more_packets"]),
    ("read", &["pipe_read", "wait_data", "data_wait", "wait_woken", "skb_wait_for_more_packets", "tty_read"]),
    ("write", &["pipe_write", "wait_memory", "wait_woken", "alloc_send_pskb", "n_tty_write"]),
    ("poll", &["poll", "select"]),
    ("wait", &["do_wait"]),
];

fn name(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let token = &tokens[0];
    let begins = token.text.starts_with(|letter: char| letter.is_ascii_lowercase());
    if token.quoted || !begins || !token.text.chars().all(is_name_letter) {
        let error = source.error(token.span.clone(), format!("`{}` is no name", token.text));
        return Err(error.expecting("expected lower-case letters, digits, `-` or `_`"));
    }
    Ok((Value::Name(token.text.clone()), 1))
}

fn text(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let token = &tokens[0];
    if !token.quoted {
        let error = source.error(token.span.clone(), format!("`{}` is not in quotes", token.text));
        return Err(error.expecting("expected a text").help(format!("write \"{}\"", token.text)));
    }
    Ok((Value::Text(Text::parse(source, token)?), 1))
}

fn bytes(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let token = &tokens[0];
    if token.quoted {
        return text(source, tokens);
    }
    match (token.text.as_str(), tokens.get(1)) {
        ("hex", Some(digits)) if digits.quoted => {
            Ok((Value::Text(Text::of_bytes(hex_bytes(source, digits)?)), 2))
        }
        ("file", Some(name)) if name.quoted => {
            Ok((Value::Text(Text::of_bytes(file_bytes(source, name)?)), 2))
        }
        ("hex" | "file", _) => {
            let error = source.error(token.span.clone(), format!("`{}` without a text", token.text));
            Err(error.expecting(format!("expected `{} \"…\"`", token.text)))
        }
        _ if token.text.starts_with(|letter: char| letter.is_ascii_digit()) => payload(source, tokens),
        _ => Err(source
            .error(token.span.clone(), format!("`{}` stands for no bytes", token.text))
            .expecting("expected a text in quotes, `hex \"…\"`, `file \"…\"` or a length")),
    }
}

fn hex_bytes(source: &SourceText<'_>, token: &Token) -> Result<Vec<u8>, FileError> {
    let (mut found, mut half) = (Vec::new(), None);
    for (offset, letter) in token.text.char_indices().filter(|(_, letter)| !letter.is_whitespace()) {
        let at = token.span.start + 1 + offset;
        let place = at..at + letter.len_utf8();
        let Some(digit) = letter.to_digit(16) else {
            let error = source.error(place, format!("`{letter}` is no hexadecimal digit"));
            return Err(error.expecting("expected 0-9, a-f or a space"));
        };
        half = match half {
            None => Some((digit, place)),
            Some((high, _)) => {
                found.push((high << 4 | digit) as u8);
                None
            }
        };
    }
    match half {
        None => Ok(found),
        Some((_, place)) => {
            Err(source.error(place, "half a byte").expecting("expected a second hexadecimal digit"))
        }
    }
}

/// Reads a file whose name is relative to the directory of the scene.
fn file_bytes(source: &SourceText<'_>, token: &Token) -> Result<Vec<u8>, FileError> {
    let folder = Path::new(source.file).parent().unwrap_or(Path::new(""));
    fs::read(folder.join(&token.text)).map_err(|error| {
        let place = token.span.start + 1..token.span.end - 1;
        let error = source.error(place, format!("cannot read this file: {error}"));
        error.expecting("expected a file, relative to the scene")
    })
}

fn payload(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let count = digits(source, &tokens[0])?;
    let Some(unit) = tokens.get(1) else {
        let error = source.error(tokens[0].span.clone(), "a length without a unit");
        return Err(error.expecting("expected `bytes`, `KiB` or `MiB` after it"));
    };
    let units = [("byte", 1), ("bytes", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];
    let Some((_, size)) = units.into_iter().find(|(name, _)| *name == unit.text) else {
        let error = source.error(unit.span.clone(), format!("unknown unit `{}`", unit.text));
        let error = error.expecting("expected `bytes`, `KiB` or `MiB`");
        return Err(error.suggest(&unit.text, units.map(|(name, _)| name)));
    };
    let length = count.checked_mul(size).filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| {
        let span = tokens[0].span.start..unit.span.end;
        source.error(span, "more bytes than a step can send").expecting("expected 64 MiB at most")
    })?;
    Ok((Value::Payload(length), 2))
}

fn size(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    match payload(source, tokens)? {
        (Value::Payload(length), taken) => Ok((Value::Size(length), taken)),
        other => Ok(other),
    }
}

fn digits(source: &SourceText<'_>, token: &Token) -> Result<usize, FileError> {
    let digits: String = token.text.chars().filter(|letter| *letter != ',').collect();
    digits.parse().ok().filter(|_| !token.quoted).ok_or_else(|| {
        source
            .error(token.span.clone(), format!("`{}` is no number", token.text))
            .expecting("expected a number")
    })
}

fn number(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    Ok((Value::Number(digits(source, &tokens[0])?), 1))
}

/// The units of a time, and the number of milliseconds in each.
const UNITS: [(&str, u32); 3] = [("ms", 1), ("s", 1000), ("min", 60_000)];

fn time(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let text = &tokens[0].text;
    let split = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (count, mut unit, mut taken) = (&text[..split], &text[split..], 1);
    if unit.is_empty() && tokens.get(1).is_some_and(|next| UNITS.iter().any(|(name, _)| next.text == *name)) {
        (unit, taken) = (&tokens[1].text, 2);
    }
    let wrong = |message: String| source.error(tokens[0].span.clone(), message);
    let count: f64 = count.parse().map_err(|_| {
        wrong(format!("`{text}` is no time")).expecting("expected a time such as `300ms`, `2s` or `1min`")
    })?;
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let message =
            if unit.is_empty() { "a time without a unit".into() } else { format!("unknown unit `{unit}`") };
        return Err(wrong(message).expecting("expected `ms`, `s` or `min`"));
    };
    let time = Duration::try_from_secs_f64(count * f64::from(*millis) / 1000.0).ok();
    let time = time.filter(|time| !time.is_zero() && *time <= Duration::from_secs(3600));
    let time =
        time.ok_or_else(|| wrong(format!("`{text}` is no limit")).expecting("expected 1 ms to 60 min"))?;
    Ok((Value::Time(time), taken))
}

fn signal(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let token = &tokens[0];
    let named = token.text.parse::<Signal>().ok();
    let signal = named.ok_or_else(|| {
        let error = source.error(token.span.clone(), format!("no signal is called `{}`", token.text));
        let names = || Signal::iterator().map(Signal::as_str);
        let long = format!("SIG{}", token.text.to_uppercase());
        match names().find(|name| *name == long) {
            Some(name) => error.help(format!("write `{name}`")),
            None => error.expecting("expected a name such as SIGTERM").suggest(&token.text, names()),
        }
    })?;
    Ok((Value::Signal(signal), 1))
}

fn address(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let token = &tokens[0];
    let address = token.text.parse::<std::net::IpAddr>().ok().filter(std::net::IpAddr::is_loopback);
    if address.is_none() {
        let error =
            source.error(token.span.clone(), format!("`{}` is no address of this machine", token.text));
        return Err(error.expecting("expected a loopback address, such as 127.0.0.2"));
    }
    Ok((Value::Name(token.text.clone()), 1))
}

fn state(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let token = &tokens[0];
    let names = || TcpState::OF_CONNECTIONS.iter().map(TcpState::to_string);
    match TcpState::OF_CONNECTIONS.iter().find(|state| state.to_string() == token.text) {
        Some(state) => Ok((Value::State(*state), 1)),
        None => {
            let error =
                source.error(token.span.clone(), format!("`{}` is no state of a connection", token.text));
            let names: Vec<String> = names().collect();
            let near =
                most_similar(&token.text.to_uppercase().replace('-', "_"), names.iter().map(String::as_str));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let error =
                error.expecting(format!("expected {}", join_with_or(names.iter().map(String::as_str))));
            Err(help.into_iter().fold(error, FileError::help))
        }
    }
}

/// The standard streams that a server writes to: the name and the number of the descriptor.
const STREAMS: [(&str, usize); 2] = [("output", 1), ("error", 2)];

fn stream(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let error = |token: &Token| {
        let error = source
            .error(token.span.clone(), format!("`{}` is no stream that a server writes to", token.text));
        error.expecting("expected `standard output` or `standard error`")
    };
    let (first, second) = (&tokens[0], tokens.get(1));
    let found = STREAMS.iter().find(|(name, _)| second.is_some_and(|second| second.text == *name));
    match found.filter(|_| first.text == "standard") {
        Some((_, number)) => Ok((Value::Number(*number), 2)),
        None => Err(error(second.filter(|_| first.text == "standard").unwrap_or(first))),
    }
}

fn call(source: &SourceText<'_>, tokens: &[Token]) -> Read {
    let token = &tokens[0];
    if CALLS.iter().any(|(name, _)| *name == token.text) {
        return Ok((Value::Name(token.text.clone()), 1));
    }
    let error = source.error(token.span.clone(), format!("`{}` is no call that can be seen", token.text));
    let error = error.expecting("expected `accept`, `read`, `write`, `poll` or `wait`");
    Err(error.suggest(&token.text, CALLS.iter().map(|(name, _)| *name)))
}
