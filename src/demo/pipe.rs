//! `A | B > out.txt`: two processes joined by a pipe. pipe(7).

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
use crate::diagram::{Process, Selection, Snapshot};
use crate::payload::{MIB, payload};
use crate::server::Instance;
use crate::sys::{self, Object};
use crate::text::count;
use crate::transport::{Client, pipe_pair};

mod closed_ends;

pub(super) const DEMO: Demo = Demo {
    name: "pipe",
    says: "A | B > file: two processes, one pipe: empty, full, ended, never ending",
    run,
};

/// The program that plays both A and B.
const PROGRAM: &str = "echo-pipe";

/// What the shell is told; `$1` is the program, `$2` the file.
const SCRIPT: &str = r#""$1" | "$1" > "$2"; exit $?"#;

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut line = Pipeline::launch(demo)?;
    at_rest(demo, &line)?;
    a_message_travels(demo, &mut line)?;
    the_pipe_is_full(demo, &mut line)?;
    the_writer_closes(demo, line)?;
    closed_ends::the_reader_goes(demo)?;
    closed_ends::a_stray_end_stays_open(demo)
}

/// A shell in a terminal, the two programs that it has joined, and a client that speaks to the first.
struct Pipeline {
    // Dropped in this order: at the end of their input the programs end by themselves.
    client: Client,
    shell: Instance,
    a: Pid,
    b: Pid,
    folder: TempFolder,
    /// What the file holds by now.
    written: Vec<u8>,
    // Only held: programs whose terminal has gone are hung up.
    _person: Client,
    _terminal: OwnedFd,
}

impl Pipeline {
    fn launch(demo: &DemoRun<'_>) -> check::Result<Pipeline> {
        let folder = TempFolder::new()?;
        let (person, terminal) = pseudo_terminal(demo.deadlines())?;
        let (link, input, _) = pipe_pair().or_broken("two pipes")?;
        let arguments: [OsString; 2] = [program_path(PROGRAM)?.into(), folder.path("out.txt").into()];
        let stdio = [Some(input), Some(duplicate(&terminal)?), Some(duplicate(&terminal)?)];
        let shell = launch_shell(SCRIPT, &arguments, stdio)?;
        let (a, b) = in_order(&wait_for_children(shell.pid(), PROGRAM, 2, demo.deadlines())?)?;
        let client = Client::over_stream(link, demo.deadlines());
        let written = Vec::new();
        Ok(Pipeline { client, shell, a, b, folder, written, _person: person, _terminal: terminal })
    }

    fn shown(&self) -> [Selection; 4] {
        let client = Selection::this_process("client");
        let client = self.client.link().writer().iter().fold(client, Selection::and);
        let shell = Selection::all("shell", self.shell.pid());
        [client, shell, Selection::all("A", self.a), Selection::all("B", self.b)]
    }

    /// Waits until the file holds all that was sent, in order.
    fn arrived(&mut self, sent: &[u8], demo: &DemoRun<'_>) -> check::Result {
        self.written.extend_from_slice(sent);
        let path = self.folder.path("out.txt");
        // Asked for its length first: what is long is read only once.
        let full = || fs::metadata(&path).is_ok_and(|file| file.len() >= self.written.len() as u64);
        until(demo.deadlines().no_progress(), || Ok(full().then_some(())))?;
        self.folder.expect("out.txt", &self.written, demo.deadlines())
    }
}

/// The one that writes into the pipe, and the one that reads from it.
fn in_order(pair: &[Pid]) -> check::Result<(Pid, Pid)> {
    let is_piped = |pid: Pid| {
        let table = sys::descriptors(pid).unwrap_or_default();
        table.iter().any(|it| it.number == 1 && matches!(it.object, Object::Pipe { .. }))
    };
    match *pair {
        [a, b] if is_piped(a) && !is_piped(b) => Ok((a, b)),
        [b, a] if is_piped(a) && !is_piped(b) => Ok((a, b)),
        _ => Err(Finding::fail(
            "one program that writes into a pipe, and one that reads from it",
            "no such two",
        )),
    }
}

fn a_and_b_are_joined(snapshot: &Snapshot) -> bool {
    snapshot.holders_are(&[("A", 1), ("B", 0)])
}

fn at_rest(demo: &mut DemoRun<'_>, line: &Pipeline) -> check::Result {
    demo.step("Two programs at rest")?;
    demo.explain(
        "A shell has been told `A | B > out.txt`. It has called pipe(2) once: the kernel made a buffer and gave \
         back two descriptors; what is written to one is read from the other. Then it has called fork(2) for \
         each program, and in the new process dup2(2): the write end became A's descriptor 1, its standard \
         output, and the read end B's descriptor 0, its standard input. B's 1 became the file. Only then did \
         execve(2) load the program, which need not know that it speaks to a pipe. At last the shell closed both \
         ends, which are none of its own, and waits.",
    )?;
    demo.explain(
        "Here A and B are two processes of the program echo-pipe, which copies its input to its output, and this \
         demo is the client that speaks to A. Every line beside the boxes is one pipe, and its arrows say which \
         way the bytes go. The number behind the word pipe is the kernel's own name for it, and both ends show \
         the same one.",
    )?;
    let shown = line.shown();
    let joined = "A's descriptor 1 and B's descriptor 0 are the two ends of one pipe, and nobody else here holds \
                  either: not the shell, either";
    demo.wait_until(&shown, joined, a_and_b_are_joined)?;
    let file = Object::File(line.folder.path("out.txt"));
    demo.wait_until(&shown, "B's descriptor 1 is the file out.txt", |snapshot| {
        snapshot.row("B", 1).is_some_and(|row| row.object == file)
    })?;
    demo.wait_until_blocked(line.a, "pipe_read", "A sleeps in read(2), for its pipe is empty")?;
    demo.wait_until_blocked(line.b, "pipe_read", "B sleeps in read(2) too")?;
    let three = "each holds just its three standard descriptors";
    let snapshot = demo.wait_until(&shown, three, |snapshot| {
        ["A", "B"]
            .iter()
            .all(|label| snapshot.process(label).map(Process::numbers).is_some_and(|held| held == [0, 1, 2]))
    })?;
    demo.show(&snapshot)
}

fn a_message_travels(demo: &mut DemoRun<'_>, line: &mut Pipeline) -> check::Result {
    demo.step("A message travels")?;
    demo.explain(
        "The client calls write(2) with 12 bytes. The kernel copies them into the first pipe and wakes A, \
         whose read(2) returns with them. A's write(2) puts them into the second pipe and wakes B, and B's \
         write(2) puts them into the file. The bytes have been copied into the kernel and out of it again at \
         every step; no process has seen another's memory.",
    )?;
    let message = b"hello, pipe\n";
    line.client.send(message)?;
    let arrived = line.arrived(message, demo);
    demo.verify_ok("\"hello, pipe\" has come through A and B into out.txt, byte for byte", arrived)
}

fn the_pipe_is_full(demo: &mut DemoRun<'_>, line: &mut Pipeline) -> check::Result {
    demo.step("The pipe is full")?;
    demo.explain(
        "Now B is stopped with the signal SIGSTOP, so it reads no more, and the client writes as much as it \
         can.",
    )?;
    let bytes = payload(MIB, 0, 0);
    let sent = fill(demo, line, &bytes)?;
    let went_in = count(sent, "byte");
    demo.verify("the client cannot write on either", sent < bytes.len(), format!("all {went_in} went in"))?;
    demo.explain(&format!(
        "{went_in} went in. First they filled the pipe from A to B. That put A to sleep in write(2), with the \
         rest of what it had read still in its memory. So A reads no more either, and what came after \
         filled the pipe from the client to A. This is back-pressure: a slow reader slows down everyone who \
         writes to it, however long the chain, and no program needs a line of code for it. The descriptors \
         show nothing of it. Only the place in the kernel where A sleeps has changed, as the lower edge of \
         its box says.",
    ))?;
    let same = "the pipe joins the same two descriptors as before";
    let snapshot = demo.wait_until(&line.shown(), same, a_and_b_are_joined)?;
    demo.show(&snapshot)?;
    demo.explain("SIGCONT wakes B. It reads, there is room again, and A's write(2) returns.")?;
    send_signal(line.b, Signal::SIGCONT)?;
    let arrived = line.arrived(&bytes[..sent], demo);
    demo.verify_ok(format!("all {went_in} came out in order: none was lost"), arrived)
}

/// Stops B and writes until neither A nor the client can go on; answers how many bytes went in.
fn fill(demo: &mut DemoRun<'_>, line: &mut Pipeline, bytes: &[u8]) -> check::Result<usize> {
    send_signal(line.b, Signal::SIGSTOP)?;
    demo.wait_until_stopped(line.b, "B is stopped")?;
    let before = line.client.fill_until_blocked(bytes)?;
    demo.wait_until_blocked(line.a, "pipe_write", "A sleeps in write(2), for the pipe to B is full")?;
    // While A came that far it has made room once more.
    Ok(before + line.client.fill_until_blocked(&bytes[before..])?)
}

fn the_writer_closes(demo: &mut DemoRun<'_>, mut line: Pipeline) -> check::Result {
    demo.step("The writer closes: end of file")?;
    demo.explain(
        "The client calls close(2) on its write end. It was the only one of that pipe, so A's read(2) \
         returns 0. That is all that end of file is: not a byte, not a signal, but the answer that there is \
         nothing and never will be. A ends. When a process ends, the kernel closes its descriptors, here the \
         only write end of the pipe to B. B reads 0 in its turn and ends too. The shell, which has waited for \
         both with waitpid(2), takes B's exit status for that of the whole line, and ends as well.",
    )?;
    line.client.shut_down_write()?;
    demo.verify_exit("the shell ended by itself, with exit status 0", &mut line.shell)?;
    let snapshot = demo.wait_until(
        &line.shown(),
        "A and B have ended too, and hold no descriptor any more",
        |snapshot| {
            ["A", "B"]
                .iter()
                .all(|label| snapshot.process(label).is_some_and(|process| process.state.has_exited()))
        },
    )?;
    demo.show(&snapshot)?;
    demo.explain(
        "Of A and B nothing is left. The shell is a zombie: an entry in the process table, with its exit \
         status, until its own parent, this demo, asks for it.",
    )
}
