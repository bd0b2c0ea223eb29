//! Checks a server whose standard output is a regular file.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::lent_flags::LentFlags;
use crate::checks::requests::usual_turn;
use crate::checks::steps::last_line_printed;
use crate::outcome::Level::Should;
use crate::server::{Server, describe_exit};
use crate::text::{count_with_noun, excerpt};
use crate::transport::{Capabilities, Client, Link};

pub const CHECK: Check = Check {
    id: "stdio/output-to-file",
    level: Should,
    sentence: "a server whose standard output is a regular file, also one opened to append, writes all answers behind what the file holds, and leaves the file's flags alone",
    why: "`(date; server) > log` and `server >> log` lose what was in the file, or the answers, if the server waits for its output with epoll(7), copies with splice(2), seeks or truncates",
    citations: &[
        "open(2) (O_APPEND)",
        "splice(2) (EINVAL: the target file is opened in append mode)",
        "epoll_ctl(2) (EPERM)",
        "fcntl(2) (F_SETFL)",
        "sh(1p) (Redirecting Output, Appending Redirected Output)",
    ],
    recipe: "write a line to a file, and start the server with it as standard output; send 20 requests, one after another if the protocol says so (with echo 100,000 bytes of text), then end of input; the file must hold the line and the answers; do the same with O_APPEND, and compare the flags before and after with F_GETFL",
    requires: Capabilities::PIPES,
    run,
};

/// The content of the file before the server starts.
const BEFORE: &[u8] = b"this line was in the file before\n";

/// The number of requests that are answered into the file.
const REQUESTS: usize = 20;

/// The number of bytes that are copied at once to the client, fewer than any pipe holds.
const PIECE: usize = 4096;

fn run(server: &mut Server) -> check::Result {
    into_file(server, false)?;
    into_file(server, true)
}

fn into_file(server: &mut Server, append: bool) -> check::Result {
    let when = if append { "a regular file opened with O_APPEND" } else { "a regular file" };
    let when = format!("its standard output is {when}");
    converse(server, append).map_err(|finding| {
        let finding = server.diagnose(finding.because(when));
        finding.because(last_line_printed(server))
    })
}

fn converse(server: &mut Server, append: bool) -> check::Result {
    let path = server.scratch().join(if append { "appended" } else { "output" });
    fs::write(&path, BEFORE).or_broken("a file for the output")?;
    let opened = File::options().write(true).append(append).open(&path);
    let mut output = opened.or_broken("a file for the output")?;
    if !append {
        output.seek(SeekFrom::End(0)).or_broken("the end of a file")?;
    }
    let shared = output.try_clone().or_broken("a duplicate of the server's output")?;
    let flags = LentFlags::of([(shared.into(), "standard output")])?;
    let (input, to) = os_pipe::pipe().or_broken("a pipe")?;
    let (from, copy) = os_pipe::pipe().or_broken("a pipe")?;
    let file = |end: OwnedFd| File::from(end);
    let link = Link::pipes(file(to.into()), file(from.into())).or_broken("a client's end")?;
    let client = server.client_over(link);
    let client = server.launch_for(client, OwnedFd::from(input), output)?;
    let answered = if client.is_of_echo() {
        expect_echo(server, client, &path)
    } else {
        let output = OutputFile::open(&path, file(copy.into()))?;
        expect_answers(server, client, output)
    };
    let unchanged = flags.expect_unchanged();
    answered.map_err(|finding| match &unchanged {
        Err(changed) => finding.because(&changed.actual),
        Ok(()) => finding,
    })?;
    unchanged
}

/// Expects the echo of a text in the file at `path`.
fn expect_echo(server: &mut Server, mut client: Client, path: &Path) -> check::Result {
    let text = b"this line goes to the file\n".repeat(4000);
    client.send(&text)?;
    client.shut_down_write()?;
    let wanted = [BEFORE, &text].concat();
    let limit = server.deadlines().exit();
    let found = server.until(limit, |server| {
        let ended = server.instance()?.ended();
        let found = expect_untouched(path)?;
        Ok((found == wanted || ended.is_some()).then_some((found, ended)))
    })?;
    let (found, ended) = match found {
        Some((found, ended)) => (found, ended),
        None => (expect_untouched(path)?, None),
    };
    if found == wanted {
        return Ok(());
    }
    let echo = &found[BEFORE.len()..];
    let same = echo.iter().zip(&text).take_while(|(one, other)| one == other).count();
    let end = ended.map_or_else(|| "no exit".into(), describe_exit);
    let actual = format!("{same} of them, {end}");
    Err(Finding::fail(format!("{} of echo in the file", count_with_noun(text.len(), "byte")), actual))
}

/// Exchanges messages with a server that writes its answers to a file.
fn expect_answers(server: &mut Server, mut client: Client, mut output: OutputFile) -> check::Result {
    let turn = usual_turn(server.spec().protocol());
    for _ in 0..REQUESTS {
        client.queue_request(turn, b"to a file")?;
    }
    let limit = server.deadlines().start();
    let answered = server.until(limit, |server| {
        let ended = server.instance()?.ended().is_some();
        client.send_what_may_go()?;
        output.pass_on(&mut client)?;
        Ok((client.unanswered() == 0 || ended).then_some(()))
    })?;
    let unanswered = client.unanswered();
    if unanswered > 0 {
        let actual = format!("{} without an answer", count_with_noun(unanswered, "request"));
        let wanted = "the answers to all requests in the file";
        return Err(match answered {
            None => Finding::timeout(wanted, actual),
            Some(()) => Finding::fail(wanted, actual),
        });
    }
    client.shut_down_write()?;
    // stdio/ends-at-eof reports a server that does not exit.
    let limit = server.deadlines().exit();
    server.wait_for_exit(limit)?;
    output.pass_on(&mut client)
}

/// The file that a server writes to, and the pipe that brings what it writes to the client.
struct OutputFile {
    path: PathBuf,
    file: File,
    copy: File,
}

impl OutputFile {
    fn open(path: &Path, copy: File) -> check::Result<OutputFile> {
        let mut file = File::open(path).or_broken("the file with the output")?;
        file.seek(SeekFrom::Start(BEFORE.len() as u64)).or_broken("the file with the output")?;
        Ok(OutputFile { path: path.to_owned(), file, copy })
    }

    /// Lets `client` receive what the server has written since the last call.
    fn pass_on(&mut self, client: &mut Client) -> check::Result {
        expect_untouched(&self.path)?;
        let mut buffer = [0; PIECE];
        loop {
            let length = self.file.read(&mut buffer).or_broken("the file with the output")?;
            if length == 0 {
                return Ok(());
            }
            self.copy.write_all(&buffer[..length]).or_broken("a copy of the output")?;
            client.receive_replies(Duration::ZERO)?;
        }
    }
}

/// Expects that the file at `path` begins as it did before the server started, and returns its content.
fn expect_untouched(path: &Path) -> check::Result<Vec<u8>> {
    let found = fs::read(path).or_broken("the file with the output")?;
    if found.starts_with(BEFORE) {
        return Ok(found);
    }
    let beginning = &found[..found.len().min(BEFORE.len())];
    let cause = if beginning.len() < BEFORE.len() || beginning.contains(&0) {
        "the server truncates the file"
    } else {
        "the server writes at the beginning of the file"
    };
    let wanted = format!("the file's own content before the answers: {}", excerpt(BEFORE));
    Err(Finding::fail(wanted, excerpt(beginning)).because(cause))
}
