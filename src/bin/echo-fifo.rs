//! Echo over two named pipes: clients write to `PATH.in` and read from `PATH.out`.
//!
//! A FIFO (`fifo(7)`) is a pipe with a name. `open(2)` for reading waits until another process opens
//! the FIFO for writing, and the other way round. Here that takes the place of `accept(2)`: one
//! client after another opens `PATH.in` and then `PATH.out`. A pipe has one direction, so each
//! direction has its own pipe, and its own end of file when the last writer closes it. Clients must
//! take turns, because a FIFO has no connections: it would mix their bytes. Nor does a FIFO show
//! whether a server uses it, so this server never takes over a FIFO that exists.
//!
//! ```text
//! echospec check fifo -- echo-fifo {path}
//! ```

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::{env, process, thread};

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let [path] = &args[..] else {
        eprintln!("usage: echo-fifo PATH (it makes the named pipes PATH.in and PATH.out)");
        process::exit(2);
    };
    let [input, output] = [".in", ".out"].map(|suffix| {
        let mut name = path.clone();
        name.push(suffix);
        PathBuf::from(name)
    });
    // This thread and the next block the signals, so that sigwait(3) below receives them.
    let termination = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    termination.thread_block()?;
    make(&input)?;
    make(&output).inspect_err(|_| drop(fs::remove_file(&input)))?;
    // println! would panic if standard output is closed.
    let _ = writeln!(io::stdout(), "ready fifo {}", path.display());
    let pipes = (input.clone(), output.clone());
    thread::Builder::new().spawn(move || {
        // It fails when a pipe is gone. Then no client can come, so end as after SIGTERM.
        let _ = serve(&pipes.0, &pipes.1);
        kill(Pid::this(), Signal::SIGTERM)
    })?;
    termination.wait()?;
    if !input.exists() || !output.exists() {
        let _ = writeln!(io::stderr(), "echo-fifo: a named pipe was removed, so no client can connect");
    }
    let _ = fs::remove_file(input);
    let _ = fs::remove_file(output);
    Ok(())
}

/// Makes a FIFO that only the owner can open. mkfifo(3) fails if the name exists.
fn make(path: &Path) -> anyhow::Result<()> {
    let hint = "if it is a FIFO without a server, remove it";
    mkfifo(path, Mode::from_bits_truncate(0o600))
        .with_context(|| format!("cannot make the FIFO {}; {hint}", path.display()))
}

fn serve(input: &Path, output: &Path) -> io::Result<()> {
    loop {
        let mut from_client = File::open(input)?;
        let mut to_client = File::options().write(true).open(output)?;
        if echo(&mut from_client, &mut to_client).is_err() {
            // EPIPE: this client no longer reads. Discard what it still writes: otherwise the next
            // client would receive it.
            let _ = io::copy(&mut from_client, &mut io::sink());
        }
        // First the input: a client that sees the end of the echo must find no reader of the old
        // input, so that the next client's open(2) waits for its turn.
        drop(from_client);
    }
}

/// Copies every byte from one FIFO to the other until end of file.
fn echo(from: &mut File, to: &mut File) -> io::Result<()> {
    // On Linux io::copy would call splice(2): for that, see echo-splice.
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..length])?;
    }
}
