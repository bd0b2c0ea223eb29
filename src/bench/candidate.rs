//! The candidates of a comparison: bundled servers, and servers given by `--server`.

use super::comparison::CandidateInfo;
use super::mechanism::Mechanism;
use crate::server::{LaunchError, Spec, Start};
use crate::transport::{MEASURED_ONLY, TRANSPORTS, Transport};

/// A mechanism of interprocess communication, or a user's server, that `echospec compare` can launch and measure.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The name of a measured mechanism or server, unique in a comparison.
    pub name: String,
    /// A one-line description of a measured mechanism or server.
    pub description: String,
    /// True for a server that is bundled with echospec, false for a server given by `--server`.
    pub bundled: bool,
    /// The specification by which a measured server is launched.
    pub spec: Spec,
    /// The specification of a variant of a measured server that never sleeps, if there is one.
    pub spinning: Option<Spec>,
}

impl Candidate {
    /// Returns the server that is bundled with echospec for a mechanism, as a candidate of a comparison.
    ///
    /// # Errors
    /// [`LaunchError`] if the list of mechanisms names an unknown transport.
    pub fn bundled(mechanism: &Mechanism) -> Result<Candidate, LaunchError> {
        let transport = transport(mechanism.transport)?;
        let spec = |command: &[&str]| Spec::new(transport, Start::Bind, command.iter().copied());
        Ok(Candidate {
            name: mechanism.name.to_owned(),
            description: mechanism.description.to_owned(),
            bundled: true,
            spec: spec(mechanism.command)?,
            spinning: mechanism.spinning.map(spec).transpose()?,
        })
    }

    /// Parses a server to compare from `NAME=TRANSPORT:COMMAND`. The command is split into words as a shell does, but
    /// no shell runs it.
    ///
    /// # Errors
    /// A text that says what is missing, and shows the expected form.
    pub fn parse(text: &str) -> Result<Candidate, String> {
        const FORM: &str = "write NAME=TRANSPORT:COMMAND, for example: mine=tcp:./my-server {addr}";
        let (name, rest) = text.split_once('=').ok_or_else(|| format!("there is no name; {FORM}"))?;
        let (transport, command) =
            rest.split_once(':').ok_or_else(|| format!("there is no transport; {FORM}"))?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("a name is one word; {FORM}"));
        }
        let words = shlex::split(command).ok_or("the command has an unclosed quote")?;
        let transport = self::transport(transport).map_err(|error| {
            let names: Vec<_> =
                TRANSPORTS.iter().chain(MEASURED_ONLY).map(|transport| transport.name).collect();
            format!("{error}; there are {}", names.join(", "))
        })?;
        let spec = Spec::new(transport, Start::Bind, words).map_err(|error| error.to_string())?;
        let description = format!("{name}, by {}", transport.name);
        Ok(Candidate { name: name.to_owned(), description, bundled: false, spec, spinning: None })
    }

    /// Returns the description of a measured mechanism or server in the results. `unsupported` is the reason why it
    /// was not measured, if it was not.
    #[must_use]
    pub fn info(&self, unsupported: Option<String>) -> CandidateInfo {
        CandidateInfo {
            name: self.name.clone(),
            description: self.description.clone(),
            transport: self.spec.transport().name.to_owned(),
            command: self.spec.command_line(),
            bundled: self.bundled,
            unsupported,
        }
    }
}

fn transport(name: &str) -> Result<&'static Transport, LaunchError> {
    Transport::named(name).ok_or_else(|| LaunchError::NoTransport(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_the_command_as_a_shell_does() {
        let mine = Candidate::parse("go=tcp:'./go echo' --listen {addr}").unwrap();
        assert_eq!((mine.name.as_str(), mine.spec.transport().name), ("go", "tcp"));
        assert_eq!(mine.spec.command_line(), "'./go echo' --listen '{addr}'");
    }

    #[test]
    fn names_the_mistake_and_the_expected_form() {
        for (text, hint) in [
            ("./server {addr}", "NAME=TRANSPORT:COMMAND"),
            ("mine=./server", "there is no transport"),
            ("=tcp:./server {addr}", "a name is one word"),
            ("mine=tpc:./server {addr}", "there are tcp"),
            ("mine=tcp:./server 'x", "unclosed quote"),
            ("mine=tcp:./server", "{addr} or {port}"),
            ("mine=tcp:", "no server command"),
        ] {
            let error = Candidate::parse(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
