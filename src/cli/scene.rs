//! `echospec scene`: checks scenes for mistakes, or writes them in the usual form.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::{CliError, exit};
use crate::scene::Scene;
use crate::text::count_with_noun;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check scenes for mistakes, and launch nothing.
    Check {
        /// Files of scenes.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Write scenes in the usual form into their files.
    Format {
        /// Files of scenes.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Change no file, and fail if a scene is not in the usual form.
        #[arg(long)]
        check: bool,
    },
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Check { files } => check(files),
        Command::Format { files, check } => format(files, *check),
    }
}

/// Reads the scenes in `files`, with `set` in the place of their parameters' own values.
///
/// # Errors
/// The mistakes of all files.
pub(super) fn read(files: &[PathBuf], set: &[(String, String)]) -> Result<Vec<Scene>, CliError> {
    let (mut scenes, mut mistakes) = (Vec::new(), Vec::new());
    for file in files {
        match Scene::read_with(file, set) {
            Ok(scene) => scenes.push(scene),
            Err(error) => mistakes.push(error.to_string()),
        }
    }
    if mistakes.is_empty() { Ok(scenes) } else { Err(CliError::usage(mistakes.join("\n\n"))) }
}

fn check(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let scenes = read(files, &[])?;
    writeln!(anstream::stdout(), "{} without a mistake", count_with_noun(scenes.len(), "scene"))?;
    Ok(ExitCode::from(exit::ALL_AS_EXPECTED))
}

fn format(files: &[PathBuf], check: bool) -> anyhow::Result<ExitCode> {
    let scenes = read(files, &[])?;
    let mut code = exit::ALL_AS_EXPECTED;
    for (scene, file) in scenes.iter().zip(files) {
        if fs::read_to_string(file)? == scene.formatted() {
            continue;
        }
        if check {
            writeln!(anstream::stdout(), "{} is not in the usual form", file.display())?;
            code = exit::CHECK_FAILED;
        } else {
            write(file, &scene.formatted())?;
        }
    }
    Ok(ExitCode::from(code))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
