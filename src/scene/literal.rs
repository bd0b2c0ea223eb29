//! Bytes as a scene writes them.

/// Returns a number of bytes as the length of a payload.
pub(super) fn length(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// Returns a text in quotes, or hexadecimal digits if a fourth of the bytes is not printable.
pub(super) fn literal(content: &[u8]) -> String {
    let is_plain = |byte: &&u8| byte.is_ascii_graphic() || b" \r\n\t".contains(byte);
    let unprintable = content.len() - content.iter().filter(is_plain).count();
    if unprintable * 4 > content.len() {
        let digits: Vec<String> = content.iter().map(|byte| format!("{byte:02x}")).collect();
        return format!("hex \"{}\"", digits.join(" "));
    }
    let escaped = |byte: &u8| match byte {
        b'{' => r"\{".to_owned(),
        b'}' => r"\}".to_owned(),
        b'\'' => "'".to_owned(),
        other => other.escape_ascii().to_string(),
    };
    format!("\"{}\"", content.iter().map(escaped).collect::<String>())
}
