//! Properties of a server that a rehearsal found.

/// Properties of a server that were found by speaking its protocol before any check. A property is `None` if it was not
/// tested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct Rehearsal {
    /// Whether the server sends something before it has read anything.
    pub speaks_first: Option<bool>,
    /// Whether the connection stays open after a reply.
    pub keep_alive: Option<bool>,
    /// Whether the server answers both of two requests that arrive together.
    pub pipelining: Option<bool>,
    /// Whether a client that has shut down its side of the connection gets its reply, and then end of file.
    pub half_close: Option<bool>,
    /// Whether the server answers a client from another loopback address, 127.0.0.2.
    pub other_sources: Option<bool>,
    /// The differences between the server and its protocol file, one sentence for each.
    pub differences: Vec<String>,
}

impl Rehearsal {
    /// Returns the properties of the server in words, separated by commas. The text is empty if no property was tested.
    #[must_use]
    pub fn summary(&self) -> String {
        let properties = [
            (self.keep_alive, "the connection stays open", "the connection closes after a reply"),
            (
                self.pipelining,
                "two requests at once are answered",
                "two requests at once are not both answered",
            ),
            (self.half_close, "half-close is honoured", "half-close is not honoured"),
            (self.speaks_first, "the server speaks first", "the server is silent first"),
            (self.other_sources, "", "clients from 127.0.0.2 are refused"),
        ];
        let words = properties.into_iter().filter_map(|(found, yes, no)| Some(if found? { yes } else { no }));
        words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_names_what_was_asked() {
        let rehearsal = Rehearsal {
            speaks_first: Some(false),
            keep_alive: Some(true),
            other_sources: Some(true),
            ..Rehearsal::default()
        };
        assert_eq!(rehearsal.summary(), "the connection stays open, the server is silent first");
        assert_eq!(Rehearsal::default().summary(), "");
    }
}
