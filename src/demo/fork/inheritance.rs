//! What a child inherits, and what it shares with its parent from then on. fork(2), execve(2), open(2).

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::unistd::Pid;

use crate::check::{self, OrFinding};
use crate::demo::support::{DemoRun, TempFolder, duplicate, launch_program, program_path, take_snapshot};
use crate::diagram::{ObjectId, Process, Row, Selection, Snapshot};
use crate::server::Instance;
use crate::sys;
use crate::transport::{Client, pipe_pair};

/// The program that plays both A and B.
const PROGRAM: &str = "echo-pipe";

const FILE: &str = "log.txt";

/// A child that copies what its client says into a file.
struct Writer {
    // Dropped in this order: at the end of its input the program ends by itself.
    client: Client,
    /// A copy of its standard input, as its parent would have kept it.
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

pub(super) fn tell(demo: &mut DemoRun<'_>) -> check::Result {
    let folder = TempFolder::new()?;
    let writer = inherited_once(demo, &folder)?;
    one_flag(demo, writer)?;
    opened_twice(demo, &folder)?;
    closed_on_exec(demo, &folder)
}

fn inherited_once(demo: &mut DemoRun<'_>, folder: &TempFolder) -> check::Result<Writer> {
    demo.step("Inherited: two processes, one open file")?;
    demo.explain(
        "fork(2) copies the descriptors, but not what they refer to. When open(2) opens a file, the kernel makes \
         an open file description: which file, the offset at which the next read or write begins, and flags. A \
         descriptor is a number that refers to one. The parent, this demo, has opened log.txt once and then made \
         two children, A and B, both with that descriptor as their standard output: three descriptors in three \
         processes, and one offset. The line joins them.",
    )?;
    let file = OwnedFd::from(folder.create(FILE)?);
    let mut a = Writer::launch(demo, duplicate(&file)?)?;
    let mut b = Writer::launch(demo, duplicate(&file)?)?;
    let shown = [
        Selection::this_process("parent").and(&file),
        Selection::all("A", a.pid()),
        Selection::all("B", b.pid()),
    ];
    a.client.send(b"one\n")?;
    demo.verify_ok(
        "A has written \"one\" and a line feed: 4 bytes",
        folder.expect(FILE, b"one\n", demo.deadlines()),
    )?;
    if shows_offsets(&file) {
        let claim = "the offset is 4 in all three, though B and the parent have done nothing";
        demo.wait_until(&shown, claim, |snapshot| offsets(snapshot, &file) == [Some(4); 3])?;
    }
    let snapshot = take_snapshot(&shown)?;
    if is_described(&snapshot) {
        let all = [("parent", file.as_raw_fd()), ("A", 1), ("B", 1)];
        demo.verify(
            "all three refer to one open file description, says kcmp(2)",
            snapshot.holders_are(&all),
            &snapshot,
        )?;
    }
    demo.show(&snapshot)?;
    demo.explain("Then B writes. It begins where A has ended, and nothing is lost.")?;
    b.client.send(b"two\n")?;
    let both = folder.expect(FILE, b"one\ntwo\n", demo.deadlines());
    demo.verify_ok("log.txt holds \"one\" and \"two\", one after the other", both)?;
    Ok(a)
}

/// Whether this system shows where in a file a descriptor stands.
fn shows_offsets(file: &OwnedFd) -> bool {
    sys::open_file(Pid::this(), file.as_raw_fd()).is_ok()
}

/// Whether this system says which descriptors share an open file description.
fn is_described(snapshot: &Snapshot) -> bool {
    snapshot.row("A", 1).is_some_and(|row| row.description.is_some())
}

/// The offsets of the parent's `file` and of both children's standard output.
fn offsets(snapshot: &Snapshot, file: &OwnedFd) -> [Option<u64>; 3] {
    let offset = |row: Option<&Row>| row.and_then(|row| row.open).map(|open| open.offset);
    [("parent", file.as_raw_fd()), ("A", 1), ("B", 1)]
        .map(|(label, number)| offset(snapshot.row(label, number)))
}

fn one_flag(demo: &mut DemoRun<'_>, mut a: Writer) -> check::Result {
    demo.step("One O_NONBLOCK for all")?;
    demo.explain(
        "Flags are shared in the same way. The parent has kept a copy of the pipe end that is A's standard input. \
         It now sets O_NONBLOCK there with fcntl(2): from now on a read that would have to wait fails with \
         EAGAIN. A has not been asked, and its input has changed.",
    )?;
    let shown = [
        Selection::this_process("parent").and(&a.input).with_flags(),
        Selection::all("A", a.pid()).with_flags(),
    ];
    demo.wait_until_blocked(a.pid(), "pipe_read", "A sleeps in read(2), as usual")?;
    set_nonblocking(&a.input)?;
    if shows_offsets(&a.input) {
        let claim = "O_NONBLOCK is set at the parent's descriptor, and at A's descriptor 0";
        let ends = [("parent", a.input.as_raw_fd()), ("A", 0)];
        demo.wait_until(&shown, claim, |snapshot| {
            let set = |row: &Row| row.open.is_some_and(|open| open.nonblocking);
            ends.iter().all(|&(label, number)| snapshot.row(label, number).is_some_and(set))
        })?;
    }
    a.client.send(b"three\n")?;
    demo.wait_until_blocked(
        a.pid(),
        "poll",
        "after the next message A waits in poll(2) instead: its read(2) has failed with EAGAIN",
    )?;
    demo.show(&take_snapshot(&shown)?)?;
    demo.explain(
        "echo-pipe is prepared for that. Many programs are not, and end with \"Resource temporarily unavailable\" \
         because of what another process has done to a terminal or a pipe that they share. close-on-exec, in \
         the picture, is the one flag that is not shared: it belongs to the descriptor, and the last step is \
         about it.",
    )
}

fn set_nonblocking(descriptor: &OwnedFd) -> check::Result {
    let set = fcntl(descriptor, FcntlArg::F_GETFL).and_then(|flags| {
        fcntl(descriptor, FcntlArg::F_SETFL(OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK))
    });
    set.map(drop).or_broken("O_NONBLOCK set")
}

fn opened_twice(demo: &mut DemoRun<'_>, folder: &TempFolder) -> check::Result {
    demo.step("Opened twice: one file, two offsets")?;
    demo.explain(
        "Now the same with one difference: log.txt is opened once for A and once more for B. It is the same file \
         on the disk, but there are two open file descriptions, and each has an offset of its own. A writes \
         \"one\".",
    )?;
    let (first, second) = (folder.create(FILE)?, folder.open(FILE)?);
    let mut a = Writer::launch(demo, first.into())?;
    let mut b = Writer::launch(demo, second.into())?;
    let shown =
        [Selection::this_process("parent"), Selection::all("A", a.pid()), Selection::all("B", b.pid())];
    a.client.send(b"one\n")?;
    demo.verify_ok("A has written \"one\"", folder.expect(FILE, b"one\n", demo.deadlines()))?;
    let snapshot = take_snapshot(&shown)?;
    let object = |label| snapshot.row(label, 1).map(|row| &row.object);
    demo.verify("the descriptors 1 of A and B name the same file", object("A") == object("B"), &snapshot)?;
    let offset = |label| snapshot.row(label, 1).and_then(|row| row.open).map(|open| open.offset);
    if let (Some(one), Some(two)) = (offset("A"), offset("B")) {
        demo.verify("A's offset is 4, and B's is still 0", (one, two) == (4, 0), &snapshot)?;
    }
    if is_described(&snapshot) {
        let apart = snapshot.holders_are(&[("A", 1)]) && snapshot.holders_are(&[("B", 1)]);
        demo.verify("they are two open file descriptions, says kcmp(2)", apart, &snapshot)?;
    }
    demo.show(&snapshot)?;
    demo.explain(
        "Then B writes \"TWO\", at its own offset 0: over what A has written. Nobody gets an error. So two programs \
         lose each other's lines that both log into one file; the flag O_APPEND, `>>` in a shell, is the cure: \
         then every write goes to the end, wherever that is.",
    )?;
    b.client.send(b"TWO\n")?;
    let lost = folder.expect(FILE, b"TWO\n", demo.deadlines());
    demo.verify_ok("log.txt holds \"TWO\", and \"one\" is lost", lost)
}

fn closed_on_exec(demo: &mut DemoRun<'_>, folder: &TempFolder) -> check::Result {
    demo.step("close-on-exec: what a new program does not find")?;
    let (kept, closed) = (folder.create("kept.txt")?, folder.create("closed.txt")?);
    demo.explain(&format!(
        "fork(2) copies every descriptor, and a program that execve(2) then loads finds them all, except those \
         that are marked close-on-exec (FD_CLOEXEC, or O_CLOEXEC at once in open(2)). The parent has opened two \
         files: kept.txt, {}, without the mark, and closed.txt, {}, with it. Then it has started echo-pipe, by \
         fork and execve.",
        kept.as_raw_fd(),
        closed.as_raw_fd()
    ))?;
    keep_on_exec(&kept)?;
    let writer = Writer::launch(demo, duplicate(&OwnedFd::from(folder.create(FILE)?))?)?;
    let shown = [
        Selection::this_process("parent").and(&kept).and(&closed).with_flags(),
        Selection::all("child", writer.pid()),
    ];
    let numbers = [0, 1, 2, kept.as_raw_fd()];
    let claim = format!("the child holds its own 0, 1 and 2, and {} as well: kept.txt", kept.as_raw_fd());
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let object = |label| snapshot.row(label, kept.as_raw_fd()).map(|row| &row.object);
        object("child").is_some()
            && object("child") == object("parent")
            && snapshot.process("child").map(Process::numbers).is_some_and(|held| held == numbers)
    })?;
    let gone = snapshot.row("child", closed.as_raw_fd()).is_none();
    let claim = format!("{}, closed.txt, is not in the child's table", closed.as_raw_fd());
    demo.verify(claim, gone, &snapshot)?;
    if let Some(ObjectId::Description(_)) = snapshot.row("child", kept.as_raw_fd()).and_then(Row::id) {
        let both = [("parent", kept.as_raw_fd()), ("child", kept.as_raw_fd())];
        demo.verify("both refer to one open file description", snapshot.holders_are(&both), &snapshot)?;
    }
    demo.show(&snapshot)?;
    demo.explain(
        "echo-pipe knows nothing of kept.txt, and yet holds it open for as long as it lives. With a file that \
         wastes a little; with the write end of a pipe, somebody waits in vain for the end of file (see \
         `echospec demo pipe`), and with a listening socket the port stays taken. So libraries set the mark \
         on everything that they open, and one takes it off where a child is meant to inherit.",
    )
}

/// Takes the mark off that every descriptor has which Rust's library opens.
fn keep_on_exec(file: &File) -> check::Result {
    let set = fcntl(file, FcntlArg::F_SETFD(FdFlag::empty()));
    set.map(drop).or_broken("FD_CLOEXEC cleared")
}
