//! Checks a server whose standard input is a regular file or /dev/null.

use std::fs::File;
use std::io::Seek;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::Duration;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::conversation::read_and_look;
use crate::checks::requests::usual_turn;
use crate::checks::steps::last_line_printed;
use crate::outcome::Level::Should;
use crate::server::{Server, describe_exit};
use crate::text::count_with_noun;
use crate::transport::{Capabilities, Client, Link};

pub const CHECK: Check = Check {
    id: "stdio/input-from-file",
    level: Should,
    sentence: "a server whose standard input is a regular file answers everything in it and exits, and one whose standard input is /dev/null exits",
    why: "`server < requests` loses all answers, and `server < /dev/null` fails or never ends, if the server cannot wait for that kind of file: epoll(7) takes no regular file",
    citations: &[
        "epoll_ctl(2) (EPERM)",
        "poll(3p) (regular files always poll true)",
        "read(2)",
        "stdin(3)",
        "null(4)",
    ],
    recipe: "write into a file what a client sends before the first answer (20 requests; only the first of an opening that must be answered; with echo 100,000 bytes of text); start the server with it as standard input; read its output to the end, and its exit status; if anything is missing, send the same through a pipe, and compare; do the same with /dev/null. A server that loses answers at the end of a pipe, too, is not judged",
    requires: Capabilities::PIPES,
    run,
};

/// The number of requests in the file, if the protocol needs no answer before them.
const REQUESTS: usize = 20;

/// The number of runs with a pipe as input. Every run must be sound, because a server can lose an answer at the end of
/// input by chance.
const CONTROLS: usize = 3;

/// The standard input of one run of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// A regular file with requests.
    File,
    /// A pipe with the same requests, closed at once.
    Pipe,
    /// /dev/null.
    Null,
    /// A pipe with nothing in it, closed at once.
    EmptyPipe,
}

impl Input {
    /// Returns the input that brings the same bytes to the server through a pipe.
    fn as_pipe(self) -> Input {
        if self == Input::File { Input::Pipe } else { Input::EmptyPipe }
    }

    fn name(self) -> &'static str {
        match self {
            Input::File => "a regular file as standard input",
            Input::Pipe => "a pipe as standard input",
            Input::Null => "/dev/null as standard input",
            Input::EmptyPipe => "an empty pipe as standard input",
        }
    }
}

/// The behaviour of the server in one run.
struct Run {
    /// The part of the answers that did not arrive, in words; `None` if all of them did.
    lost: Option<String>,
    /// The status of the server, or `None` if it did not exit in time.
    status: Option<ExitStatus>,
    /// Whether any other status than 0 is a fault.
    must_succeed: bool,
    /// The number of bytes of the regular file that the server has read.
    read: Option<u64>,
    /// The last line that the server printed.
    printed: String,
}

impl Run {
    fn is_sound(&self) -> bool {
        self.lost.is_none() && self.ends_well()
    }

    fn ends_well(&self) -> bool {
        self.status.is_some_and(|status| status.success() || !self.must_succeed)
    }

    /// Whether this run shows a fault that the run `usual` does not.
    fn is_worse_than(&self, usual: &Run) -> bool {
        let loses = self.lost.is_some() && (usual.lost.is_none() || self.read == Some(0));
        let lives_on = self.status.is_none() && usual.status.is_some();
        loses || lives_on || !self.ends_well() && usual.ends_well()
    }

    fn describe(&self) -> String {
        let answers = self.lost.as_deref().unwrap_or("all answers");
        let end = self.status.map_or_else(|| "no exit".into(), describe_exit);
        format!("{answers}, {end}")
    }

    /// Returns the finding about this run with `input`, where the run with a pipe was `usual`.
    fn finding(&self, input: Input, usual: &Run) -> Finding {
        let wanted = format!("all answers, and an exit, with {}", input.name());
        let new = if self.status.is_none() { Finding::timeout } else { Finding::fail };
        let unread = "it has read nothing of the file: epoll(7) takes no regular file (EPERM), and a read from one never waits";
        let cause = if self.read == Some(0) { unread } else { "" };
        let usual = format!("with {}: {}", input.as_pipe().name(), usual.describe());
        new(wanted, self.describe()).because(cause).because(usual).because(&self.printed)
    }
}

fn run(server: &mut Server) -> check::Result {
    let mut limit = server.deadlines().exit();
    let of_file = judge(server, Input::File, &mut limit)?;
    let of_null = judge(server, Input::Null, &mut limit)?;
    of_file.or(of_null).map_or(Ok(()), Err)
}

/// Runs the server with `input`, and waits at most `limit` for its exit. If it lives on after the end of a pipe, too,
/// makes the limit short for later runs. Returns the reason why the run could not be judged, if there is one.
fn judge(server: &mut Server, input: Input, limit: &mut Duration) -> check::Result<Option<Finding>> {
    let run = converse(server, input, *limit)?;
    if run.is_sound() {
        return Ok(None);
    }
    for _ in 0..CONTROLS {
        let usual = converse(server, input.as_pipe(), *limit)?;
        if run.is_worse_than(&usual) {
            continue;
        }
        if usual.status.is_none() {
            *limit = server.deadlines().reply();
        }
        let wanted = "a server that answers everything before the end of a pipe";
        return Ok(run.lost.is_some().then(|| Finding::unsupported(wanted, usual.describe())));
    }
    let usual = converse(server, input.as_pipe(), *limit)?;
    Err(run.finding(input, &usual))
}

/// Runs the server with `input`, and waits at most `limit` for its exit.
fn converse(server: &mut Server, input: Input, limit: Duration) -> check::Result<Run> {
    let (from, output) = os_pipe::pipe().or_broken("a pipe")?;
    let (to, theirs) = open(server, input)?;
    let shared = File::from(theirs.try_clone().or_broken("a duplicate of the server's input")?);
    let link = Link::pipes(to, File::from(OwnedFd::from(from))).or_broken("a client's end")?;
    let mut client = server.client_over(link);
    let mut asked = Asked::Exchanges { total: 0, complete: 0 };
    if input == Input::File {
        asked = ask(server, &mut client)?;
        client.shut_down_write()?;
    }
    let mut client = server.launch_for(client, theirs, output)?.with_tolerance_of_cut();
    if input == Input::Pipe {
        asked = ask(server, &mut client)?;
    }
    client.shut_down_write()?;
    let lost = asked.lost(&mut client)?;
    let status = server.until(limit, |server| read_and_look(server, Some(&mut client)))?;
    let read = (input == Input::File).then_some(shared);
    let read = read.and_then(|mut file| file.stream_position().ok());
    let printed = last_line_printed(server);
    if status.is_none() {
        server.instance()?.kill();
    }
    let must_succeed = server.spec().protocol().closing_exchange().is_empty();
    Ok(Run { lost, status, must_succeed, read, printed })
}

/// Returns the end that the client writes to, and the server's end.
fn open(server: &Server, input: Input) -> check::Result<(File, OwnedFd)> {
    if input == Input::File {
        let path = server.scratch().join("requests");
        let to = File::create(&path).or_broken("a file with requests")?;
        return Ok((to, File::open(&path).or_broken("a file with requests")?.into()));
    }
    let (theirs, to) = os_pipe::pipe().or_broken("a pipe")?;
    let theirs = match input {
        Input::Null => File::open("/dev/null").or_broken("/dev/null")?.into(),
        _ => theirs.into(),
    };
    Ok((OwnedFd::from(to).into(), theirs))
}

/// The requests that a client has sent.
enum Asked {
    /// The bytes that must come back.
    Bytes(Vec<u8>),
    /// The number of exchanges that must be complete at the end, and how many of them are complete already.
    Exchanges { total: usize, complete: usize },
}

/// Sends what a client may send before the first answer.
fn ask(server: &Server, client: &mut Client) -> check::Result<Asked> {
    let protocol = server.spec().protocol();
    if protocol.replies_equal_requests() {
        let text = b"this line is in the file\n".repeat(4000);
        of_server(client.send(&text))?;
        return Ok(Asked::Bytes(text));
    }
    if protocol.opening_exchanges().is_empty() && protocol.greeting().is_none() {
        for _ in 0..REQUESTS {
            client.queue_request(usual_turn(protocol), b"in a file")?;
        }
    }
    of_server(client.send_what_may_go())?;
    let complete = client.complete_exchanges();
    Ok(Asked::Exchanges { total: complete + client.sent_unanswered(), complete })
}

impl Asked {
    /// Reads until everything is answered, or to the end of the server's output. Returns the part of the answers that
    /// did not arrive, in words.
    fn lost(&self, client: &mut Client) -> check::Result<Option<String>> {
        Ok(match self {
            Asked::Bytes(text) => {
                of_server(client.receive_to_end())?;
                let echo = client.take_received();
                let same = echo.iter().zip(text).take_while(|(one, other)| one == other).count();
                let all = count_with_noun(text.len(), "byte");
                (echo != *text).then(|| format!("{same} of {all} came back"))
            }
            Asked::Exchanges { total, complete } => {
                of_server(client.receive_exchanges(*total))?;
                let answered = client.complete_exchanges() - complete;
                let all = count_with_noun(total - complete, "request");
                (answered < total - complete).then(|| format!("answers to {answered} of {all}"))
            }
        })
    }
}

/// Passes on a finding that is not about the server, such as an interrupt. A failure of the server shows itself in what
/// it has not answered.
fn of_server(result: check::Result) -> check::Result {
    match result {
        Err(finding) if !finding.outcome.is_failure() => Err(finding),
        _ => Ok(()),
    }
}
