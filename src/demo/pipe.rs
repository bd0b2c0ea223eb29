//! Pipes: `A | B > out.txt` joins two processes. pipe(7).

use std::ffi::OsString;
use std::fs;
use std::os::fd::OwnedFd;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::support::{
    Demo, DemoRun, TempFolder, duplicate, launch_shell, program_path, pseudo_terminal, send_signal,
    wait_for_children,
};
use crate::check::{self, Finding, OrFinding};
use crate::deadline::until;
use crate::diagram::{Process, ProcessSelection, Snapshot};
use crate::payload::{MIB, payload};
use crate::server::Instance;
use crate::sys::{self, Object};
use crate::text::count_with_noun;
use crate::transport::{Client, pipe_pair};

mod closed_ends;

pub(super) const DEMO: Demo = Demo {
    name: "pipe",
    summary: "A | B > file: one pipe, two processes; empty, full, closed at each end",
    run,
};

/// The program that the processes A and B of the demo execute.
const PROGRAM: &str = "echo-pipe";

/// The script that the demo's shell runs for the pipeline. `$1` is the program, `$2` the file.
const SCRIPT: &str = r#""$1" | "$1" > "$2"; exit $?"#;

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut pipeline = Pipeline::launch(demo)?;
    empty_pipe(demo, &pipeline)?;
    message_through_pipe(demo, &mut pipeline)?;
    full_pipe(demo, &mut pipeline)?;
    closed_write_end(demo, pipeline)?;
    closed_ends::closed_read_end(demo)?;
    closed_ends::forgotten_write_end(demo)
}

/// The pipeline of a demo: a shell in a terminal, the two processes A and B, and a client that writes to A.
struct Pipeline {
    // Dropped first: the processes exit at the end of their input.
    client: Client,
    shell: Instance,
    a: Pid,
    b: Pid,
    folder: TempFolder,
    /// The expected contents of out.txt, to which the pipeline writes.
    written: Vec<u8>,
    // Kept open: when a terminal closes, the kernel sends SIGHUP to its processes.
    _user: Client,
    _terminal: OwnedFd,
}

impl Pipeline {
    fn launch(demo: &DemoRun<'_>) -> check::Result<Pipeline> {
        let folder = TempFolder::new()?;
        let (user, terminal) = pseudo_terminal(demo.deadlines())?;
        let (link, input, _) = pipe_pair().or_broken("two pipes")?;
        let arguments: [OsString; 2] = [program_path(PROGRAM)?.into(), folder.path("out.txt").into()];
        let stdio = [Some(input), Some(duplicate(&terminal)?), Some(duplicate(&terminal)?)];
        let shell = launch_shell(SCRIPT, &arguments, stdio)?;
        let (a, b) = writer_and_reader(&wait_for_children(shell.pid(), PROGRAM, 2, demo.deadlines())?)?;
        let client = Client::over_stream(link, demo.deadlines());
        let written = Vec::new();
        Ok(Pipeline { client, shell, a, b, folder, written, _user: user, _terminal: terminal })
    }

    fn shown(&self) -> [ProcessSelection; 4] {
        let client = ProcessSelection::select_this_process("client");
        let client =
            self.client.link().output_descriptor().iter().fold(client, ProcessSelection::and_descriptor);
        let shell = ProcessSelection::all("shell", self.shell.pid());
        [client, shell, ProcessSelection::all("A", self.a), ProcessSelection::all("B", self.b)]
    }

    /// Waits until the pipeline has appended `sent` to out.txt.
    fn expect_in_file(&mut self, sent: &[u8], demo: &DemoRun<'_>) -> check::Result {
        self.written.extend_from_slice(sent);
        let path = self.folder.path("out.txt");
        // Waits for the length first, so that a long file is read only once.
        let is_complete = || fs::metadata(&path).is_ok_and(|file| file.len() >= self.written.len() as u64);
        until(demo.deadlines().no_progress(), || Ok(is_complete().then_some(())))?;
        self.folder.wait_for_contents("out.txt", &self.written, demo.deadlines())
    }
}

/// Returns the process of `pair` whose standard output is a pipe, and the other one.
fn writer_and_reader(pair: &[Pid]) -> check::Result<(Pid, Pid)> {
    let writes_to_pipe = |pid: Pid| {
        let table = sys::descriptors(pid).unwrap_or_default();
        table.iter().any(|it| it.number == 1 && matches!(it.object, Object::Pipe { .. }))
    };
    match *pair {
        [a, b] if writes_to_pipe(a) && !writes_to_pipe(b) => Ok((a, b)),
        [b, a] if writes_to_pipe(a) && !writes_to_pipe(b) => Ok((a, b)),
        _ => Err(Finding::fail(
            "one process that writes to a pipe, and one that reads from it",
            "no such pair",
        )),
    }
}

fn pipe_joins_a_and_b(snapshot: &Snapshot) -> bool {
    snapshot.is_held_by_exactly(&[("A", 1), ("B", 0)])
}

fn empty_pipe(demo: &mut DemoRun<'_>, pipeline: &Pipeline) -> check::Result {
    demo.step("Two processes and an empty pipe")?;
    demo.explain(
        "A shell runs the command line `A | B > out.txt`. It calls pipe(2) once: the kernel creates a buffer and \
         returns two descriptors. The bytes written to the one are read from the other. Then it calls fork(2) for \
         each program. The new processes call dup2(2): the write end of the pipe becomes A's descriptor 1, its \
         standard output, and the read end becomes B's descriptor 0, its standard input. B's descriptor 1 becomes \
         the file. Then execve(2) loads the programs, which need not know about the pipe. Finally the shell closes \
         its own copies of both ends, and waits.",
    )?;
    demo.explain(
        "Here A and B both run the program echo-pipe, which copies its input to its output. This demo is the client \
         that writes to A. Each line beside the boxes is a pipe, and the arrows show which way the bytes go. The \
         number after the word pipe is the kernel's id of the pipe; both ends have the same id.",
    )?;
    let shown = pipeline.shown();
    let joined = "A's descriptor 1 and B's descriptor 0 are the two ends of one pipe, and no other process here holds \
                  either end, not even the shell";
    demo.wait_until(&shown, joined, pipe_joins_a_and_b)?;
    let file = Object::File(pipeline.folder.path("out.txt"));
    demo.wait_until(&shown, "B's descriptor 1 is the file out.txt", |snapshot| {
        snapshot.row("B", 1).is_some_and(|row| row.object == file)
    })?;
    demo.wait_until_blocked(pipeline.a, "pipe_read", "A is blocked in read(2), because its pipe is empty")?;
    demo.wait_until_blocked(pipeline.b, "pipe_read", "B is blocked in read(2) too")?;
    let claim = "A and B hold only their three standard descriptors";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        ["A", "B"].iter().all(|label| {
            snapshot.process(label).map(Process::descriptor_numbers).is_some_and(|held| held == [0, 1, 2])
        })
    })?;
    demo.show(&snapshot)
}

fn message_through_pipe(demo: &mut DemoRun<'_>, pipeline: &mut Pipeline) -> check::Result {
    demo.step("A message goes through the pipe")?;
    demo.explain(
        "The client calls write(2) with 12 bytes. The kernel copies them into the first pipe and wakes A, whose \
         read(2) returns them. A's write(2) copies them into the second pipe and wakes B. B's write(2) copies them \
         into the file. At every step the bytes are copied into the kernel and out of it again: no process can see \
         the memory of another.",
    )?;
    let message = b"hello, pipe\n";
    pipeline.client.send(message)?;
    let arrived = pipeline.expect_in_file(message, demo);
    demo.verify_ok("\"hello, pipe\" went through A and B into out.txt, byte for byte", arrived)
}

fn full_pipe(demo: &mut DemoRun<'_>, pipeline: &mut Pipeline) -> check::Result {
    demo.step("The pipe is full")?;
    demo.explain(
        "Now the signal SIGSTOP stops B, so that it no longer reads. The client writes as many bytes as it can.",
    )?;
    let bytes = payload(MIB, 0, 0);
    let sent = fill(demo, pipeline, &bytes)?;
    let accepted = count_with_noun(sent, "byte");
    demo.verify(
        "a further write of the client would block",
        sent < bytes.len(),
        format!("all {accepted} fit"),
    )?;
    demo.explain(&format!(
        "The client could write {accepted}. First they filled the pipe from A to B. Then A blocked in write(2), with \
         bytes in its memory that it had read but could not write. So A no longer read either, and further bytes \
         filled the pipe from the client to A. This is back-pressure: a slow reader slows down every writer before \
         it, however long the pipeline, and no program needs code for it. The descriptors are the same as before. \
         Only the kernel function in which A is blocked has changed, at the lower edge of its box.",
    ))?;
    let same = "the pipe joins the same two descriptors as before";
    let snapshot = demo.wait_until(&pipeline.shown(), same, pipe_joins_a_and_b)?;
    demo.show(&snapshot)?;
    demo.explain("SIGCONT lets B go on. It reads, the pipe has room again, and A's write(2) returns.")?;
    send_signal(pipeline.b, Signal::SIGCONT)?;
    let arrived = pipeline.expect_in_file(&bytes[..sent], demo);
    demo.verify_ok(format!("all {accepted} arrived in order; none was lost"), arrived)
}

/// Stops the process B and writes into the pipeline until neither A nor the client can write. Returns the number of
/// bytes written.
fn fill(demo: &mut DemoRun<'_>, pipeline: &mut Pipeline, bytes: &[u8]) -> check::Result<usize> {
    send_signal(pipeline.b, Signal::SIGSTOP)?;
    demo.wait_until_stopped(pipeline.b, "B is stopped")?;
    let before = pipeline.client.fill_until_blocked(bytes)?;
    demo.wait_until_blocked(
        pipeline.a,
        "pipe_write",
        "A is blocked in write(2), because the pipe to B is full",
    )?;
    // A may have read once more before it blocked, and made room.
    Ok(before + pipeline.client.fill_until_blocked(&bytes[before..])?)
}

fn closed_write_end(demo: &mut DemoRun<'_>, mut pipeline: Pipeline) -> check::Result {
    demo.step("The writer closes: end of file")?;
    demo.explain(
        "The client calls close(2) on its write end, the only write end of that pipe. So A's read(2) returns 0. That \
         is what end of file is: not a byte and not a signal, but a return value which says that no byte is left \
         and none will come. A exits. When a process exits, the kernel closes its descriptors, here the only write \
         end of the pipe to B. So B's read(2) returns 0 too, and B exits. The shell has waited for both with \
         waitpid(2). It takes the exit status of B, the last command, as the exit status of the pipeline, and \
         exits too.",
    )?;
    pipeline.client.shut_down_write()?;
    demo.verify_exit("the shell has exited by itself, with exit status 0", &mut pipeline.shell)?;
    let claim = "A and B have exited too, and hold no descriptor any more";
    let snapshot = demo.wait_until(&pipeline.shown(), claim, |snapshot| {
        ["A", "B"].iter().all(|label| snapshot.process(label).is_some_and(|it| it.state.has_exited()))
    })?;
    demo.show(&snapshot)?;
    demo.explain(
        "The kernel no longer knows A and B: the shell has reaped them. The shell itself is a zombie, an entry in the \
         process table that holds its exit status until its parent, this demo, calls waitpid(2).",
    )
}
