//! Runs other programs on one processor, with a deadline.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use echospec::deadline::until;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::tempfile;

/// Runs `words` on `processor`, and returns the text on standard output and standard error. Kills the process group at
/// the deadline.
pub fn run(words: &[String], processor: usize, deadline: Duration) -> Result<String> {
    let output = tempfile()?;
    let mut command = pinned(words, processor);
    command.stdout(output.try_clone()?).stderr(output.try_clone()?);
    let mut group = Group(command.spawn().context("cannot run taskset")?);
    let ended = until(deadline, || Ok(group.0.try_wait().ok().flatten())).map_err(|it| anyhow!(it.reason))?;
    let text = read(output)?;
    match ended {
        Some(status) if status.success() => Ok(text),
        Some(status) => bail!("{status}: {}", last_line(&text)),
        None => bail!("not done after {} s", deadline.as_secs()),
    }
}

/// Runs `words` on `processor`, and leaves the daemon that it starts running.
pub fn start_daemon(words: &[String], processor: usize) -> Result<()> {
    let mut command = pinned(words, processor);
    let status =
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().context("cannot run taskset")?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// The command on `processor` in a process group of its own, which programs of ipc-bench require.
fn pinned(words: &[String], processor: usize) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(processor.to_string()).args(words).process_group(0).stdin(Stdio::null());
    // Without it, lmbench's programs calibrate their duration for seconds. In microseconds.
    command.env("ENOUGH", "50000");
    command
}

/// Reads the first megabyte. A failing program may write without end.
fn read(mut file: std::fs::File) -> Result<String> {
    use std::io::{Read, Seek};
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(1 << 20).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or("it printed nothing")
}

/// A process group. Dropping it kills all its processes.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(leader) = i32::try_from(self.0.id()) {
            // Fails if the group is empty.
            let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}
