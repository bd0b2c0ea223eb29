//! The servers of a project: `[server.NAME]`, or `[[server]]` with a key `name`.

use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::Path;

use nix::sys::signal::Signal;
use regex_automata::meta::Regex;
use toml::de::DeValue;

use super::expectations::{self, KnownFailure};
use crate::protocol::{FileError, Protocol, Table, join_with_or};
use crate::server::{
    LaunchError, ReadyTest, Setup, Spec, Start, fixed_address, running_address, signal_named,
};
use crate::transport::{TRANSPORTS, Transport};

/// A server that is described in `echospec.toml`.
#[derive(Debug)]
pub struct ConfiguredServer {
    /// The specification by which the server is launched. Its name is that in the file.
    pub spec: Spec,
    /// Whether the configuration file names no protocol for the server, so that echospec assumes that this is an echo
    /// server.
    pub protocol_is_assumed: bool,
    pub(super) known_failures: Vec<KnownFailure>,
}

pub(super) const KEYS: [&str; 16] = [
    "transport",
    "command",
    "start",
    "connect",
    "i-own",
    "protocol",
    "set",
    "env",
    "files",
    "addr",
    "ready-when",
    "stop",
    "reload",
    "expect",
    "name",
    "about",
];

/// The keys of a server that say how it is launched.
const OF_LAUNCHED: [&str; 8] = ["command", "start", "env", "files", "addr", "ready-when", "stop", "reload"];

/// Reads all servers of the configuration file `root`, in its order. Files that it names are below `folder`.
pub(super) fn read(root: &Table<'_, '_>, folder: &Path) -> Result<Vec<ConfiguredServer>, FileError> {
    let mut servers: Vec<ConfiguredServer> = Vec::new();
    for (name, table) in named_tables(root)? {
        if servers.iter().any(|other| other.spec.name() == Some(&*name)) {
            let span = table.get("name").map_or(table.span.clone(), toml::Spanned::span);
            let error = root.source.error(span, format!("two servers are called `{name}`"));
            return Err(error.expecting("expected another name"));
        }
        servers.push(Reader { table, folder, name }.server()?);
    }
    Ok(servers)
}

/// Returns the table of each server in the configuration file, with the server's name.
fn named_tables<'a, 't>(root: &Table<'a, 't>) -> Result<Vec<(String, Table<'a, 't>)>, FileError> {
    let Some(value) = root.get("server") else { return Ok(Vec::new()) };
    if value.get_ref().is_array() {
        let tables = root.parse_tables("server")?;
        let named = tables.into_iter().map(|table| {
            let (name, _) = table.required_string("name", "`[[server]]`", "the server's name")?;
            Ok((name.to_owned(), table))
        });
        return named.collect();
    }
    let Some(all) = root.table("server")? else { return Ok(Vec::new()) };
    let tables = all.entries().into_iter().map(|(name, value)| match value.get_ref() {
        DeValue::Table(table) => {
            let table = Table { source: root.source, table, span: name.span() };
            Ok((name.get_ref().to_string(), table))
        }
        _ => {
            let error = root.source.error(name.span(), "a server needs a name");
            Err(error.expecting("expected a table `[server.NAME]`, or `[[server]]` with a key `name`"))
        }
    });
    tables.collect()
}

/// Reads the table of one server in the configuration file.
struct Reader<'a, 't, 'f> {
    table: Table<'a, 't>,
    folder: &'f Path,
    name: String,
}

impl Reader<'_, '_, '_> {
    fn server(&self) -> Result<ConfiguredServer, FileError> {
        self.table.has_only(&format!("the server `{}`", self.name), &KEYS)?;
        let transport = self.transport()?;
        let spec = match self.table.string("connect")? {
            Some((text, span)) => self.running(transport, text, span)?,
            None => Spec::with_setup(transport, self.start()?, self.command()?, self.setup(transport)?)
                .map_err(|error| self.wrong_command(&error))?,
        };
        let spec = spec.named(&self.name);
        let protocol = self.protocol()?;
        let protocol_is_assumed = protocol.is_none();
        let spec = protocol
            .into_iter()
            .try_fold(spec, Spec::speaking)
            .map_err(|error| self.table.source.error(self.table.key_span("protocol"), error.to_string()))?;
        let known_failures = expectations::read(&self.table, Some(&self.name))?;
        Ok(ConfiguredServer { spec, protocol_is_assumed, known_failures })
    }

    /// Returns the specification of a server that runs already at the address `text`.
    fn running(
        &self,
        transport: &'static Transport,
        text: &str,
        span: Range<usize>,
    ) -> Result<Spec, FileError> {
        if let Some(key) = OF_LAUNCHED.into_iter().find(|key| self.table.get(key).is_some()) {
            let problem =
                format!("`{key}` is for a server that echospec launches, and not for one with `connect`");
            return Err(self.table.source.error(self.table.key_span(key), problem));
        }
        let owned = self.table.string("i-own")?.map(|(host, _)| host);
        let error = |problem: String| self.table.source.error(span.clone(), format!("`connect` {problem}"));
        let address = running_address(text, transport, owned).map_err(error)?;
        Spec::attached(transport, address, None)
            .map_err(|problem| self.table.source.error(span, problem.to_string()))
    }

    fn wrong_command(&self, error: &LaunchError) -> FileError {
        let place = self.table.get("command").map_or(self.table.span.clone(), toml::Spanned::span);
        let error_at = |message: String| self.table.source.error(place, message);
        match error {
            LaunchError::NoPlaceholder { wanted, .. } => {
                error_at("the command has no place for the address".into())
                    .expecting(format!("expected {wanted} where it belongs"))
                    .help("it can be in `env` or `files` instead; `addr` names a fixed address")
            }
            other => error_at(other.to_string()),
        }
    }

    fn transport(&self) -> Result<&'static Transport, FileError> {
        let names = || TRANSPORTS.iter().map(|transport| transport.name);
        let (name, span) = self.table.required_string("transport", "a server", &join_with_or(names()))?;
        Transport::named(name).ok_or_else(|| {
            let error = self.table.source.error(span, format!("no transport is called `{name}`"));
            error.expecting(format!("expected {}", join_with_or(names()))).suggest(name, names())
        })
    }

    fn start(&self) -> Result<Start, FileError> {
        let Some((name, span)) = self.table.string("start")? else { return Ok(Start::Bind) };
        Start::named(name).ok_or_else(|| {
            let error = self.table.source.error(span, format!("no way of starting is called `{name}`"));
            let names = || Start::ALL.map(Start::name);
            error.expecting(format!("expected {}", join_with_or(names()))).suggest(name, names())
        })
    }

    /// Returns the words of the server's command, which is a list, or a text that is split as a shell does.
    fn command(&self) -> Result<Vec<OsString>, FileError> {
        const EXPECTED: &str = "a list of words, or a text";
        let Some(value) = self.table.get("command") else {
            return Err(self.table.missing("command", "a server", EXPECTED));
        };
        let words = match value.get_ref() {
            DeValue::String(text) => shlex::split(text),
            DeValue::Array(words) => {
                words.iter().map(|word| Some(word.get_ref().as_str()?.to_owned())).collect()
            }
            _ => None,
        };
        match words {
            Some(words) => Ok(words.into_iter().map(OsString::from).collect()),
            None if value.get_ref().is_str() => {
                let error = self.table.source.error(value.span(), "a quote in the command is not closed");
                Err(error.expecting("expected a text as in a shell"))
            }
            None => Err(self.table.wrong_type("command", value, EXPECTED)),
        }
    }

    fn protocol(&self) -> Result<Option<Protocol>, FileError> {
        let settings = self.texts("set")?;
        self.protocol_with(&settings).map_err(|error| self.locate_setting(error, &settings))
    }

    /// Changes an error about a protocol setting so that it names the place in the configuration file.
    fn locate_setting(&self, error: FileError, settings: &[(String, String)]) -> FileError {
        let text = &error.place.text;
        let wrong = settings.iter().position(|(name, value)| name == text || value == text);
        let (Some(number), "--set", Ok(Some(set))) = (wrong, &*error.place.file, self.table.table("set"))
        else {
            return error;
        };
        let (name, value) = set.entries()[number];
        let is_name = settings[number].0 == *text;
        let span = if is_name { name.span() } else { value.span() };
        let place = self.table.source.error(span, "").place;
        FileError { place, ..error }
    }

    /// Returns the server's protocol: the configuration file gives a name, a file, or a table with the keys of a
    /// protocol file.
    fn protocol_with(&self, settings: &[(String, String)]) -> Result<Option<Protocol>, FileError> {
        let Some(value) = self.table.get("protocol") else {
            return match self.table.get("set") {
                None => Ok(None),
                Some(_) => Err(self.table.missing("protocol", "a server with `set`", "a protocol")),
            };
        };
        if let DeValue::Table(table) = value.get_ref() {
            let table = Table { source: self.table.source, table, span: self.table.key_span("protocol") };
            let is_named = table.get("name").is_some();
            let protocol = Protocol::from_table(table, settings)?;
            return Ok(Some(if is_named { protocol } else { protocol.named(&self.name) }));
        }
        let Some(name) = value.get_ref().as_str() else {
            let expected = "a name of `echospec protocols`, a file, or a table with `send` and `expect`";
            return Err(self.table.wrong_type("protocol", value, expected));
        };
        if name.contains('/') || name.ends_with(".toml") {
            let path = self.folder.join(name);
            let text = fs::read_to_string(&path).map_err(|error| {
                let message = format!("cannot read {}: {error}", path.display());
                self.table.source.error(value.span(), message)
            })?;
            return Protocol::from_toml_with(&text, &path.to_string_lossy(), settings).map(Some);
        }
        let names = || Protocol::built_ins().iter().map(|built_in| built_in.name);
        if !names().any(|known| known == name) {
            let error =
                self.table.source.error(value.span(), format!("no built-in protocol is called `{name}`"));
            return Err(error
                .expecting(format!("expected {}, or a file", join_with_or(names())))
                .suggest(name, names()));
        }
        Protocol::built_in_with_settings(name, settings).map(Some)
    }

    fn setup(&self, transport: &Transport) -> Result<Setup, FileError> {
        let mut setup = Setup::default();
        let os_texts = |key| {
            let texts = self.texts(key)?.into_iter();
            Ok(texts.map(|(name, value)| (OsString::from(name), OsString::from(value))))
        };
        setup.environment = os_texts("env")?.collect();
        setup.files = os_texts("files")?.map(|(name, content)| (name.into(), content)).collect();
        if let Some((text, span)) = self.table.string("addr")? {
            let error = |problem: String| self.table.source.error(span, format!("`addr` {problem}"));
            setup.fixed_address = Some(fixed_address(text, transport).map_err(error)?);
        }
        if let Some((pattern, span)) = self.table.string("ready-when")? {
            let pattern = Regex::new(pattern).map_err(|error| {
                let error = format!("this is no regular expression: {error}");
                self.table.source.error(span, error)
            })?;
            setup.ready_when = Some(ReadyTest::new(move |output| pattern.is_match(output)));
        }
        if let Some(signal) = self.signal("stop")? {
            setup.stop = signal;
        }
        setup.reload = self.signal("reload")?;
        Ok(setup)
    }

    fn signal(&self, key: &str) -> Result<Option<Signal>, FileError> {
        let Some((name, span)) = self.table.string(key)? else { return Ok(None) };
        signal_named(name).map(Some).ok_or_else(|| {
            let error = self.table.source.error(span, format!("no signal is called `{name}`"));
            let error = error.expecting("expected a name such as `SIGQUIT`");
            error.suggest(name, Signal::iterator().map(Signal::as_str))
        })
    }

    /// Returns the names and texts of the table `key` in a server's configuration, in the order of the file.
    fn texts(&self, key: &str) -> Result<Vec<(String, String)>, FileError> {
        let Some(table) = self.table.table(key)? else { return Ok(Vec::new()) };
        let texts = table.entries().into_iter().map(|(name, value)| {
            let text = value.get_ref().as_str();
            let text = text.ok_or_else(|| table.wrong_type(name.get_ref(), value, "a text in quotes"))?;
            Ok((name.get_ref().to_string(), text.to_owned()))
        });
        texts.collect()
    }
}
