//! Descriptors after fork(2) and execve(2): copied, shared and closed. open(2), fcntl(2).

use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Pid;

use crate::check::{self, OrFinding};
use crate::demo::support::{
    DemoRun, TempFolder, duplicate, launch_failed, launch_program, program_path, take_snapshot,
};
use crate::diagram::{DescriptorRow, ObjectId, Process, ProcessSelection, Snapshot};
use crate::server::Instance;
use crate::sys;
use crate::transport::{Client, pipe_pair};

/// The program that all child processes of the demo execute.
const PROGRAM: &str = "echo-pipe";

const FILE: &str = "log.txt";

/// A child process that copies what its client sends into a file.
struct Writer {
    // Dropped first: the process exits at the end of its input.
    client: Client,
    /// A duplicate of the child process's standard input.
    input: OwnedFd,
    instance: Instance,
}

impl Writer {
    fn launch(demo: &DemoRun<'_>, file: OwnedFd) -> check::Result<Writer> {
        let (link, input, _) = pipe_pair().or_broken("two pipes")?;
        let instance =
            launch_program(program_path(PROGRAM)?, &[], [Some(duplicate(&input)?), Some(file), None])?;
        Ok(Writer { client: Client::over_stream(link, demo.deadlines()), input, instance })
    }

    fn pid(&self) -> Pid {
        self.instance.pid()
    }
}

pub(super) fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let folder = TempFolder::new()?;
    let writer = shared_offset(demo, &folder)?;
    shared_flags(demo, writer)?;
    separate_offsets(demo, &folder)?;
    close_on_exec(demo, &folder)
}

fn shared_offset(demo: &mut DemoRun<'_>, folder: &TempFolder) -> check::Result<Writer> {
    demo.step("Inherited: two processes, one open file")?;
    demo.explain(
        "fork(2) copies descriptors, but not the objects that they refer to. When open(2) opens a file, the kernel \
         creates an open file description: it holds the offset at which the next read or write begins, and flags \
         such as O_NONBLOCK. The descriptor refers to this description, and the description to the file. The \
         parent, this demo, has opened log.txt once and then started two children, A and B, with that descriptor as \
         their standard output. So three descriptors in three processes share one offset. The line joins them.",
    )?;
    let file = OwnedFd::from(folder.create(FILE)?);
    let mut a = Writer::launch(demo, duplicate(&file)?)?;
    let mut b = Writer::launch(demo, duplicate(&file)?)?;
    let shown = [
        ProcessSelection::select_this_process("parent").and_descriptor(&file),
        ProcessSelection::all("A", a.pid()),
        ProcessSelection::all("B", b.pid()),
    ];
    a.client.send(b"one\n")?;
    demo.verify_ok(
        "A has written \"one\" and a newline: 4 bytes",
        folder.wait_for_contents(FILE, b"one\n", demo.deadlines()),
    )?;
    if shows_offsets(&file) {
        let claim = "the offset is 4 in all three processes, although B and the parent have not written";
        demo.wait_until(&shown, claim, |snapshot| offsets(snapshot, &file) == [Some(4); 3])?;
    }
    let snapshot = take_snapshot(&shown)?;
    if compares_descriptions(&snapshot) {
        let all = [("parent", file.as_raw_fd()), ("A", 1), ("B", 1)];
        let claim = "kcmp(2) confirms that all three refer to one open file description";
        demo.verify(claim, snapshot.is_held_by_exactly(&all), &snapshot)?;
    }
    demo.show(&snapshot)?;
    demo.explain("Then B writes. It starts where A stopped, and overwrites nothing.")?;
    b.client.send(b"two\n")?;
    let both = folder.wait_for_contents(FILE, b"one\ntwo\n", demo.deadlines());
    demo.verify_ok("log.txt contains \"one\" and then \"two\"", both)?;
    Ok(a)
}

/// Returns whether this system shows the file offset of a descriptor.
fn shows_offsets(file: &OwnedFd) -> bool {
    sys::open_file(Pid::this(), file.as_raw_fd()).is_ok()
}

/// Returns whether this system can tell which descriptors share an open file description.
fn compares_descriptions(snapshot: &Snapshot) -> bool {
    snapshot.row("A", 1).is_some_and(|row| row.description.is_some())
}

/// Returns the offsets of the file in the parent and at the standard output of both children.
fn offsets(snapshot: &Snapshot, file: &OwnedFd) -> [Option<u64>; 3] {
    let offset = |row: Option<&DescriptorRow>| row.and_then(|row| row.open).map(|open| open.offset);
    [("parent", file.as_raw_fd()), ("A", 1), ("B", 1)]
        .map(|(label, number)| offset(snapshot.row(label, number)))
}

fn shared_flags(demo: &mut DemoRun<'_>, mut a: Writer) -> check::Result {
    demo.step("Shared flags: O_NONBLOCK")?;
    demo.explain(
        "The flags of an open file description are shared too. The parent has kept a copy of the pipe end that is A's \
         standard input. With fcntl(2) it now sets O_NONBLOCK on its own descriptor. From now on a read that would \
         block fails with EAGAIN, in A too: A's standard input has changed, and A did nothing.",
    )?;
    let shown = [
        ProcessSelection::select_this_process("parent").and_descriptor(&a.input).with_flags(),
        ProcessSelection::all("A", a.pid()).with_flags(),
    ];
    demo.wait_until_blocked(a.pid(), "pipe_read", "A is blocked in read(2)")?;
    set_nonblocking(&a.input)?;
    if shows_offsets(&a.input) {
        let claim = "O_NONBLOCK is set on the parent's descriptor and on A's descriptor 0";
        let ends = [("parent", a.input.as_raw_fd()), ("A", 0)];
        demo.wait_until(&shown, claim, |snapshot| {
            let is_set = |row: &DescriptorRow| row.open.is_some_and(|open| open.nonblocking);
            ends.iter().all(|&(label, number)| snapshot.row(label, number).is_some_and(is_set))
        })?;
    }
    a.client.send(b"three\n")?;
    demo.wait_until_blocked(
        a.pid(),
        "poll",
        "after the next message A is blocked in poll(2): its read(2) has failed with EAGAIN",
    )?;
    demo.show(&take_snapshot(&shown)?)?;
    demo.explain(
        "echo-pipe handles EAGAIN. Many programs do not, and exit with \"Resource temporarily unavailable\" because \
         another process has set O_NONBLOCK on a terminal or a pipe that they share. The diagram also shows \
         close-on-exec. That flag is not shared: it belongs to the descriptor. The last step is about it.",
    )
}

fn set_nonblocking(descriptor: &OwnedFd) -> check::Result {
    let set = fcntl(descriptor, FcntlArg::F_GETFL).and_then(|flags| {
        fcntl(descriptor, FcntlArg::F_SETFL(OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK))
    });
    set.map(drop).or_broken("O_NONBLOCK set")
}

fn separate_offsets(demo: &mut DemoRun<'_>, folder: &TempFolder) -> check::Result {
    demo.step("Opened twice: one file, two offsets")?;
    demo.explain(
        "Now the same with one difference: log.txt is opened once for A and once more for B. Both descriptors refer to \
         the same file, but through two open file descriptions, and each of these has its own offset. A writes \
         \"one\".",
    )?;
    let (first, second) = (folder.create(FILE)?, folder.open(FILE)?);
    let mut a = Writer::launch(demo, first.into())?;
    let mut b = Writer::launch(demo, second.into())?;
    let shown = [
        ProcessSelection::select_this_process("parent"),
        ProcessSelection::all("A", a.pid()),
        ProcessSelection::all("B", b.pid()),
    ];
    a.client.send(b"one\n")?;
    demo.verify_ok("A has written \"one\"", folder.wait_for_contents(FILE, b"one\n", demo.deadlines()))?;
    let snapshot = take_snapshot(&shown)?;
    let object = |label| snapshot.row(label, 1).map(|row| &row.object);
    demo.verify("descriptor 1 of A and of B is the same file", object("A") == object("B"), &snapshot)?;
    let offset = |label| snapshot.row(label, 1).and_then(|row| row.open).map(|open| open.offset);
    if let (Some(one), Some(two)) = (offset("A"), offset("B")) {
        demo.verify("A's offset is 4, and B's is still 0", (one, two) == (4, 0), &snapshot)?;
    }
    if compares_descriptions(&snapshot) {
        let apart = snapshot.is_held_by_exactly(&[("A", 1)]) && snapshot.is_held_by_exactly(&[("B", 1)]);
        demo.verify("kcmp(2) confirms that they are two open file descriptions", apart, &snapshot)?;
    }
    demo.show(&snapshot)?;
    demo.explain(
        "Then B writes \"TWO\" at its own offset, 0, and overwrites what A has written. Neither gets an error. This is \
         how two programs that log to one file destroy each other's lines. The flag O_APPEND (`>>` in a shell) \
         prevents it: every write then goes to the end of the file.",
    )?;
    b.client.send(b"TWO\n")?;
    let overwritten = folder.wait_for_contents(FILE, b"TWO\n", demo.deadlines());
    demo.verify_ok("log.txt contains \"TWO\"; \"one\" is lost", overwritten)
}

fn close_on_exec(demo: &mut DemoRun<'_>, folder: &TempFolder) -> check::Result {
    demo.step("close-on-exec: what execve(2) closes")?;
    let kept = OwnedFd::from(folder.create("kept.txt")?);
    let closed = OwnedFd::from(folder.create("closed.txt")?);
    let (kept_number, closed_number) = (kept.as_raw_fd(), closed.as_raw_fd());
    demo.explain(&format!(
        "fork(2) copies every descriptor. execve(2), which loads a new program, closes those with the flag close-on-exec \
         (O_CLOEXEC in open(2), FD_CLOEXEC in fcntl(2)), and keeps the others. The parent has opened kept.txt as \
         {kept_number} and closed.txt as {closed_number}, both with the flag. Then it has started echo-pipe: fork(2) and, \
         in the new process, dup2({kept_number}, 3) and execve(2). The flag belongs to the descriptor, not to the open \
         file, and dup2(2) returns a descriptor without it.",
    ))?;
    let input = os_pipe::pipe().or_broken("a pipe")?;
    let command = [program_path(PROGRAM)?.into_os_string()];
    let stdio = [Some(input.0.into()), Some(folder.create(FILE)?.into()), None];
    let child = Instance::start_with_descriptors(command, stdio, vec![duplicate(&kept)?])
        .map_err(|error| launch_failed(PROGRAM, &error))?;
    let shown = [
        ProcessSelection::select_this_process("parent")
            .and_descriptor(&kept)
            .and_descriptor(&closed)
            .with_flags(),
        ProcessSelection::all("child", child.pid()).with_flags(),
    ];
    let claim = "the child holds 0, 1 and 2, and also 3: kept.txt";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let object = |label, number| snapshot.row(label, number).map(|row| &row.object);
        object("child", 3).is_some()
            && object("child", 3) == object("parent", kept_number)
            && snapshot
                .process("child")
                .map(Process::descriptor_numbers)
                .is_some_and(|held| held == [0, 1, 2, 3])
    })?;
    let closed = [kept_number, closed_number].iter().all(|&number| snapshot.row("child", number).is_none());
    let claim = format!("the child has neither {kept_number} nor {closed_number}: execve(2) has closed them");
    demo.verify(claim, closed, &snapshot)?;
    if let Some(ObjectId::Description(_)) = snapshot.row("child", 3).and_then(DescriptorRow::id) {
        let both = [("parent", kept_number), ("child", 3)];
        let claim = "both descriptors of kept.txt refer to one open file description";
        demo.verify(claim, snapshot.is_held_by_exactly(&both), &snapshot)?;
    }
    demo.show(&snapshot)?;
    demo.explain(
        "echo-pipe does not use kept.txt, and yet holds it open until it exits. A leaked descriptor of a file wastes only \
         a little memory. A leaked write end of a pipe is worse: its reader never gets end of file (see `echospec \
         demo pipe`). A leaked listening socket keeps its port in use. So libraries set close-on-exec on every \
         descriptor that they open, and a program passes on only those that a child is meant to inherit.",
    )
}
