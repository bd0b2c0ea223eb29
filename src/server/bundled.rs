//! The command lines by which bundled servers are checked. They stand in the servers' own sources.

use super::{LaunchError, Spec, Start};
use crate::transport::Transport;

/// The start of a line in a source file that names a server.
const PREFIX: &str = "//! echospec check ";

/// Returns the servers that the head of `source` names, in lines of the form `//! echospec check TRANSPORT [--start
/// HOW] -- COMMAND…`.
///
/// # Errors
/// [`LaunchError`] for a line that `echospec check` would refuse.
pub fn bundled_specs(source: &str) -> Result<Vec<Spec>, LaunchError> {
    source.lines().filter_map(|line| line.strip_prefix(PREFIX)).map(plan).collect()
}

fn plan(line: &str) -> Result<Spec, LaunchError> {
    let (how, command) = line.split_once(" -- ").ok_or(LaunchError::NoCommand)?;
    let mut words = how.split(' ');
    let name = words.next().unwrap_or_default();
    let transport = Transport::named(name).ok_or_else(|| LaunchError::NoTransport(name.to_owned()))?;
    let start = match (words.next(), words.next()) {
        (Some("--start"), Some(name)) => {
            Start::named(name).ok_or_else(|| LaunchError::NoStart(name.to_owned()))?
        }
        _ => Start::Bind,
    };
    Spec::new(transport, start, command.split(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_several_lines() {
        let source = "//! Text.\n//! echospec check pipe -- echo-pipe\n//! echospec check tcp --start inetd -- echo-pipe\n";
        let plans = bundled_specs(source).unwrap();
        assert_eq!(plans.len(), 2);
        assert_eq!((plans[1].transport().name, plans[1].start()), ("tcp", Start::Inetd));
    }

    #[test]
    fn errors_name_the_unknown_word() {
        let error = bundled_specs("//! echospec check tpc -- echo-tcp {addr}\n").unwrap_err();
        assert!(error.to_string().contains("tpc"));
        let error = bundled_specs("//! echospec check tcp --start tpyo -- echo-tcp\n").unwrap_err();
        assert!(error.to_string().contains("tpyo"));
    }
}
