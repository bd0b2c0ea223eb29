//! Requests that no server can use, made from a correct one.

/// A request that a server cannot use.
#[derive(Debug)]
pub struct BadRequest {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The number of bytes at the beginning of a request that are changed one at a time.
const CHANGED: usize = 24;

/// The maximum number of numbers in a request that are changed, one at a time.
const NUMBERS: usize = 6;

/// The length of a line that does not end.
const LONG_LINE: usize = 64 * 1024;

/// Returns bad requests for a server that reads a stream.
pub fn bad_streams(correct: &[u8], random: &[u8]) -> Vec<BadRequest> {
    let mut all = changes_of_text(correct);
    all.extend([
        bad("a line that does not end", &vec![b'a'; LONG_LINE]),
        bad("random bytes", random),
        bad("the first half of a request", &correct[..correct.len() / 2]),
    ]);
    all.extend(changes_of_bytes(correct));
    all
}

/// Returns bad requests for a server that receives messages, `with_empty` also one without a byte.
pub fn bad_messages(correct: &[u8], random: &[u8], with_empty: bool) -> Vec<BadRequest> {
    let mut all: Vec<_> = with_empty.then(|| bad("an empty message", &[])).into_iter().collect();
    all.extend(changes_of_text(correct));
    all.push(bad("random bytes", random));
    let cut = |length| bad(&format!("a request cut after byte {length}"), &correct[..length]);
    all.extend((1..correct.len().min(2 * CHANGED)).map(cut));
    all.extend(changes_of_bytes(correct));
    all
}

fn bad(name: &str, bytes: &[u8]) -> BadRequest {
    BadRequest { name: name.to_owned(), bytes: bytes.to_vec() }
}

/// Returns the correct request with mistakes that parsers of text stumble over.
fn changes_of_text(correct: &[u8]) -> Vec<BadRequest> {
    let mut all = vec![
        bad("bytes that are no UTF-8", b"\xe9\xff\xfe\r\n"),
        bad("a request with the byte E9 in a word", &with_last_letter(correct, 0xE9)),
        bad("a line end alone", b"\r\n"),
        bad("NUL bytes", b"\0\0\0\0\0\0\0\0\r\n"),
    ];
    all.extend(with_other_name(correct).map(|bytes| bad("a request with an unknown name", &bytes)));
    all.extend(first_word(correct).map(|bytes| bad("the first word of a request alone", &bytes)));
    for wrong in ["-1", "0", "999999999999999999999"] {
        let numbers = numbers(correct).into_iter().take(NUMBERS);
        all.extend(numbers.map(|(from, to)| {
            let name = format!("a request with {wrong} in the place of {}", correct[from..to].escape_ascii());
            bad(&name, &[&correct[..from], wrong.as_bytes(), &correct[to..]].concat())
        }));
    }
    all
}

/// Returns a binary request with each of its first bytes changed, one at a time. Returns nothing for a request of text.
fn changes_of_bytes(correct: &[u8]) -> Vec<BadRequest> {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || b" \t\r\n".contains(byte);
    let first = &correct[..correct.len().min(CHANGED)];
    if first.iter().all(is_text) {
        return Vec::new();
    }
    let changed = |at: usize, byte: u8| {
        let mut bytes = correct.to_vec();
        bytes[at] = byte;
        bad(&format!("a request with {byte:02X} as byte {at}"), &bytes)
    };
    (0..first.len()).flat_map(|at| [changed(at, 0xFF), changed(at, 0)]).collect()
}

fn with_last_letter(correct: &[u8], byte: u8) -> Vec<u8> {
    let mut bytes = correct.to_vec();
    if let Some(letter) = bytes.iter_mut().rfind(|byte| byte.is_ascii_alphabetic()) {
        *letter = byte;
    }
    bytes
}

/// Returns the request with its first word of letters changed to another of the same length.
fn with_other_name(correct: &[u8]) -> Option<Vec<u8>> {
    const SHORTEST: usize = 3;
    let (from, to) =
        runs(correct, u8::is_ascii_alphabetic).into_iter().find(|(from, to)| to - from >= SHORTEST)?;
    let mut bytes = correct.to_vec();
    bytes[from..to].fill(b'Z');
    Some(bytes)
}

/// Returns the first word of a request whose first line has several.
fn first_word(correct: &[u8]) -> Option<Vec<u8>> {
    let end = correct.iter().position(|byte| b" \r\n".contains(byte))?;
    (correct[end] == b' ').then(|| [&correct[..end], b"\r\n\r\n"].concat())
}

/// Returns where the numbers of a request stand: digits without a letter beside them.
fn numbers(correct: &[u8]) -> Vec<(usize, usize)> {
    let words = runs(correct, u8::is_ascii_alphanumeric).into_iter();
    words.filter(|&(from, to)| correct[from..to].iter().all(u8::is_ascii_digit)).collect()
}

/// Returns the beginnings and ends of the longest runs of bytes that `belongs` accepts.
fn runs(bytes: &[u8], belongs: impl Fn(&u8) -> bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| belongs(byte)) {
        match found.last_mut() {
            Some((_, to)) if *to == at => *to += 1,
            _ => found.push((at, at + 1)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_name<'a>(all: &'a [BadRequest], part: &str) -> Vec<&'a [u8]> {
        all.iter().filter(|one| one.name.contains(part)).map(|one| &*one.bytes).collect()
    }

    #[test]
    fn each_number_is_changed_by_itself() {
        let all = bad_streams(b"*2\r\n$4\r\nECHO\r\n$2\r\nx1\r\n", &[]);
        let wanted: [&[u8]; 3] = [
            b"*-1\r\n$4\r\nECHO\r\n$2\r\nx1\r\n",
            b"*2\r\n$-1\r\nECHO\r\n$2\r\nx1\r\n",
            b"*2\r\n$4\r\nECHO\r\n$-1\r\nx1\r\n",
        ];
        assert_eq!(with_name(&all, "with -1"), wanted);
        assert_eq!(with_name(&all, "unknown name"), [b"*2\r\n$4\r\nZZZZ\r\n$2\r\nx1\r\n"]);
    }

    #[test]
    fn first_word_is_that_of_a_line_with_several() {
        assert_eq!(first_word(b"GET / HTTP/1.1\r\n\r\n").as_deref(), Some(&b"GET\r\n\r\n"[..]));
        assert_eq!(first_word(b"NOOP\r\n"), None);
    }

    #[test]
    fn binary_requests_alone_have_single_bytes_changed() {
        assert!(changes_of_bytes(b"hello\n").is_empty());
        assert_eq!(changes_of_bytes(b"\0\x0chello\n").len(), 16);
    }

    #[test]
    fn messages_are_cut_to_each_length() {
        let all = bad_messages(b"abcd", &[], true);
        let wanted: [&[u8]; 3] = [b"a", b"ab", b"abc"];
        assert_eq!(with_name(&all, "cut after"), wanted);
        assert_eq!(with_name(&all, "empty"), [b""]);
    }
}
