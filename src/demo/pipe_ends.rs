//! When one end of a pipe is closed, and when it is not: SIGPIPE, EPIPE, and an end of file that never comes. pipe(7).

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::launch::{launch, program};
use super::picture::{Actor, Player};
use super::story::Story;
use crate::check::{self, OrFinding};
use crate::deadline::Deadlines;
use crate::server::{Instance, describe};
use crate::transport::{Client, pipe_pair};

/// The program that plays B, and A where nothing else is said.
const PROGRAM: &str = "echo-pipe";

/// The client, A, and B, joined in a circle by three pipes.
struct Pipeline {
    // Dropped in this order: at the end of their input the programs end by themselves.
    client: Client,
    /// A second write end of the pipe from A to B, held by this process.
    stray: Option<OwnedFd>,
    a: Instance,
    b: Instance,
}

impl Pipeline {
    /// With the program `a` as A.
    fn launch(a: OsString, deadlines: Deadlines) -> check::Result<Pipeline> {
        let mut line = Pipeline::launch_with_stray_end(a, deadlines)?;
        line.stray = None;
        Ok(line)
    }

    fn launch_with_stray_end(a: OsString, deadlines: Deadlines) -> check::Result<Pipeline> {
        let (link, a_input, b_output) = pipe_pair().or_broken("three pipes")?;
        let (b_input, a_output) = os_pipe::pipe().or_broken("three pipes")?;
        let stray = a_output.try_clone().or_broken("three pipes")?;
        let a = launch(a, &[], [Some(a_input), Some(a_output.into()), None])?;
        let b = launch(program(PROGRAM)?, &[], [Some(b_input.into()), Some(b_output), None])?;
        Ok(Pipeline { client: Client::over_stream(link, deadlines), stray: Some(stray.into()), a, b })
    }

    fn cast(&self) -> [Actor; 3] {
        let client = Actor::clients("client", [&self.client]);
        let client = self.stray.iter().fold(client, Actor::and);
        [client, Actor::new("A", self.a.pid()), Actor::new("B", self.b.pid())]
    }
}

pub(super) fn the_reader_goes(story: &mut Story<'_>) -> check::Result {
    story.step("The reader goes: SIGPIPE")?;
    story.tell(
        "A new pipeline; this time the demo itself is the client at both ends. A is the system's program cat, which \
         copies too. Now B, the reader, is killed. The kernel closes its descriptors, and with them the only read \
         end of the pipe. A notices nothing: it sleeps in read(2) on its other pipe.",
    )?;
    let limit = story.deadlines().exit();
    let mut line = Pipeline::launch("cat".into(), story.deadlines())?;
    line.lose_reader(limit)?;
    let alone = "A's descriptor 1 is a pipe whose read end nobody holds";
    let picture = story.observe(&line.cast(), alone, |picture| picture.joins(&[("A", 1)]))?;
    story.show(&picture)?;
    story.tell(
        "Then the client sends a message. A reads it and calls write(2) on a pipe without readers. To such a writer \
         the kernel sends the signal SIGPIPE, and that ends a program which has not asked otherwise. So in \
         `yes | head -1` it is not head that ends yes, but the next write of yes.",
    )?;
    line.client.send(b"is anybody there?\n")?;
    let status = line.a.wait(limit);
    let killed = status.is_some_and(|status| status.signal() == Some(Signal::SIGPIPE as i32));
    story.claim(
        "A was ended by the signal SIGPIPE",
        killed,
        status.map_or("it lives on".into(), describe),
    )?;
    let waits = line.client.link().writer().is_some();
    story.claim(
        "nobody had closed A's input: it was the write that ended it",
        waits,
        "the client had closed it",
    )?;
    an_error_instead(story)
}

fn an_error_instead(story: &mut Story<'_>) -> check::Result {
    let limit = story.deadlines().exit();
    let mut line = Pipeline::launch(program(PROGRAM)?.into(), story.deadlines())?;
    line.lose_reader(limit)?;
    story.tell(
        "Once more, with echo-pipe as A. It ignores SIGPIPE, as all programs in Rust do unless they say otherwise. \
         Then write(2) fails with the error EPIPE instead, and the program decides for itself: this one ends in \
         good order.",
    )?;
    line.client.send(b"is anybody there?\n")?;
    ended_well(story, "A", &mut line.a, limit)
}

impl Pipeline {
    /// Kills B and waits for that.
    fn lose_reader(&mut self, limit: Duration) -> check::Result {
        self.b.kill_main_process(limit).or_broken("B killed")
    }
}

pub(super) fn a_stray_end_stays_open(story: &mut Story<'_>) -> check::Result {
    story.step("A stray write end: end of file never comes")?;
    let mut line = Pipeline::launch_with_stray_end(program(PROGRAM)?.into(), story.deadlines())?;
    story.tell(
        "The commonest mistake with pipes. Once more a new A and B, but the client has kept a copy of the \
         write end that it gave to A, as a shell would that forgot to close it after fork(2). The client \
         closes the write end of the pipe to A; A reads end of file and ends. B does not: a pipe is at its \
         end only when every copy of its write end is closed, whoever holds it, used or not. The line from \
         the client to B is what keeps B waiting.",
    )?;
    line.client.shut_down_write()?;
    ended_well(story, "A", &mut line.a, story.deadlines().exit())?;
    story.observe_sleep(line.b.pid(), "pipe_read", "B still sleeps in read(2)")?;
    let picture = story.observe(
        &line.cast(),
        "the only other end of the pipe at B's descriptor 0 is the client's stray one",
        |picture| {
            let ends = picture.player("client").map(Player::numbers).unwrap_or_default();
            ends.iter().any(|&end| picture.joins(&[("client", end), ("B", 0)]))
        },
    )?;
    let silent = !line.client.readable_within(story.deadlines().quiet())?;
    story.claim("no end of file comes out of B", silent, "something came")?;
    story.show(&picture)?;
    story.tell("At last the client closes the stray end, and everything ends as it should have at once.")?;
    line.stray = None;
    ended_well(story, "B", &mut line.b, story.deadlines().exit())?;
    story.proven("the client reads end of file", line.client.expect_eof())
}

pub(super) fn ended_well(
    story: &mut Story<'_>,
    role: &str,
    instance: &mut Instance,
    limit: Duration,
) -> check::Result {
    let status = instance.wait(limit);
    let claim = format!("{role} ended by itself, with exit status 0");
    let seen = status.map_or("it lives on".into(), describe);
    story.claim(claim, status.is_some_and(|status| status.success()), seen)
}
