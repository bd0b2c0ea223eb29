//! Closed pipe ends: SIGPIPE, EPIPE, and a forgotten write end that delays the end of file. pipe(7).

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::check::{self, OrFinding};
use crate::deadline::Deadlines;
use crate::demo::support::{DemoRun, launch_program, program_path, select_clients};
use crate::diagram::{Process, ProcessSelection};
use crate::server::{Instance, describe_exit};
use crate::transport::{Client, pipe_pair};

/// The program that the process B executes, and A unless a demo uses another.
const PROGRAM: &str = "echo-pipe";

/// A pipeline of a demo: the client and the processes A and B, joined by three pipes: client to A, A to B, B to
/// client.
struct Pipeline {
    // Dropped first: the processes exit at the end of their input.
    client: Client,
    /// A duplicate of the write end of the pipe from process A to process B, held by the demo itself.
    forgotten: Option<OwnedFd>,
    a: Instance,
    b: Instance,
}

impl Pipeline {
    /// Launches a pipeline in which the process A executes the program `a`.
    fn launch(a: OsString, deadlines: Deadlines) -> check::Result<Pipeline> {
        Ok(Pipeline { forgotten: None, ..Pipeline::launch_with_forgotten_end(a, deadlines)? })
    }

    fn launch_with_forgotten_end(a: OsString, deadlines: Deadlines) -> check::Result<Pipeline> {
        let (link, a_input, b_output) = pipe_pair().or_broken("three pipes")?;
        let (b_input, a_output) = os_pipe::pipe().or_broken("three pipes")?;
        let forgotten = a_output.try_clone().or_broken("three pipes")?;
        let a = launch_program(a, &[], [Some(a_input), Some(a_output.into()), None])?;
        let b = launch_program(program_path(PROGRAM)?, &[], [Some(b_input.into()), Some(b_output), None])?;
        Ok(Pipeline { client: Client::over_stream(link, deadlines), forgotten: Some(forgotten.into()), a, b })
    }

    fn shown(&self) -> [ProcessSelection; 3] {
        let client = select_clients("client", [&self.client]);
        let client = self.forgotten.iter().fold(client, ProcessSelection::and_descriptor);
        [client, ProcessSelection::all("A", self.a.pid()), ProcessSelection::all("B", self.b.pid())]
    }

    /// Kills the process B, which reads from A, and waits until it has exited.
    fn kill_reader(&mut self, limit: Duration) -> check::Result {
        self.b.kill_main_process(limit).or_broken("B killed")
    }
}

pub(super) fn closed_read_end(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("The reader exits: SIGPIPE")?;
    demo.explain(
        "Here is a new pipeline. This time the demo is the client at both ends: it writes to A and reads from B. A is \
         the standard program cat, which copies its input to its output too. Now B, the reader, is killed. The \
         kernel closes its descriptors, and with them the only read end of the pipe from A. A does not notice yet: \
         it is blocked in read(2) on its other pipe.",
    )?;
    let limit = demo.deadlines().exit();
    let mut pipeline = Pipeline::launch("cat".into(), demo.deadlines())?;
    pipeline.kill_reader(limit)?;
    let claim = "A's descriptor 1 is a pipe without any read end";
    let snapshot =
        demo.wait_until(&pipeline.shown(), claim, |snapshot| snapshot.is_held_by_exactly(&[("A", 1)]))?;
    demo.show(&snapshot)?;
    demo.explain(
        "Then the client sends a message. A reads it and calls write(2) on a pipe that has no reader. The kernel sends \
         the signal SIGPIPE to A. It kills a process that neither handles nor ignores it. So in `yes | head -1`, \
         it is not head that ends yes, but the next write of yes.",
    )?;
    pipeline.client.send(b"is anybody there?\n")?;
    let status = pipeline.a.wait(limit);
    let killed = status.is_some_and(|status| status.signal() == Some(Signal::SIGPIPE as i32));
    demo.verify("SIGPIPE has killed A", killed, status.map_or("it still runs".into(), describe_exit))?;
    let is_open = pipeline.client.link().output_descriptor().is_some();
    demo.verify(
        "A's input was still open: A was killed by its own write",
        is_open,
        "the client had closed it",
    )?;
    epipe_instead_of_sigpipe(demo)
}

fn epipe_instead_of_sigpipe(demo: &mut DemoRun<'_>) -> check::Result {
    let limit = demo.deadlines().exit();
    let mut pipeline = Pipeline::launch(program_path(PROGRAM)?.into(), demo.deadlines())?;
    pipeline.kill_reader(limit)?;
    demo.explain(
        "The same again, with echo-pipe as A. It ignores SIGPIPE, as Rust programs do by default. Then write(2) fails \
         with the error EPIPE instead, and the program decides what to do. This one exits normally.",
    )?;
    pipeline.client.send(b"is anybody there?\n")?;
    demo.verify_exit("A has exited by itself, with exit status 0", &mut pipeline.a)
}

pub(super) fn forgotten_write_end(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("A forgotten write end: end of file never comes")?;
    let mut pipeline = Pipeline::launch_with_forgotten_end(program_path(PROGRAM)?.into(), demo.deadlines())?;
    demo.explain(
        "This is the most common mistake with pipes. A and B are new, and this time the client has kept a copy of A's \
         descriptor 1, the write end of the pipe to B: like a shell that forgets to close it after fork(2). The \
         client closes the write end of the pipe to A. A reads end of file and exits. B does not exit: a pipe \
         reaches its end only when every copy of its write end is closed, no matter which process holds it and \
         whether it is used. B waits because of the line from the client to B.",
    )?;
    pipeline.client.shut_down_write()?;
    demo.verify_exit("A has exited by itself, with exit status 0", &mut pipeline.a)?;
    demo.wait_until_blocked(pipeline.b.pid(), "pipe_read", "B is still blocked in read(2)")?;
    let claim = "the only other end of the pipe at B's descriptor 0 is the client's forgotten copy";
    let snapshot = demo.wait_until(&pipeline.shown(), claim, |snapshot| {
        let ends = snapshot.process("client").map(Process::descriptor_numbers).unwrap_or_default();
        ends.iter().any(|&end| snapshot.is_held_by_exactly(&[("client", end), ("B", 0)]))
    })?;
    let silent = !pipeline.client.readable_within(demo.deadlines().quiet())?;
    demo.verify("the client does not get end of file from B", silent, "it did")?;
    demo.show(&snapshot)?;
    demo.explain("Finally the client closes the forgotten copy. Now B reads end of file and exits too.")?;
    pipeline.forgotten = None;
    demo.verify_exit("B has exited by itself, with exit status 0", &mut pipeline.b)?;
    demo.verify_ok("the client reads end of file", pipeline.client.expect_eof())
}
