//! The part of the command line that describes a server: how it is started, reached and spoken to.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use regex_automata::meta::Regex;

use super::CliError;
use crate::protocol::Protocol;
use crate::server::{ReadyTest, Setup, Spec, Start, fixed_address, running_address, signal_named};
use crate::transport::{Address, TRANSPORTS, Transport};

/// The arguments of every command that launches a server.
#[derive(Debug, Default, clap::Args)]
pub struct ServerArgs {
    /// Transport by which clients reach the server.
    #[arg(value_parser = PossibleValuesParser::new(TRANSPORTS.iter().map(|transport| transport.name)))]
    #[arg(requires = "server")]
    transport: Option<String>,

    /// How the server gets its socket: it binds its own, or receives a listener as descriptor 3 (listen-fds), or
    /// each connection as descriptors 0, 1 and 2 (inetd).
    #[arg(long, default_value = "bind", value_parser = PossibleValuesParser::new(Start::ALL.map(Start::name)))]
    #[arg(conflicts_with = "connect")]
    start: String,

    /// Check a server that runs already, at ADDRESS: HOST:PORT, or a path. It is never ended, signalled or limited.
    #[arg(
        long,
        value_name = "ADDRESS",
        help_heading = "Running server",
        requires = "transport",
        group = "server"
    )]
    connect: Option<String>,

    /// Look at the running server's process N as well, for leaks of descriptors, zombies and processor time.
    #[arg(long, value_name = "N", help_heading = "Running server", requires = "connect")]
    pid: Option<i32>,

    /// Confirm that HOST is yours, if it is not this machine's loopback address. The checks connect many clients to it.
    #[arg(long, value_name = "HOST", help_heading = "Running server", requires = "connect")]
    i_own: Option<String>,

    /// Speak this protocol with the server: a name of `echospec protocols`, or a file [default: echo].
    #[arg(long, value_name = "NAME|FILE", help_heading = "Protocol", requires = "server")]
    protocol: Option<String>,

    /// Set a value of the protocol, such as path=/status; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Protocol", requires = "protocol")]
    set: Vec<String>,

    /// Describe the protocol by one request, such as 'PING {token}\r\n'. `echospec explain protocol` tells more.
    #[arg(
        long,
        value_name = "REQUEST",
        help_heading = "Protocol",
        requires_all = ["expect", "server"],
        conflicts_with = "protocol"
    )]
    send: Option<String>,

    /// The reply to the request of --send, such as 'PONG {token}\r\n'.
    #[arg(long, value_name = "REPLY", help_heading = "Protocol", requires = "send")]
    expect: Option<String>,

    /// Set an environment variable of the server; {addr}, {host}, {port}, {path} and {dir} are filled in.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        help_heading = "Server",
        requires = "command",
        conflicts_with = "connect"
    )]
    env: Vec<OsString>,

    /// Write a file into the server's directory {dir} before each launch, with the placeholders of TEMPLATE filled in.
    #[arg(
        long,
        value_name = "NAME=TEMPLATE",
        help_heading = "Server",
        requires = "command",
        conflicts_with = "connect"
    )]
    write: Vec<OsString>,

    /// The one address that the server always uses, if it cannot be told another. Checks then run one at a time.
    #[arg(
        long,
        value_name = "ADDRESS",
        help_heading = "Server",
        requires = "command",
        conflicts_with = "connect"
    )]
    addr: Option<String>,

    /// Wait until the server's output matches this regular expression, and not only until it listens.
    #[arg(
        long,
        value_name = "REGEX",
        help_heading = "Server",
        requires = "command",
        conflicts_with = "connect"
    )]
    ready_when: Option<String>,

    /// The signal that ends the server gracefully, such as SIGQUIT [default: SIGTERM].
    #[arg(
        long,
        value_name = "SIGNAL",
        help_heading = "Server",
        requires = "command",
        conflicts_with = "connect"
    )]
    stop: Option<String>,

    /// The signal at which the server reloads its configuration, such as SIGHUP.
    #[arg(
        long,
        value_name = "SIGNAL",
        help_heading = "Server",
        requires = "command",
        conflicts_with = "connect"
    )]
    reload: Option<String>,

    /// Command of the server, with {addr}, or {host} and {port}, or {path}, where the address belongs. No shell is
    /// involved.
    #[arg(last = true, value_name = "COMMAND", requires = "transport", group = "server")]
    command: Vec<OsString>,
}

impl ServerArgs {
    /// Whether the arguments of the command line describe a server.
    pub fn is_given(&self) -> bool {
        self.transport.is_some()
    }

    /// Returns the arguments for a server with this command, and no further arguments.
    pub fn of_command(transport: &str, start: &str, command: Vec<OsString>) -> ServerArgs {
        ServerArgs {
            transport: Some(transport.into()),
            start: start.into(),
            command,
            ..ServerArgs::default()
        }
    }

    /// Returns these arguments with a protocol, its settings, environment variables, files and a sign of readiness.
    pub fn with(
        self,
        protocol: Option<String>,
        set: Vec<String>,
        env: Vec<OsString>,
        write: Vec<OsString>,
        ready_when: Option<String>,
    ) -> ServerArgs {
        ServerArgs { protocol, set, env, write, ready_when, ..self }
    }

    /// Returns the specification of the server that the arguments describe.
    pub fn spec(&self) -> anyhow::Result<Spec> {
        let Some(transport) = &self.transport else {
            let text =
                "no server is given: name its transport and its command, as in: tcp -- ./my-server {addr}";
            return Err(CliError::usage(text).into());
        };
        let transport = Transport::named(transport).context("the list of transports is incomplete")?;
        let start = Start::named(&self.start).context("the list of ways of starting is incomplete")?;
        let usage = |error: crate::server::LaunchError| CliError::usage(error.to_string());
        let spec = match &self.connect {
            Some(text) => {
                let address = running_address(text, transport, self.i_own.as_deref());
                let address = address.map_err(|problem| CliError::usage(format!("--connect {problem}")))?;
                Spec::attached(transport, address, self.pid.map(Pid::from_raw))
            }
            None => Spec::with_setup(transport, start, self.command.iter().cloned(), self.setup(transport)?),
        };
        let spec = spec.map_err(usage)?.with_options(self.options());
        match self.protocol(transport)? {
            Some(protocol) => Ok(spec.speaking(protocol).map_err(usage)?),
            None => Ok(spec),
        }
    }

    /// Returns whether the user named no protocol, so that echospec assumes that this is an echo server.
    pub fn protocol_is_assumed(&self) -> bool {
        self.protocol.is_none() && self.send.is_none()
    }

    fn protocol(&self, transport: &Transport) -> anyhow::Result<Option<Protocol>> {
        let settings: Vec<_> = self.set.iter().map(|text| pair("--set", text)).collect::<Result<_, _>>()?;
        let read = match (&self.protocol, &self.send) {
            (Some(file), _) if file.contains('/') || file.ends_with(".toml") => {
                let text = fs::read_to_string(file).map_err(|error| {
                    CliError::usage(format!("cannot read the protocol file {file}: {error}"))
                })?;
                Protocol::from_toml_with(&text, file, &settings)
            }
            (Some(name), _) => Protocol::built_in_with_settings(name, &settings),
            (None, Some(send)) => {
                let expect = self.expect.as_deref().unwrap_or_default();
                Protocol::inline_over(send, expect, &[transport.kind()])
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(read.map_err(|error| CliError::usage(error.to_string()))?))
    }

    fn setup(&self, transport: &Transport) -> Result<Setup, CliError> {
        let mut setup = Setup::default();
        for text in &self.env {
            setup.environment.push(os_pair("--env", text)?);
        }
        for text in &self.write {
            let (name, template) = os_pair("--write", text)?;
            let content = fs::read(&template).map_err(|error| {
                CliError::usage(format!("cannot read the template {}: {error}", template.display()))
            })?;
            setup.files.push((name.into(), OsString::from_vec(content)));
        }
        setup.fixed_address = self.addr.as_deref().map(|text| address(text, transport)).transpose()?;
        if let Some(pattern) = &self.ready_when {
            let pattern = Regex::new(pattern).map_err(|error| {
                CliError::usage(format!("--ready-when is no regular expression: {error}"))
            })?;
            setup.ready_when = Some(ReadyTest::new(move |output| pattern.is_match(output)));
        }
        if let Some(name) = &self.stop {
            setup.stop = signal("--stop", name)?;
        }
        if let Some(name) = &self.reload {
            setup.reload = Some(signal("--reload", name)?);
        }
        Ok(setup)
    }

    /// Returns the arguments about a server as a shell reads them, for the command that runs a check again.
    fn options(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut add = |option: &str, value: &OsStr| words.push(format!(" {option} {}", quoted(value)));
        let texts = [
            ("--protocol", &self.protocol),
            ("--send", &self.send),
            ("--expect", &self.expect),
            ("--addr", &self.addr),
            ("--ready-when", &self.ready_when),
            ("--stop", &self.stop),
            ("--reload", &self.reload),
            ("--i-own", &self.i_own),
        ];
        texts.into_iter().for_each(|(option, text)| text.iter().for_each(|it| add(option, OsStr::new(it))));
        self.set.iter().for_each(|it| add("--set", OsStr::new(it)));
        self.env.iter().for_each(|it| add("--env", it));
        self.write.iter().for_each(|it| add("--write", it));
        words.concat()
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    shlex::try_quote(&word).map_or(word.to_string(), std::borrow::Cow::into_owned)
}

pub(super) fn pair(option: &str, text: &str) -> Result<(String, String), CliError> {
    let (name, value) = text.split_once('=').ok_or_else(|| no_pair(option, text))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn os_pair(option: &str, text: &OsStr) -> Result<(OsString, OsString), CliError> {
    let bytes = text.as_bytes();
    let equals = bytes.iter().position(|&byte| byte == b'=').filter(|&place| place > 0);
    let equals = equals.ok_or_else(|| no_pair(option, &text.to_string_lossy()))?;
    let part = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    Ok((part(&bytes[..equals]), part(&bytes[equals + 1..])))
}

fn no_pair(option: &str, text: &str) -> CliError {
    CliError::usage(format!("{option} needs NAME=VALUE, not '{text}'"))
}

fn address(text: &str, transport: &Transport) -> Result<Address, CliError> {
    fixed_address(text, transport).map_err(|problem| CliError::usage(format!("--addr {problem}")))
}

fn signal(option: &str, name: &str) -> Result<Signal, CliError> {
    signal_named(name).ok_or_else(|| {
        CliError::usage(format!("{option} needs the name of a signal, such as SIGQUIT, not '{name}'"))
    })
}
