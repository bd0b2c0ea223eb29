//! Programs of others, run to their end or ended at their deadline, with all that they started.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use echospec::patience::until;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::tempfile;

/// Runs `words` on `processor`; what it printed, on either stream.
///
/// It leads a process group of its own: programs of ipc-bench ask for that, and it can be ended as a whole.
pub fn run(words: &[String], processor: usize, deadline: Duration) -> Result<String> {
    let printed = tempfile()?;
    let [program, ..] = words else { bail!("no command") };
    let mut command = Command::new("taskset");
    command.arg("-c").arg(processor.to_string()).args(words).process_group(0);
    // lmbench's programs spend seconds on finding how long they must measure, unless they are told (in microseconds).
    command.env("ENOUGH", "50000");
    command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed.try_clone()?);
    let child = command.spawn().with_context(|| format!("cannot run {program} by taskset"))?;
    let mut group = Group(child);
    let ended = until(deadline, || Ok(group.0.try_wait().ok().flatten())).map_err(|it| anyhow!(it.reason))?;
    let text = read(printed)?;
    match ended {
        Some(status) if status.success() => Ok(text),
        Some(status) => bail!("{status}: {}", last_line(&text)),
        None => bail!("not done after {} s", deadline.as_secs()),
    }
}

/// The first megabyte: a program in trouble may write without end.
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

/// A process group that does not outlive this value.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(leader) = i32::try_from(self.0.id()) {
            // It may be empty by now.
            let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}
