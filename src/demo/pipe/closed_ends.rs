//! When one end of a pipe is closed, and when it is not: SIGPIPE, EPIPE, and an end of file that never comes. pipe(7).

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::check::{self, OrFinding};
use crate::deadline::Deadlines;
use crate::demo::support::{DemoRun, launch_program, program_path, select_clients};
use crate::diagram::{Process, Selection};
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
        let a = launch_program(a, &[], [Some(a_input), Some(a_output.into()), None])?;
        let b = launch_program(program_path(PROGRAM)?, &[], [Some(b_input.into()), Some(b_output), None])?;
        Ok(Pipeline { client: Client::over_stream(link, deadlines), stray: Some(stray.into()), a, b })
    }

    fn shown(&self) -> [Selection; 3] {
        let client = select_clients("client", [&self.client]);
        let client = self.stray.iter().fold(client, Selection::and);
        [client, Selection::all("A", self.a.pid()), Selection::all("B", self.b.pid())]
    }
}

pub(super) fn the_reader_goes(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("The reader goes: SIGPIPE")?;
    demo.explain(
        "A new pipeline; this time the demo itself is the client at both ends. A is the system's program cat, which \
         copies too. Now B, the reader, is killed. The kernel closes its descriptors, and with them the only read \
         end of the pipe. A notices nothing: it sleeps in read(2) on its other pipe.",
    )?;
    let limit = demo.deadlines().exit();
    let mut line = Pipeline::launch("cat".into(), demo.deadlines())?;
    line.lose_reader(limit)?;
    let alone = "A's descriptor 1 is a pipe whose read end nobody holds";
    let snapshot = demo.wait_until(&line.shown(), alone, |snapshot| snapshot.holders_are(&[("A", 1)]))?;
    demo.show(&snapshot)?;
    demo.explain(
        "Then the client sends a message. A reads it and calls write(2) on a pipe without readers. To such a writer \
         the kernel sends the signal SIGPIPE, and that ends a program which has not asked otherwise. So in \
         `yes | head -1` it is not head that ends yes, but the next write of yes.",
    )?;
    line.client.send(b"is anybody there?\n")?;
    let status = line.a.wait(limit);
    let killed = status.is_some_and(|status| status.signal() == Some(Signal::SIGPIPE as i32));
    demo.verify(
        "A was ended by the signal SIGPIPE",
        killed,
        status.map_or("it still runs".into(), describe),
    )?;
    let waits = line.client.link().writer().is_some();
    demo.verify(
        "nobody had closed A's input: it was the write that ended it",
        waits,
        "the client had closed it",
    )?;
    an_error_instead(demo)
}

fn an_error_instead(demo: &mut DemoRun<'_>) -> check::Result {
    let limit = demo.deadlines().exit();
    let mut line = Pipeline::launch(program_path(PROGRAM)?.into(), demo.deadlines())?;
    line.lose_reader(limit)?;
    demo.explain(
        "Once more, with echo-pipe as A. It ignores SIGPIPE, as all programs in Rust do unless they say otherwise. \
         Then write(2) fails with the error EPIPE instead, and the program decides for itself: this one ends in \
         good order.",
    )?;
    line.client.send(b"is anybody there?\n")?;
    demo.verify_exit("A ended by itself, with exit status 0", &mut line.a)
}

impl Pipeline {
    /// Kills B and waits for that.
    fn lose_reader(&mut self, limit: Duration) -> check::Result {
        self.b.kill_main_process(limit).or_broken("B killed")
    }
}

pub(super) fn a_stray_end_stays_open(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("A stray write end: end of file never comes")?;
    let mut line = Pipeline::launch_with_stray_end(program_path(PROGRAM)?.into(), demo.deadlines())?;
    demo.explain(
        "The commonest mistake with pipes. Once more a new A and B, but the client has kept a copy of the \
         write end that it gave to A, as a shell would that forgot to close it after fork(2). The client \
         closes the write end of the pipe to A; A reads end of file and ends. B does not: a pipe is at its \
         end only when every copy of its write end is closed, whoever holds it, used or not. The line from \
         the client to B is what keeps B waiting.",
    )?;
    line.client.shut_down_write()?;
    demo.verify_exit("A ended by itself, with exit status 0", &mut line.a)?;
    demo.wait_until_blocked(line.b.pid(), "pipe_read", "B still sleeps in read(2)")?;
    let snapshot = demo.wait_until(
        &line.shown(),
        "the only other end of the pipe at B's descriptor 0 is the client's stray one",
        |snapshot| {
            let ends = snapshot.process("client").map(Process::numbers).unwrap_or_default();
            ends.iter().any(|&end| snapshot.holders_are(&[("client", end), ("B", 0)]))
        },
    )?;
    let silent = !line.client.readable_within(demo.deadlines().quiet())?;
    demo.verify("no end of file comes out of B", silent, "something came")?;
    demo.show(&snapshot)?;
    demo.explain("At last the client closes the stray end, and everything ends as it should have at once.")?;
    line.stray = None;
    demo.verify_exit("B ended by itself, with exit status 0", &mut line.b)?;
    demo.verify_ok("the client reads end of file", line.client.expect_eof())
}
