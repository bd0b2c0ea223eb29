//! `echospec init`: finds out how a server is reached, and writes `echospec.toml`.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::{CliError, check, exit, interrupt};
use crate::config::init::{FoundServer, name_of};
use crate::deadline::{Deadlines, SCALE_VARIABLE};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Name of the server in the file [default: the name of its program].
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,

    /// Write to FILE.
    #[arg(long, value_name = "FILE", default_value = "echospec.toml")]
    file: PathBuf,

    /// Overwrite the file if it exists.
    #[arg(long)]
    force: bool,

    /// Print the text instead of writing a file.
    #[arg(long, conflicts_with_all = ["force", "file"])]
    print: bool,

    /// Multiply every deadline by N, for a slow server.
    #[arg(long, value_name = "N", default_value = "1", env = SCALE_VARIABLE, value_parser = check::timeout_scale_of)]
    timeout_scale: f64,

    /// Command of the server, as it is started by hand, or with {addr}, {host}, {port} or {path} where the address
    /// belongs.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  echospec init -- python3 -m http.server --bind 127.0.0.1 8000
  echospec init -- ./my-server --listen {addr}
  echospec init --print -- ./my-mcp-server";

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let is_taken = !args.print && !args.force && args.file.symlink_metadata().is_ok();
    let taken = || CliError::usage(format!("{} exists: add --force to overwrite it", args.file.display()));
    if is_taken {
        return Err(taken().into());
    }
    interrupt::watch_signals()?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.command));
    let deadlines = Deadlines::scaled(args.timeout_scale);
    let found = FoundServer::of(&name, &args.command, deadlines);
    let found = found.map_err(|error| CliError { code: exit::HARNESS_FAILED, text: error.to_string() })?;
    let text = found.to_toml();
    if args.print {
        io::stdout().write_all(text.as_bytes())?;
    } else {
        let mut options = OpenOptions::new();
        options.write(true).truncate(true).create(args.force).create_new(!args.force);
        let file = options.open(&args.file);
        let mut file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => anyhow::Error::from(taken()),
            _ => anyhow::Error::from(error).context(format!("cannot write {}", args.file.display())),
        })?;
        file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", args.file.display()))?;
        anstream::println!("wrote {}; next: echospec check", args.file.display());
    }
    if !found.speaks_known_protocol() {
        anstream::eprintln!(
            "warning: no built-in protocol fits the server; describe one exchange in the file"
        );
    }
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

fn name(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !text.is_empty() && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("use letters, digits, - and _".into())
    }
}
