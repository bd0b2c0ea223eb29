//! One program, two processes: fork(2), and what becomes of the descriptors.

use std::io;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::support::{Demo, DemoRun, launch_server_with, select_clients, send_signal, take_snapshot};
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::diagram::{Process, ProcessState, Row, Selection, Snapshot, cannot_read};
use crate::server::Server;
use crate::sys::{self, AccessMode};
use crate::transport::Client;

mod inheritance;

pub(super) const DEMO: Demo = Demo {
    name: "fork",
    says: "parent and child: what is copied, what is shared, and what exec closes",
    run,
};

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut family = Family::launch(demo)?;
    after_the_fork(demo, &family)?;
    a_message_goes_round(demo, &mut family)?;
    the_parent_passes_the_end_on(demo, &mut family)?;
    the_child_ends(demo, &family)?;
    the_child_is_reaped(demo, &mut family)?;
    inheritance::tell(demo)
}

/// What the parent finds in its environment.
const VARIABLE: (&str, &str) = ("GREETING", "hello");

/// `echo-fork`: a parent that has forked a child, and their client.
struct Family {
    server: Server,
    client: Client,
    parent: Pid,
    child: Pid,
}

impl Family {
    fn launch(demo: &DemoRun<'_>) -> check::Result<Family> {
        let variable = format!("{}={}", VARIABLE.0, VARIABLE.1);
        let mut server = launch_server_with(&["env", &variable], "echo-fork", "pipe", demo.deadlines())?;
        let client = server.connect()?;
        let parent = server.pid()?;
        let forked = until(demo.deadlines().start(), || {
            let children =
                sys::children(parent).map_err(|error| cannot_read("a list of children", &error))?;
            Ok(children.first().map(|child| child.pid))
        })?;
        let child = forked.ok_or_else(|| Finding::fail("a child of echo-fork", "it has none"))?;
        Ok(Family { server, client, parent, child })
    }

    fn shown(&self) -> [Selection; 3] {
        [
            select_clients("client", [&self.client]),
            Selection::all("parent", self.parent),
            Selection::all("child", self.child),
        ]
    }
}

fn after_the_fork(demo: &mut DemoRun<'_>, family: &Family) -> check::Result {
    demo.step("After the fork")?;
    demo.explain(
        "The program echo-fork has called pipe(2) twice and then fork(2). fork makes a copy of the calling \
         process: the same program, at the same place in it, with a copy of the descriptor table. Both copies \
         refer to the same pipes. So at that moment parent and child each held all four ends.",
    )?;
    demo.explain(
        "Then each closed the two ends that are not its part. The child also moved its own two to \
         descriptors 0 and 1 with dup2(2), where its standard input and output had been. What remains is \
         one circle: client, parent, child, parent, client.",
    )?;
    demo.explain(
        "The child has a copy of everything else too. The parent was started by `env GREETING=hello echo-fork`, \
         and so the child finds GREETING in its environment, as its own children would.",
    )?;
    let claim = "each of the two pipes in between has one write end and one read end, in different processes";
    demo.wait_until(&family.shown(), claim, is_settled)?;
    inherits_the_environment(demo, family)?;
    demo.wait_until_blocked(family.child, "pipe_read", "the child sleeps in read(2)")?;
    let snapshot =
        demo.wait_until(&family.shown(), "the kernel names one as the other's parent", |snapshot| {
            snapshot.process("child").is_some_and(|child| child.parent == Some(family.parent))
        })?;
    demo.show(&snapshot)
}

/// Claims nothing where the system does not show environments.
fn inherits_the_environment(demo: &mut DemoRun<'_>, family: &Family) -> check::Result {
    let (name, value) = VARIABLE;
    let has = |pid| sys::has_env_var(pid, name, value);
    match has(family.parent).and_then(|parent| Ok(parent && has(family.child)?)) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(cannot_read("the environment of a process", &error)),
        Ok(both) => {
            demo.verify(format!("parent and child both have {name}={value}"), both, "one of them has not")
        }
    }
}

/// Whether every unused end is closed: the child holds but its standard descriptors, and the pipes at its 0
/// and 1 each have exactly one other end, the parent's.
fn is_settled(snapshot: &Snapshot) -> bool {
    let numbers = snapshot.process("child").map(Process::numbers);
    numbers.is_some_and(|numbers| numbers == [0, 1, 2])
        && [0, 1].iter().all(|&number| far_end(snapshot, number).is_some())
}

/// The parent's end of the pipe at the child's descriptor `number`, if nobody else holds one.
fn far_end(snapshot: &Snapshot, number: i32) -> Option<(&Process, &Row)> {
    let shared = snapshot.row("child", number)?.id()?;
    let mut others = snapshot.holders(shared);
    others.retain(|(process, _)| process.label != "child");
    match others[..] {
        [(process, row)] if process.label == "parent" && complement(row, number) => Some((process, row)),
        _ => None,
    }
}

/// Whether `row` can be the other end of a standard input or output, as far as the system tells.
fn complement(row: &Row, number: i32) -> bool {
    let wanted = if number == 0 { AccessMode::WriteOnly } else { AccessMode::ReadOnly };
    row.access.is_none_or(|access| access == wanted)
}

fn a_message_goes_round(demo: &mut DemoRun<'_>, family: &mut Family) -> check::Result {
    demo.step("A message goes round")?;
    demo.explain(
        "The client writes to the parent's standard input. The parent reads that and writes it into the \
         first pipe; the child reads it there as its own standard input, and writes it to its standard \
         output, the second pipe; the parent reads it there, and writes it to the client. Each process has \
         a memory of its own since fork(2): what the one changes there the other never sees. Only what goes \
         through the pipes reaches it. (The parent has a thread for each direction, or it could be stuck \
         writing while the child waits for it to read. Under its box is where its main thread sleeps.)",
    )?;
    let echoed = family.client.exchange(b"hello, child\n");
    demo.verify_ok("\"hello, child\" came back by way of the child", echoed)
}

fn the_parent_passes_the_end_on(demo: &mut DemoRun<'_>, family: &mut Family) -> check::Result {
    demo.step("The parent passes the end of file on")?;
    demo.explain(
        "To see what would be over in a moment, the child is stopped first (SIGSTOP). The client closes its \
         write end. The parent's read(2) returns 0, end of file, and the parent closes the only write end \
         of the pipe to the child: it passes the end on. The pipe now has no writer any more, and end of \
         file lies ready at the child's descriptor 0.",
    )?;
    send_signal(family.child, Signal::SIGSTOP)?;
    demo.wait_until_stopped(family.child, "the child is stopped")?;
    family.client.shut_down_write()?;
    let claim = "the parent's write end is gone: nobody can write to the child's descriptor 0";
    let snapshot =
        demo.wait_until(&family.shown(), claim, |snapshot| snapshot.holders_are(&[("child", 0)]))?;
    demo.show(&snapshot)
}

fn the_child_ends(demo: &mut DemoRun<'_>, family: &Family) -> check::Result {
    demo.step("The child ends, and is a zombie")?;
    demo.explain(
        "Now the parent is stopped, and the child goes on (SIGCONT). It reads 0, and ends. The \
         kernel closes its descriptors and frees its memory, but keeps its number and its exit status for \
         the parent: until the parent asks, the child is a zombie.",
    )?;
    send_signal(family.parent, Signal::SIGSTOP)?;
    demo.wait_until_stopped(family.parent, "the parent is stopped")?;
    send_signal(family.child, Signal::SIGCONT)?;
    let claim = "the child has ended, and the kernel still lists it as the parent's";
    let snapshot = demo.wait_until(&family.shown(), claim, |snapshot| {
        snapshot
            .process("child")
            .is_some_and(|child| child.state == ProcessState::Zombie && child.parent == Some(family.parent))
    })?;
    demo.show(&snapshot)
}

fn the_child_is_reaped(demo: &mut DemoRun<'_>, family: &mut Family) -> check::Result {
    demo.step("The child is reaped")?;
    demo.explain(
        "The parent goes on. The second pipe has no writer any more, so the parent reads end of file there \
         too, and calls waitpid(2), which returns the child's exit status and lets the kernel forget the \
         child. Then the parent ends; its own parent, this demo, will reap it next.",
    )?;
    send_signal(family.parent, Signal::SIGCONT)?;
    let claim = "the child's number is in the process table no more";
    let is_gone = |process: &Process| process.state == ProcessState::Gone;
    demo.wait_until(&family.shown(), claim, |snapshot| snapshot.process("child").is_some_and(is_gone))?;
    demo.verify_exit("the parent has ended with exit status 0", family.server.instance()?)?;
    demo.verify_ok("end of file has reached the client", family.client.expect_eof())?;
    let snapshot = take_snapshot(&family.shown())?;
    demo.show(&snapshot)
}
