//! A server to launch: its command with placeholders, its transport, its protocol, and how it gets its socket.

use std::ffi::OsString;
use std::sync::Arc;

use nix::sys::signal::Signal;

use super::attached_process::AttachedProcess;
use super::placeholders::{
    ADDRESS_PLACEHOLDERS, PlaceholderValues, contains_placeholder, replace_placeholder,
};
use super::program::{check_executable, locate_program};
use super::start::Start;
use super::traits::{self, MissingCapabilities};
use super::{LaunchError, Rehearsal, Setup};
use crate::protocol::Protocol;
use crate::transport::{Capabilities, Transport};

/// A program to execute, with its arguments, and the variables that are added to its environment.
#[derive(Debug)]
pub(super) struct Invocation {
    pub program: OsString,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    /// The signal that ends the program gracefully.
    pub stop: Signal,
}

/// A server under test, with everything that is needed to launch it and to speak with it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The server's name in `echospec.toml`, if it is described there.
    pub(super) name: Option<String>,
    pub(super) transport: &'static Transport,
    pub(super) start: Start,
    pub(super) command: Vec<OsString>,
    pub(super) setup: Setup,
    pub(super) protocol: Arc<Protocol>,
    /// The options of the command line that describe the server's set-up and protocol, each with a space before it.
    pub(super) options: String,
    /// The capabilities of the transport and the protocol that this server lacks.
    pub(super) lacks: Vec<MissingCapabilities>,
    /// The properties that a rehearsal found, if there was one.
    pub(super) rehearsal: Option<Rehearsal>,
    /// The process of a running server, if the user names it.
    pub(super) process: Option<AttachedProcess>,
}

impl Spec {
    /// Returns a server that speaks `transport` and is launched with `command`: the program and its arguments, in which
    /// `{addr}`, `{host}`, `{port}` and `{path}` stand for the address.
    ///
    /// # Errors
    /// [`LaunchError`] if the command is empty or has no placeholder for the address, or if the transport has no
    /// sockets to pass.
    pub fn new<S: Into<OsString>>(
        transport: &'static Transport,
        start: Start,
        command: impl IntoIterator<Item = S>,
    ) -> Result<Spec, LaunchError> {
        Spec::with_setup(transport, start, command, Setup::default())
    }

    /// Returns a server that needs more than its command: see [`Setup`].
    ///
    /// # Errors
    /// As [`new`](Spec::new). The placeholder may be in the environment or in a file instead of the command. A fixed
    /// address needs none.
    pub fn with_setup<S: Into<OsString>>(
        transport: &'static Transport,
        start: Start,
        command: impl IntoIterator<Item = S>,
        setup: Setup,
    ) -> Result<Spec, LaunchError> {
        let command = command.into_iter().map(Into::into).collect();
        let spec = Spec {
            name: None,
            transport,
            start,
            command,
            lacks: traits::ruled_out_by_setup(&setup),
            setup,
            protocol: Arc::new(Protocol::echo()),
            options: String::new(),
            rehearsal: None,
            process: None,
        };
        spec.validate()?;
        Ok(spec)
    }

    fn validate(&self) -> Result<(), LaunchError> {
        if self.command.is_empty() {
            return Err(LaunchError::NoCommand);
        }
        if self.start != Start::Bind && !self.transport.capabilities.contains(Capabilities::CONNECTIONS) {
            return Err(LaunchError::StartMismatch {
                transport: self.transport.name,
                start: self.start.name(),
            });
        }
        let wanted = self.transport.placeholders;
        let stray = ADDRESS_PLACEHOLDERS.iter().find(|place| self.mentions(place));
        if let Some(stray) = stray.filter(|_| wanted.is_empty()) {
            return Err(LaunchError::StrayPlaceholder { transport: self.transport.name, stray });
        }
        let placed = self.setup.fixed_address.is_some() || wanted.iter().any(|place| self.mentions(place));
        if self.start == Start::Bind && !wanted.is_empty() && !placed {
            return Err(LaunchError::NoPlaceholder {
                transport: self.transport.name,
                wanted: wanted.join(" or "),
                command: self.command_line(),
            });
        }
        Ok(())
    }

    /// Whether `placeholder` is anywhere in the server's command or set-up.
    fn mentions(&self, placeholder: &str) -> bool {
        let words = self.command.iter().map(OsString::as_os_str);
        words.chain(self.setup.templates()).any(|text| contains_placeholder(text, placeholder))
    }

    /// Returns this server specification, changed so that clients speak `protocol` instead of echo.
    ///
    /// # Errors
    /// [`LaunchError::ProtocolMismatch`] if the protocol does not run over the transport.
    pub fn speaking(self, protocol: Protocol) -> Result<Spec, LaunchError> {
        if !protocol.runs_over(self.transport.kind()) {
            let (protocol, transport) = (protocol.name().to_owned(), self.transport.name);
            return Err(LaunchError::ProtocolMismatch { protocol, transport });
        }
        let by_setup = if self.is_attached() { Vec::new() } else { traits::ruled_out_by_setup(&self.setup) };
        let lacks = [by_setup, traits::ruled_out_by_protocol(&protocol)].concat();
        Ok(Spec { protocol: Arc::new(protocol), lacks, ..self })
    }

    /// Returns this server specification with `name` as the server's name in reports.
    #[must_use]
    #[cfg(feature = "cli")]
    pub fn named(self, name: &str) -> Spec {
        Spec { name: Some(name.to_owned()), ..self }
    }

    /// Returns the server's name in `echospec.toml`, if it is described there.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns this server specification with `options`, the options of the command line that describe the server.
    #[must_use]
    #[cfg(feature = "cli")]
    pub(crate) fn with_options(self, options: String) -> Spec {
        Spec { options, ..self }
    }

    /// Returns the options of the command line that describe the server's set-up and protocol, for the command that
    /// repeats a run.
    #[must_use]
    pub(crate) fn options(&self) -> &str {
        &self.options
    }

    /// Makes the server's clients speak `protocol`, and returns the protocol that they spoke before.
    pub(super) fn replace_protocol(&mut self, protocol: Arc<Protocol>) -> Arc<Protocol> {
        std::mem::replace(&mut self.protocol, protocol)
    }

    /// Returns the protocol that the server speaks.
    #[must_use]
    pub fn protocol(&self) -> &Arc<Protocol> {
        &self.protocol
    }

    /// Returns this server specification, in which the server also lacks the capabilities of `lack`.
    #[must_use]
    pub(crate) fn with_missing(mut self, lack: MissingCapabilities) -> Spec {
        self.lacks.push(lack);
        self
    }

    /// Returns this server specification with the properties that a rehearsal found.
    #[must_use]
    pub(crate) fn with_rehearsal(self, rehearsal: Rehearsal) -> Spec {
        Spec { rehearsal: Some(rehearsal), ..self }
    }

    /// Returns the properties that a rehearsal with the server found, if there was one.
    #[must_use]
    pub fn rehearsal(&self) -> Option<&Rehearsal> {
        self.rehearsal.as_ref()
    }

    /// Returns the reason why a check that requires `required` cannot test the server, if the server lacks any of these
    /// capabilities.
    #[must_use]
    pub(crate) fn why_missing(&self, required: Capabilities) -> Option<&str> {
        let lack = self.lacks.iter().find(|lack| lack.capabilities.intersects(required));
        lack.map(|lack| lack.reason.as_str())
    }

    /// Returns the set-up of the server beyond its command.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns this server specification, changed so that the program at the beginning of `words`, such as a tracer,
    /// executes the server's command.
    #[must_use]
    #[cfg(feature = "cli")]
    pub(crate) fn wrapped_in<S: Into<OsString>>(&self, words: impl IntoIterator<Item = S>) -> Spec {
        let command = words.into_iter().map(Into::into).chain(self.command.iter().cloned()).collect();
        Spec { command, ..self.clone() }
    }

    /// Returns this server specification with each name of `values` replaced by its value, in the command and the
    /// set-up.
    #[must_use]
    pub(crate) fn with_values(&self, values: &[(String, OsString)]) -> Spec {
        let fill = |text: &OsString| {
            values.iter().fold(text.clone(), |text, (name, value)| replace_placeholder(&text, name, value))
        };
        let mut setup = self.setup.clone();
        setup.environment.iter_mut().for_each(|(_, value)| *value = fill(value));
        setup.files.iter_mut().for_each(|(_, content)| *content = fill(content));
        Spec { command: self.command.iter().map(fill).collect(), setup, ..self.clone() }
    }

    /// Returns this server with further environment variables: the name and the value of each.
    pub(crate) fn with_environment(&self, variables: &[(String, String)]) -> Spec {
        let mut spec = self.clone();
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        spec.setup.environment.extend(variables);
        spec
    }

    /// Returns the transport by which clients reach the server.
    #[must_use]
    pub fn transport(&self) -> &'static Transport {
        self.transport
    }

    /// Returns the way in which the server gets its socket.
    #[must_use]
    pub fn start(&self) -> Start {
        self.start
    }

    /// Whether the server's command holds the address to listen on, and not the port alone.
    #[must_use]
    pub(crate) fn is_told_host(&self) -> bool {
        self.mentions("{addr}") || self.mentions("{host}")
    }

    /// Returns the server's command as it was given, quoted for a POSIX shell; for a server that runs already, its
    /// address.
    #[must_use]
    pub fn command_line(&self) -> String {
        if let Some(address) = self.setup.fixed_address.as_ref().filter(|_| self.is_attached()) {
            return address.to_string();
        }
        let words = self.command.iter().map(|word| word.to_string_lossy());
        let quoted =
            words.map(|word| shlex::try_quote(&word).map_or(word.to_string(), std::borrow::Cow::into_owned));
        quoted.collect::<Vec<_>>().join(" ")
    }

    /// Checks that the server's program exists, so that a missing program is reported alike for all ways of starting.
    pub(super) fn find_program(&self) -> Result<(), LaunchError> {
        let program = locate_program(self.command[0].clone());
        let refused = |error: nix::Error| LaunchError::Spawn {
            program: program.to_string_lossy().into_owned(),
            error: error.into(),
        };
        check_executable(&program).map_err(refused)
    }

    /// Returns the server's command with all placeholders filled.
    pub(super) fn fill_placeholders(&self, values: &PlaceholderValues) -> Invocation {
        let mut words = self.command.iter().map(|word| values.fill(word));
        let program = locate_program(words.next().unwrap_or_default());
        let variables = self.setup.environment.iter();
        Invocation {
            program,
            arguments: words.collect(),
            environment: variables.map(|(name, value)| (name.clone(), values.fill(value))).collect(),
            stop: self.setup.stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp() -> &'static Transport {
        Transport::named("tcp").unwrap()
    }

    #[test]
    fn a_command_without_a_place_for_the_address_is_refused() {
        let error = Spec::new(tcp(), Start::Bind, ["cat"]).unwrap_err().to_string();
        assert!(error.contains("{addr} or {port}"), "{error}");
        assert!(Spec::new(tcp(), Start::Inetd, ["cat"]).is_ok());
    }

    #[test]
    fn a_server_that_is_given_a_port_alone_is_not_told_its_host() {
        let told = |word| Spec::new(tcp(), Start::Bind, ["serve", word]).unwrap().is_told_host();
        assert!(told("--on={host}:{port}") && told("{addr}") && !told("{port}"));
    }

    #[test]
    fn the_command_line_can_be_pasted_into_a_shell() {
        let spec = Spec::new(tcp(), Start::Bind, ["my server", "--on", "{addr}"]).unwrap();
        assert_eq!(spec.command_line(), "'my server' --on '{addr}'");
    }
}
