//! Names in texts and patterns: each stands for bytes, or keeps them.

use std::ops::Range;

use super::{Meaning, Names};
use crate::protocol::FileError;
use crate::scene::text::{ANY, PLACES, Part, Text};

impl Names<'_> {
    pub(super) fn text(&self, text: &Text) -> Result<(), FileError> {
        text.names().try_for_each(|(name, span)| self.bytes(name, span))
    }

    fn bytes(&self, name: &str, span: Range<usize>) -> Result<(), FileError> {
        let is_place = PLACES.contains(&name) || self.header.peer(name).is_some();
        let is_parameter = self.parameters.names().any(|parameter| parameter == name);
        if is_place || is_parameter || self.known.get(name) == Some(&Meaning::Bytes) {
            return Ok(());
        }
        let error = self.error(span, format!("`{name}` stands for no bytes yet"));
        let help = format!(r#"keep some with a step such as `a receives pattern "id {{{name}}}\r\n"`"#);
        Err(self.nearest(error, name, &Meaning::Bytes, help))
    }

    pub(super) fn pattern(&mut self, text: &Text, span: &Range<usize>) -> Result<(), FileError> {
        let mut open: Option<Range<usize>> = None;
        for part in &text.0 {
            match part {
                Part::Bytes(_) => open = None,
                Part::Name(name, place) => {
                    let known = name != ANY && self.bytes(name, place.clone()).is_ok();
                    if let Some(place) = open.filter(|_| !known) {
                        let error = self.error(place, "this name has no end");
                        return Err(error.expecting("expected bytes between two names"));
                    }
                    open = (!known).then(|| place.clone());
                    if !known && name != ANY {
                        self.require_free(name, place)?;
                        self.known.insert(name.clone(), Meaning::Bytes);
                    }
                }
            }
        }
        if let Some(place) = open {
            let error = self.error(place, "this name has no end");
            return Err(error.expecting("expected bytes behind it, such as `\\n`"));
        }
        if text.0.is_empty() {
            return Err(self.error(span.clone(), "an empty pattern").expecting("expected a text"));
        }
        Ok(())
    }
}
