//! `echospec protocols`: the built-in protocols, and the file of each.

use std::io::Write;
use std::process::ExitCode;

use super::{CliError, exit};
use crate::protocol::{Protocol, TransportKind};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the file of this protocol, to copy and change.
    name: Option<String>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout().lock();
    if let Some(name) = &args.name {
        // Reports an unknown name with the nearest one.
        Protocol::built_in(name).map_err(|error| CliError::usage(error.to_string()))?;
        let file = Protocol::built_ins().iter().find(|built_in| built_in.name == name);
        file.map_or(Ok(()), |built_in| out.write_all(built_in.text.as_bytes()))?;
        return Ok(ExitCode::from(exit::ALL_AS_EXPECTED));
    }
    for built_in in Protocol::built_ins() {
        let protocol = Protocol::built_in(built_in.name)?;
        writeln!(out, "{:<14}{:<18}{}", built_in.name, carriers(&protocol), protocol.description())?;
    }
    writeln!(
        out,
        "\n`echospec protocols NAME` prints the file of one; `echospec explain protocol` describes the format."
    )?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

fn carriers(protocol: &Protocol) -> String {
    let named = [(TransportKind::Stream, "streams"), (TransportKind::Message, "messages")];
    let carried = named.into_iter().filter(|(carrier, _)| protocol.runs_over(*carrier));
    carried.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}
