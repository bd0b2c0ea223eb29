//! Standard streams of the server in the states that the head of a scene names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use os_pipe::PipeReader;

use super::header::{Header, StreamState};
use crate::server::{LaunchOptions, Output, Scratch, Stdio, full_pipe};
use crate::sys;

/// The harness's ends of standard streams that are not as usual.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// The read ends of pipes that are full from the start. Nothing is read from them.
    _unread: Vec<PipeReader>,
    /// The pipes that the scene reads, by the number of the server's descriptor.
    read: BTreeMap<usize, ReadPipe>,
}

impl Streams {
    /// Returns the streams of a scene with `header`, and `options` with the server's ends of them.
    ///
    /// # Errors
    /// Those of pipe(2) and mkfifo(3).
    pub fn open(header: &Header, mut options: LaunchOptions) -> io::Result<(LaunchOptions, Streams)> {
        let mut streams = Streams::default();
        for (number, state) in &header.streams {
            options.stdio[*number] = match state {
                StreamState::Closed => Stdio::Closed,
                StreamState::Terminal => Stdio::Terminal,
                StreamState::Full => {
                    let (reader, writer) = full_pipe()?;
                    streams._unread.push(reader);
                    Stdio::descriptor(writer)
                }
                StreamState::Pipe => {
                    let (pipe, end) = ReadPipe::open()?;
                    streams.read.insert(*number, pipe);
                    Stdio::descriptor(end)
                }
            };
        }
        Ok((options, streams))
    }

    /// Returns the pipe that is the server's descriptor `number`.
    pub fn pipe(&mut self, number: usize) -> Option<&mut ReadPipe> {
        self.read.get_mut(&number)
    }

    /// Returns what the server has printed to each pipe that the scene reads.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.read.values().map(|pipe| &pipe.output)
    }
}

/// A pipe with a name, which a thread reads until a step stops the thread, or until no process has the pipe open for
/// writing. The harness opens it by name, so it does not share O_NONBLOCK with the server's descriptor.
#[derive(Debug)]
pub(super) struct ReadPipe {
    path: PathBuf,
    _directory: Scratch,
    output: Output,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<File>>,
    /// The read end, once the thread has stopped.
    reader: Option<File>,
}

impl ReadPipe {
    /// Returns a new pipe and the server's end of it.
    fn open() -> io::Result<(ReadPipe, File)> {
        let directory = Scratch::new()?;
        let path = directory.path().join("stream");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // A blocking open(2) would wait for a writer: fifo(7).
        let mut reader = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path)?;
        let end = File::options().write(true).open(&path)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty()))?;
        let (output, is_stopped) = (Output::default(), Arc::new(AtomicBool::new(false)));
        let (kept, stopped) = (output.clone(), Arc::clone(&is_stopped));
        let read = move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                kept.keep(&buffer[..length]);
            }
            reader
        };
        let thread = Some(std::thread::Builder::new().name("stream".into()).spawn(read)?);
        Ok((ReadPipe { path, _directory: directory, output, is_stopped, thread, reader: None }, end))
    }

    /// Stops to read, and writes until the pipe takes no more.
    ///
    /// # Errors
    /// Those of open(2) and write(2).
    pub fn fill(&mut self) -> io::Result<()> {
        self.stop()?;
        let mut writer = self.writer()?;
        for piece in [4096, 1] {
            loop {
                match writer.write(&vec![b'.'; piece]) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Closes the read end.
    ///
    /// # Errors
    /// Those of open(2) and write(2).
    pub fn close(&mut self) -> io::Result<()> {
        self.stop()?;
        sys::between_launches(|| self.reader = None);
        Ok(())
    }

    /// Ends the thread, which a byte wakes.
    fn stop(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.is_stopped.store(true, Ordering::SeqCst);
        if !thread.is_finished() {
            match self.writer().and_then(|mut writer| writer.write(b".")) {
                // The thread has bytes to read, which wake it as well.
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        self.reader = Some(thread.join().map_err(|_| io::Error::other("the thread of a stream panicked"))?);
        Ok(())
    }

    fn writer(&self) -> io::Result<File> {
        File::options().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::deadline::until;

    fn write_nonblocking(pipe: &ReadPipe) -> io::Result<usize> {
        pipe.writer().and_then(|mut writer| writer.write(b"x"))
    }

    #[test]
    fn a_pipe_is_read_then_filled_then_closed() {
        let (mut pipe, mut end) = ReadPipe::open().unwrap();
        end.write_all(&[b'x'; 200_000]).unwrap();
        pipe.fill().unwrap();
        assert_eq!(write_nonblocking(&pipe).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        pipe.close().unwrap();
        // A process that another test forks may hold the read end until it executes its program.
        let limit = Duration::from_secs(10);
        let is_closed = until(limit, || Ok(pipe.writer().is_err().then_some(()))).unwrap();
        assert!(is_closed.is_some());
        let (mut pipe, end) = ReadPipe::open().unwrap();
        drop(end);
        pipe.close().unwrap();
    }
}
