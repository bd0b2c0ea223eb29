//! Whom a comparison measures: bundled servers by their mechanisms, and anyone's own.

use crate::server::{LaunchError, Spec, Start};
use crate::transport::{MEASURED_ONLY, TRANSPORTS, Transport};

use super::comparison::Arm;
use super::mechanism::Mechanism;

/// A server, ready to be launched.
#[derive(Debug, Clone)]
pub struct Contender {
    /// Unique in a comparison.
    pub name: String,
    /// One line about it.
    pub says: String,
    /// False for a server of the user's.
    pub bundled: bool,
    /// How it is launched.
    pub spec: Spec,
    /// How one is launched that never sleeps, where there is one.
    pub spinning: Option<Spec>,
}

impl Contender {
    /// The bundled server of a mechanism.
    ///
    /// # Errors
    /// [`LaunchError`] where the list of mechanisms names no such transport.
    pub fn bundled(mechanism: &Mechanism) -> Result<Contender, LaunchError> {
        let transport = transport(mechanism.transport)?;
        let spec = |command: &[&str]| Spec::new(transport, Start::Bind, command.iter().copied());
        Ok(Contender {
            name: mechanism.name.to_owned(),
            says: mechanism.says.to_owned(),
            bundled: true,
            spec: spec(mechanism.command)?,
            spinning: mechanism.spinning.map(spec).transpose()?,
        })
    }

    /// A server of the user's, as `NAME=TRANSPORT:COMMAND`. The command is split as a shell would split it, and none
    /// sees it.
    ///
    /// # Errors
    /// A text that names what is missing, and the form that was expected.
    pub fn from_words(text: &str) -> Result<Contender, String> {
        const FORM: &str = "write NAME=TRANSPORT:COMMAND, for example: mine=tcp:./my-server {addr}";
        let (name, rest) = text.split_once('=').ok_or_else(|| format!("there is no name; {FORM}"))?;
        let (transport, command) =
            rest.split_once(':').ok_or_else(|| format!("there is no transport; {FORM}"))?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("a name is one word; {FORM}"));
        }
        let words = shlex::split(command).ok_or("the command has a quote that does not end")?;
        let transport = self::transport(transport).map_err(|error| {
            let names: Vec<_> =
                TRANSPORTS.iter().chain(MEASURED_ONLY).map(|transport| transport.name).collect();
            format!("{error}; there are {}", names.join(", "))
        })?;
        let spec = Spec::new(transport, Start::Bind, words).map_err(|error| error.to_string())?;
        let says = format!("{name}, by {}", transport.name);
        Ok(Contender { name: name.to_owned(), says, bundled: false, spec, spinning: None })
    }

    /// What is said of it in the results.
    #[must_use]
    pub fn arm(&self, unsupported: Option<String>) -> Arm {
        Arm {
            name: self.name.clone(),
            says: self.says.clone(),
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
    fn anyones_server_is_split_as_a_shell_would_split_it() {
        let mine = Contender::from_words("go=tcp:'./go echo' --listen {addr}").unwrap();
        assert_eq!((mine.name.as_str(), mine.spec.transport().name), ("go", "tcp"));
        assert_eq!(mine.spec.command_line(), "'./go echo' --listen '{addr}'");
    }

    #[test]
    fn a_mistake_is_named_with_its_mend() {
        for (text, hint) in [
            ("./server {addr}", "NAME=TRANSPORT:COMMAND"),
            ("mine=./server", "there is no transport"),
            ("=tcp:./server {addr}", "a name is one word"),
            ("mine=tpc:./server {addr}", "there are tcp"),
            ("mine=tcp:./server 'x", "does not end"),
            ("mine=tcp:./server", "{addr} or {port}"),
            ("mine=tcp:", "no server command"),
        ] {
            let error = Contender::from_words(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
