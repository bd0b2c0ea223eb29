//! The protocol of a recording, as a line of a scene's head.

use crate::protocol::Protocol;

/// Returns the line that names `protocol` and those settings that are not as usual. `None` for echo.
pub(super) fn line(protocol: &Protocol) -> Option<String> {
    if protocol.replies_equal_requests() {
        return None;
    }
    let usual = Protocol::built_in(protocol.name()).ok();
    let usual = usual.as_ref().map(Protocol::settings).unwrap_or_default();
    let changed: Vec<_> = protocol.settings().iter().filter(|setting| !usual.contains(setting)).collect();
    let words: Vec<String> = changed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let is_word =
        |word: &String| !word.contains(|letter: char| letter.is_whitespace() || "\"#".contains(letter));
    let is_built_in = Protocol::built_in_with_settings(protocol.name(), protocol.settings())
        .is_ok_and(|built_in| built_in == *protocol);
    if is_built_in && words.iter().all(is_word) {
        return Some([vec![format!("protocol {}", protocol.name())], words].concat().join(" "));
    }
    Some("# Its clients speak the protocol of the check: run it with the same --protocol and --set".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_protocols_are_named_with_their_settings() {
        let http = |settings: &[(&str, &str)]| {
            let owned: Vec<_> =
                settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            line(&Protocol::built_in_with_settings("http", &owned).unwrap())
        };
        assert_eq!(line(&Protocol::echo()), None);
        assert_eq!(http(&[]).as_deref(), Some("protocol http"));
        assert_eq!(http(&[("path", "/slow")]).as_deref(), Some("protocol http path=/slow"));
        assert!(http(&[("reply", "a b")]).unwrap().starts_with("# "));
        let own = Protocol::from_toml(
            "name = \"http\"\nsend = 'x{token}\\n'\nexpect = 'y{token}\\n'\n",
            "own.toml",
        );
        assert!(line(&own.unwrap()).unwrap().starts_with("# "));
    }
}
