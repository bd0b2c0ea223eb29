//! Why a run could not take place.

use std::fmt;

use crate::checks::AREAS;
use crate::config::ConfigError;
use crate::protocol::FileError;
use crate::server::LaunchError;
use crate::text::did_you_mean;

/// The reason why a run of checks could not take place.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server's command does not fit its transport.
    Command(LaunchError),
    /// A glob that selects checks cannot be parsed.
    BadGlob {
        /// A glob of check ids that cannot be parsed, as the user gave it.
        glob: String,
        /// The mistake in a glob that selects checks.
        problem: String,
    },
    /// A glob that selects checks matches none at all.
    NoMatch {
        /// A glob of check ids that matches no check, as the user gave it.
        glob: String,
    },
    /// None of the selected checks applies to the server.
    NoneApplies {
        /// The transport of the server to which no selected check applies.
        transport: &'static str,
        /// The process that makes the socket of a server, as `--start` names it.
        start: &'static str,
    },
    /// The configuration file, `echospec.toml` or the file named in its place, has an error.
    Config(ConfigError),
    /// A step of a scene is impossible with the server.
    Scene(FileError),
    /// The server to be checked could not be launched.
    Launch(LaunchError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Command(error) | Error::Launch(error) => error.fmt(f),
            Error::BadGlob { glob, problem } => write!(f, "'{glob}' is no glob: {problem}"),
            Error::NoMatch { glob } => {
                let areas = AREAS.iter().map(|area| format!("{}/*", area.name));
                let hint = did_you_mean(glob, areas).unwrap_or("`echospec list` names them all".into());
                write!(f, "no check matches '{glob}'; {hint}")
            }
            Error::NoneApplies { transport, start: "attach" } => write!(
                f,
                "of the checks selected, none applies to a running {transport} server: they need one that echospec \
                 launches itself, or its process (--pid)"
            ),
            Error::NoneApplies { transport, start } => {
                write!(f, "of the checks selected, none applies to {transport} servers started by '{start}'")
            }
            Error::Config(error) => error.fmt(f),
            Error::Scene(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Command(error) | Error::Launch(error) => error.source(),
            _ => None,
        }
    }
}

impl From<LaunchError> for Error {
    fn from(error: LaunchError) -> Error {
        Error::Launch(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Error {
        Error::Config(error)
    }
}
