//! The parameters of a scene: `parameter NAME = VALUE` in its head, and `{NAME}` in its steps.

use std::collections::BTreeMap;

use super::slot::slot;
use super::text::{ANY, PLACES, Text};
use super::token::{Token, tokens};
use super::value::Value;
use crate::protocol::{FileError, SourceText};

/// The parameters that a scene has declared.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters {
    declared: BTreeMap<String, Parameter>,
    /// The values that come from outside of the scene.
    set: Vec<(String, String)>,
}

/// The value of a parameter.
#[derive(Debug, Clone)]
struct Parameter {
    /// The words of the value, for steps.
    tokens: Vec<Token>,
    /// The bytes for which the parameter stands in texts.
    bytes: Vec<u8>,
}

impl Parameters {
    /// Returns no parameters. A value of `set` replaces the value that a scene declares.
    pub fn with_values(set: &[(String, String)]) -> Parameters {
        Parameters { declared: BTreeMap::new(), set: set.to_vec() }
    }

    /// Returns the names of the parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str)
    }

    /// Returns the bytes for which each parameter stands in texts.
    pub fn bytes(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> {
        self.declared.iter().map(|(name, parameter)| (name, &parameter.bytes))
    }

    /// Reads a line `parameter NAME = VALUE`. A parameter that an including scene has declared keeps its value.
    ///
    /// # Errors
    /// A line in another form, or a name that has another meaning.
    pub fn declare(&mut self, source: &SourceText<'_>, tokens: &[Token]) -> Result<(), FileError> {
        let wrong = |token: &Token, message: &str| {
            let error = source.error(token.span.clone(), message);
            Err(error.expecting("expected `parameter NAME = VALUE`"))
        };
        let (name, value) = match tokens {
            [_, _, other, ..] if other.text != "=" || other.quoted => {
                return wrong(other, "a parameter without `=`");
            }
            [_, name, _, value @ ..] if !value.is_empty() => (name, value),
            [.., last] => return wrong(last, "a parameter without a value"),
            [] => return Ok(()),
        };
        let read = slot("NEW").map(|slot| (slot.read)(source, std::slice::from_ref(name))).transpose()?;
        let Some((Value::Name(name_text), _)) = read else { return wrong(name, "this is no name") };
        let taken = match name_text.as_str() {
            ANY => Some("stands for any bytes in a pattern"),
            place if PLACES.contains(&place) => Some("is an address of the server"),
            _ => None,
        };
        if let Some(meaning) = taken {
            let error = source.error(name.span.clone(), format!("`{name_text}` {meaning}"));
            return Err(error.expecting("expected a name that has no other meaning"));
        }
        if self.declared.contains_key(&name_text) {
            return Ok(());
        }
        let mut parameter = Parameter::read(source, value)?;
        if let Some((_, text)) = self.set.iter().rfind(|(set, _)| *set == name_text) {
            parameter = parameter.replaced(&name_text, text)?;
        }
        self.declared.insert(name_text, parameter);
        Ok(())
    }

    /// Returns the tokens of a step with the values of parameters in the place of their names.
    ///
    /// # Errors
    /// A name in braces, outside of a text, that is no parameter.
    pub fn fill(&self, source: &SourceText<'_>, tokens: &[Token]) -> Result<Vec<Token>, FileError> {
        let unknown = tokens.iter().find_map(|token| Some((token, self.name_in_braces(token)?)));
        if let Some((token, name)) = unknown.filter(|(_, name)| !self.declared.contains_key(*name)) {
            let error = source.error(token.span.clone(), format!("no parameter is called `{name}`"));
            let error = error.expecting("expected a parameter of the head");
            let help = format!("write `parameter {name} = …` above all steps");
            return Err(error.help(help).suggest(name, self.names()));
        }
        self.fill_known(source, tokens)
    }

    /// Adds the value of a parameter in the line `written` to an error that marks it, if the error has no advice.
    pub fn explain(&self, written: &[Token], error: FileError) -> FileError {
        let line = &error.place.text;
        let place = line.chars().skip(error.place.column - 1).collect::<String>();
        let marked = written.iter().find_map(|token| {
            let parameter = self.declared.get(self.name_in_braces(token)?)?;
            (place.starts_with(&token.text) && error.help.is_none()).then_some((&token.text, parameter))
        });
        match marked {
            Some((name, parameter)) => {
                let value = String::from_utf8_lossy(&parameter.bytes);
                let help = format!("`{name}` stands for `{value}`");
                error.help(help)
            }
            None => error,
        }
    }

    /// Returns the tokens of a line with the values of parameters in the place of their names. Other names in braces
    /// stay as they are.
    pub fn fill_known(&self, source: &SourceText<'_>, line: &[Token]) -> Result<Vec<Token>, FileError> {
        let mut filled = Vec::new();
        for token in line {
            match self.name_in_braces(token).and_then(|name| self.declared.get(name)) {
                Some(parameter) => filled.extend(
                    parameter.tokens.iter().map(|value| Token { span: token.span.clone(), ..value.clone() }),
                ),
                None if token.quoted => filled.push(token.clone()),
                None => filled.push(Token { text: self.fill_word(&token.text), ..token.clone() }),
            }
        }
        if filled.is_empty() {
            return Err(source.error(line[0].span.clone(), "an empty line").expecting("expected a step"));
        }
        Ok(filled)
    }

    /// Returns a word with the values of parameters in the place of their names in braces.
    pub fn fill_word(&self, word: &str) -> String {
        self.declared.iter().fold(word.to_owned(), |word, (name, parameter)| {
            word.replace(&format!("{{{name}}}"), &String::from_utf8_lossy(&parameter.bytes))
        })
    }

    /// Returns the name, if `token` is nothing but a name in braces.
    fn name_in_braces<'t>(&self, token: &'t Token) -> Option<&'t str> {
        let name = token.text.strip_prefix('{')?.strip_suffix('}')?;
        (!token.quoted && !name.contains(['{', '}'])).then_some(name)
    }
}

impl Parameter {
    /// Reads the value of a parameter from the tokens of a line.
    fn read(source: &SourceText<'_>, value: &[Token]) -> Result<Parameter, FileError> {
        if let [text] = value
            && text.quoted
        {
            let parsed = Text::parse(source, text)?;
            if let Some((name, span)) = parsed.names().next() {
                let error = source.error(span, format!("`{name}` in the value of a parameter"));
                return Err(error.expecting("expected no names").help(r"write `\{` for a brace"));
            }
            let bytes = parsed.fill(&BTreeMap::new());
            return Ok(Parameter { tokens: value.to_vec(), bytes });
        }
        let words = &source.text[value[0].span.start..value[value.len() - 1].span.end];
        Ok(Parameter { tokens: value.to_vec(), bytes: words.as_bytes().to_vec() })
    }

    /// Returns the parameter `name` with the value `text` from outside of the scene. If the scene's own value is a text
    /// in quotes, the new one needs none.
    fn replaced(&self, name: &str, text: &str) -> Result<Parameter, FileError> {
        let file = format!("--set {name}");
        let is_text = self.tokens.iter().all(|token| token.quoted);
        let quoted = if is_text { format!("\"{}\"", text.replace('"', "\\\"")) } else { text.to_owned() };
        let source = SourceText { file: &file, text: &quoted };
        let value = tokens(&source, 0..quoted.len())?;
        if value.is_empty() {
            return Err(source.error(0..0, format!("`{name}` has no value")).expecting("expected a value"));
        }
        Parameter::read(&source, &value)
    }
}
