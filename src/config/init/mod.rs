//! `echospec init`: finds out how a command's server is reached, and writes it as a table of `echospec.toml`.
//!
//! | file | content |
//! |---|---|
//! | `command` | the command with placeholders in place of the address that it was given |
//! | `protocols` | which built-in protocol fits |
//! | `text` | the text of the file |

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use crate::deadline::Deadlines;
use crate::server::{LaunchError, Place, find_places};
use crate::transport::{Address, Transport};

mod command;
mod protocols;
mod text;

use command::with_placeholders;
use protocols::{Fit, fitting_protocol};

/// The time for which a command must be blocked without a listening socket before it counts as a server on standard
/// input and output.
const BLOCKED: Duration = Duration::from_millis(1500);

/// The factor for the deadlines of attempts to speak a protocol: most are of protocols that the server does not speak.
const ATTEMPT_SCALE: f64 = 0.4;

/// A server that was found out by running its command.
#[derive(Debug)]
pub struct FoundServer {
    name: String,
    transport: &'static Transport,
    /// The command, with placeholders in place of an address.
    command: Vec<OsString>,
    /// The one address that the server uses, if its command does not contain it.
    fixed: Option<Address>,
    /// Other places where the server listens.
    others: Vec<String>,
    fit: Option<Fit>,
}

/// The reason why nothing was found out about a command.
#[derive(Debug)]
pub enum InitError {
    /// The command cannot be run, or it exits.
    Launch(LaunchError),
    /// The server listens where echospec does not check it.
    NotLoopback(String),
    /// A word of the command is not UTF-8, so the file cannot hold it.
    NotText(OsString),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitError::Launch(error) => error.fmt(f),
            InitError::NotLoopback(address) => write!(
                f,
                "the server listens on {address}, which is no loopback address: tell it to use 127.0.0.1, or \
                 write {{host}} where its address belongs"
            ),
            InitError::NotText(word) => {
                write!(f, "{} is not UTF-8, and echospec.toml cannot hold it", word.display())
            }
        }
    }
}

impl std::error::Error for InitError {}

impl From<LaunchError> for InitError {
    fn from(error: LaunchError) -> InitError {
        InitError::Launch(error)
    }
}

impl FoundServer {
    /// Runs `command`, finds out where its server listens and which protocol it speaks, and calls the server `name`.
    ///
    /// # Errors
    /// [`InitError`] if the command cannot be run, or its server cannot be reached.
    pub fn of(name: &str, command: &[OsString], deadlines: Deadlines) -> Result<FoundServer, InitError> {
        if let Some(word) = command.iter().find(|word| word.to_str().is_none()) {
            return Err(InitError::NotText(word.clone()));
        }
        let mut places = find_places(command, deadlines, BLOCKED)?;
        let attempts = Deadlines::scaled(deadlines.scale() * ATTEMPT_SCALE);
        if places.is_empty() {
            let transport = Transport::PIPE;
            let fit = fitting_protocol(transport, command, None, attempts)?;
            if fit.is_none() {
                // A server may do something else for a while before it listens.
                places = find_places(command, deadlines, deadlines.start() / 2)?;
            }
            if places.is_empty() {
                let (command, others) = (command.to_vec(), Vec::new());
                return Ok(FoundServer { name: name.into(), transport, command, fixed: None, others, fit });
            }
        }
        let mut first = None;
        for place in &places {
            let others = places.iter().filter(|other| *other != place).map(Place::to_string).collect();
            let found = FoundServer::at(name, command, place, others, attempts)?;
            if found.fit.is_some() {
                return Ok(found);
            }
            first = first.or(Some(found));
        }
        first.ok_or(InitError::Launch(LaunchError::NoCommand))
    }

    /// Finds out which protocol the server speaks at `place`.
    fn at(
        name: &str,
        command: &[OsString],
        place: &Place,
        others: Vec<String>,
        deadlines: Deadlines,
    ) -> Result<FoundServer, InitError> {
        if let Some(inet) = place.address.inet().filter(|inet| !inet.ip().is_loopback()) {
            return Err(InitError::NotLoopback(inet.to_string()));
        }
        let replaced = with_placeholders(command, &place.address);
        let fixed = replaced.is_none().then(|| place.address.clone());
        let command = replaced.unwrap_or_else(|| command.to_vec());
        let found = |transport, fit| FoundServer {
            name: name.into(),
            transport,
            command: command.clone(),
            fixed: fixed.clone(),
            others: others.clone(),
            fit,
        };
        for &transport in &place.transports {
            if let Some(fit) = fitting_protocol(transport, &command, fixed.as_ref(), deadlines)? {
                return Ok(found(transport, Some(fit)));
            }
        }
        Ok(found(place.transports[0], None))
    }

    /// Whether a built-in protocol fits the server.
    #[must_use]
    pub fn speaks_known_protocol(&self) -> bool {
        self.fit.is_some()
    }
}

/// Returns a name for the server of `command`: that of its program, or of the script that an interpreter executes.
#[must_use]
pub fn name_of(command: &[OsString]) -> String {
    const INTERPRETERS: [&str; 14] = [
        "python", "python3", "node", "ruby", "perl", "php", "java", "sh", "bash", "env", "npx", "uvx",
        "deno", "bun",
    ];
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let program = words.first().map(|word| base(word)).unwrap_or_default();
    let script = words.iter().skip(1).find(|word| !word.starts_with('-') && !word.contains(['=', '{', '}']));
    let is_interpreter = INTERPRETERS.contains(&&*program);
    let chosen = script.filter(|_| is_interpreter).map_or(program, |word| base(word));
    let stem = ["py", "js", "rb", "pl", "php", "sh", "jar"]
        .iter()
        .find_map(|ending| chosen.strip_suffix(&format!(".{ending}")))
        .unwrap_or(&chosen);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let name: String = stem.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
    if name.is_empty() { "server".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_after_its_program_or_script() {
        let name = |line: &str| name_of(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(name("./target/debug/my-server {addr}"), "my-server");
        assert_eq!(name("python3 -m http.server 8000"), "http-server");
        assert_eq!(name("node ./srv/index.js"), "index");
        assert_eq!(name("cat"), "cat");
    }
}
