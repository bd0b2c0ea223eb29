//! fork(2): one program, two processes, and what happens to the descriptors.

use std::io;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::support::{Demo, DemoRun, launch_server_with, select_clients, send_signal, take_snapshot};
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::diagram::{DescriptorRow, Process, ProcessSelection, ProcessState, Snapshot, cannot_read};
use crate::server::Server;
use crate::sys::{self, AccessMode};
use crate::transport::Client;

mod inheritance;

pub(super) const DEMO: Demo = Demo {
    name: "fork",
    summary: "parent and child: what fork copies, what both share, what exec closes",
    run,
};

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut family = Family::launch(demo)?;
    after_fork(demo, &family)?;
    message_through_child(demo, &mut family)?;
    end_of_file_to_child(demo, &mut family)?;
    child_becomes_zombie(demo, &family)?;
    child_is_reaped(demo, &mut family)?;
    inheritance::run(demo)
}

/// An environment variable of the parent process in a demo, which its child inherits.
const VARIABLE: (&str, &str) = ("GREETING", "hello");

/// The processes of a demo: the server echo-fork with its child, and their client.
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
        let child = until(demo.deadlines().start(), || {
            let children =
                sys::children(parent).map_err(|error| cannot_read("a list of children", &error))?;
            Ok(children.first().map(|child| child.pid))
        })?;
        let child = child.ok_or_else(|| Finding::fail("a child of echo-fork", "it has none"))?;
        Ok(Family { server, client, parent, child })
    }

    fn shown(&self) -> [ProcessSelection; 3] {
        [
            select_clients("client", [&self.client]),
            ProcessSelection::all("parent", self.parent),
            ProcessSelection::all("child", self.child),
        ]
    }
}

fn after_fork(demo: &mut DemoRun<'_>, family: &Family) -> check::Result {
    demo.step("After fork(2)")?;
    demo.explain(
        "The program echo-fork has called pipe(2) twice and then fork(2). fork(2) creates a copy of the calling \
         process: it runs the same program at the same place, with a copy of the descriptor table. The copied \
         descriptors refer to the same pipes. So right after fork(2), parent and child each held all four pipe ends.",
    )?;
    demo.explain(
        "Then each of them closed the two ends that it does not use. The child also called dup2(2) to make its two \
         ends its descriptors 0 and 1, its standard input and output. So bytes can go from the client to the parent, \
         to the child, back to the parent and back to the client.",
    )?;
    demo.explain(
        "fork(2) copies the memory too, with the environment in it. The parent was started with the command `env \
         GREETING=hello echo-fork`, and so the child has the variable GREETING too.",
    )?;
    let claim =
        "each of the two pipes between them has one write end and one read end, in different processes";
    demo.wait_until(&family.shown(), claim, unused_ends_are_closed)?;
    verify_environment(demo, family)?;
    demo.wait_until_blocked(family.child, "pipe_read", "the child is blocked in read(2)")?;
    let claim = "the kernel says that the one is the parent of the other";
    let snapshot = demo.wait_until(&family.shown(), claim, |snapshot| {
        snapshot.process("child").is_some_and(|child| child.parent == Some(family.parent))
    })?;
    demo.show(&snapshot)
}

/// Verifies that the child process has the parent's environment variable. Verifies nothing if the system does not
/// show environments.
fn verify_environment(demo: &mut DemoRun<'_>, family: &Family) -> check::Result {
    let (name, value) = VARIABLE;
    let has = |pid| sys::has_env_var(pid, name, value);
    match has(family.parent).and_then(|parent| Ok(parent && has(family.child)?)) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(cannot_read("the environment of a process", &error)),
        Ok(both) => {
            demo.verify(format!("parent and child both have {name}={value}"), both, "one of them does not")
        }
    }
}

/// Returns whether parent and child have closed the pipe ends that they do not use: the child holds only its standard
/// descriptors, and the pipes at its 0 and 1 have exactly one other end each, in the parent.
fn unused_ends_are_closed(snapshot: &Snapshot) -> bool {
    let numbers = snapshot.process("child").map(Process::descriptor_numbers);
    numbers.is_some_and(|numbers| numbers == [0, 1, 2])
        && [0, 1].iter().all(|&number| has_one_end_in_parent(snapshot, number))
}

/// Returns whether the parent, and no other process, holds the other end of the pipe at the child's descriptor `number`.
fn has_one_end_in_parent(snapshot: &Snapshot, number: i32) -> bool {
    let Some(id) = snapshot.row("child", number).and_then(DescriptorRow::id) else { return false };
    let mut others = snapshot.holders(id);
    others.retain(|(process, _)| process.label != "child");
    let wanted = if number == 0 { AccessMode::WriteOnly } else { AccessMode::ReadOnly };
    // Only some systems show the access mode.
    let can_be_other_end = |row: &DescriptorRow| row.access.is_none_or(|access| access == wanted);
    matches!(others[..], [(process, row)] if process.label == "parent" && can_be_other_end(row))
}

fn message_through_child(demo: &mut DemoRun<'_>, family: &mut Family) -> check::Result {
    demo.step("A message goes through the child")?;
    demo.explain(
        "The client writes to the parent's standard input. The parent reads the message and writes it to the first \
         pipe. The child reads it from its standard input and writes it to its standard output, the second pipe. The \
         parent reads it there and writes it to the client. Since fork(2) each process has its own memory: a process \
         does not see what the other one changes. Only the bytes in the pipes pass between them. (The parent uses \
         one thread for each direction. With one thread for both, it could block in write(2) while the child waits \
         for it to read. The lower edge of its box shows where its main thread is blocked.)",
    )?;
    let echoed = family.client.exchange(b"hello, child\n");
    demo.verify_ok("\"hello, child\" came back through the child", echoed)
}

fn end_of_file_to_child(demo: &mut DemoRun<'_>, family: &mut Family) -> check::Result {
    demo.step("The parent passes the end of file on")?;
    demo.explain(
        "First SIGSTOP stops the child, so that the next state lasts long enough to be drawn. The client closes its \
         write end. The parent's read(2) returns 0, end of file, and the parent closes the only write end of the \
         pipe to the child. Now this pipe has no writer any more, and the child's next read(2) will return 0 too.",
    )?;
    send_signal(family.child, Signal::SIGSTOP)?;
    demo.wait_until_stopped(family.child, "the child is stopped")?;
    family.client.shut_down_write()?;
    let claim = "the parent's write end is closed: no process can write to the child's descriptor 0";
    let snapshot =
        demo.wait_until(&family.shown(), claim, |snapshot| snapshot.is_held_by_exactly(&[("child", 0)]))?;
    demo.show(&snapshot)
}

fn child_becomes_zombie(demo: &mut DemoRun<'_>, family: &Family) -> check::Result {
    demo.step("The child exits and becomes a zombie")?;
    demo.explain(
        "Now the parent is stopped, and SIGCONT lets the child go on. It reads end of file and exits. The kernel \
         closes its descriptors and frees its memory, but keeps its process id and its exit status for the parent. \
         Until the parent asks for them with waitpid(2), the child is a zombie.",
    )?;
    send_signal(family.parent, Signal::SIGSTOP)?;
    demo.wait_until_stopped(family.parent, "the parent is stopped")?;
    send_signal(family.child, Signal::SIGCONT)?;
    let claim = "the child has exited, and the kernel still lists it as a child of the parent";
    let snapshot = demo.wait_until(&family.shown(), claim, |snapshot| {
        snapshot
            .process("child")
            .is_some_and(|child| child.state == ProcessState::Zombie && child.parent == Some(family.parent))
    })?;
    demo.show(&snapshot)
}

fn child_is_reaped(demo: &mut DemoRun<'_>, family: &mut Family) -> check::Result {
    demo.step("The parent reaps the child")?;
    demo.explain(
        "SIGCONT lets the parent go on. The second pipe has no writer any more, so the parent reads end of file from \
         it and calls waitpid(2). The call returns the child's exit status, and the kernel removes the child from \
         its process table. Then the parent exits. Its own parent, this demo, reaps it next.",
    )?;
    send_signal(family.parent, Signal::SIGCONT)?;
    let claim = "the child is no longer in the process table";
    let is_gone = |process: &Process| process.state == ProcessState::Gone;
    demo.wait_until(&family.shown(), claim, |snapshot| snapshot.process("child").is_some_and(is_gone))?;
    demo.verify_exit("the parent has exited with exit status 0", family.server.instance()?)?;
    demo.verify_ok("the client reads end of file", family.client.expect_eof())?;
    let snapshot = take_snapshot(&family.shown())?;
    demo.show(&snapshot)
}
