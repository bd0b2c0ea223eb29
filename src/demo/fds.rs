//! File descriptors: one table for each process, and the lowest free number. open(2), fstat(2).

use std::fmt::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Whence, isatty, lseek};

use super::support::{
    Demo, DemoRun, TempFolder, duplicate, duplicate_for_stdio, launch_program, launch_shell, program_path,
    pseudo_terminal,
};
use crate::check::{self, OrFinding};
use crate::diagram::{Process, ProcessSelection, Snapshot};
use crate::server::Instance;
use crate::sys::Object;
use crate::transport::{Client, Link};

pub(super) const DEMO: Demo = Demo {
    name: "fds",
    summary: "descriptors 0, 1 and 2, one table per process, the lowest free number",
    run,
};

/// The program that the processes A and B of the demo execute.
const PROGRAM: &str = "echo-pipe";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let (mut user, terminal) = pseudo_terminal(demo.deadlines())?;
    let a = launch_program(program_path(PROGRAM)?, &[], duplicate_for_stdio(&terminal)?)?;
    standard_descriptors(demo, &a, &mut user)?;
    let mut b = ProcessB::launch(demo)?;
    one_table_per_process(demo, &a, &mut b)?;
    four_kinds_of_objects(demo, &terminal, &b)?;
    drop((a, b));
    lowest_free_number(demo, &terminal)
}

fn standard_descriptors(demo: &mut DemoRun<'_>, a: &Instance, user: &mut Client) -> check::Result {
    demo.step("Descriptors 0, 1 and 2")?;
    demo.explain(
        "A process cannot access a file, a terminal or a network itself: it asks the kernel, with system calls \
         such as read(2) and write(2). Their first argument is a file descriptor, a small number that says which \
         open file, terminal or socket is meant. The number is an index into a table that the kernel keeps for \
         each process. Here is the table of a program that was just started in a terminal, as the kernel shows \
         it now.",
    )?;
    let shown = [ProcessSelection::all("A", a.pid())];
    let snapshot =
        demo.wait_until(&shown, "A holds the descriptors 0, 1 and 2, and no other", |snapshot| {
            snapshot.process("A").map(Process::descriptor_numbers).is_some_and(|numbers| numbers == [0, 1, 2])
        })?;
    let mut rows = snapshot.process("A").into_iter().flat_map(|process| &process.rows);
    let all = rows.all(|row| matches!(row.object, Object::Terminal(_)));
    demo.verify("all three refer to the terminal", all, &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain(
        "The program did not open them. It inherited them from the process that started it. By convention a \
         program reads its input from 0 (standard input), and writes its results to 1 (standard output) and its \
         error messages to 2 (standard error). To the kernel they are numbers like any other. This program \
         copies what it reads from 0 to 1.",
    )?;
    user.send(b"hello\n")?;
    let seen = user.expect(b"hello\r\nhello\r\n");
    demo.verify_ok("\"hello\", typed at the terminal, was read from 0 and written to 1", seen)
}

/// The process B of the demo, whose descriptors 0, 1 and 2 refer to objects of different kinds. This process holds
/// duplicates of them.
struct ProcessB {
    // Dropped first: the process exits at the end of its input.
    client: Client,
    socket: OwnedFd,
    instance: Instance,
    file: OwnedFd,
    pipe: OwnedFd,
    folder: TempFolder,
}

impl ProcessB {
    fn launch(demo: &DemoRun<'_>) -> check::Result<ProcessB> {
        let (near, far) = UnixStream::pair().or_broken("a socket and a pipe")?;
        let (reader, writer) = os_pipe::pipe().or_broken("a socket and a pipe")?;
        let folder = TempFolder::new()?;
        let (socket, pipe) = (OwnedFd::from(far), OwnedFd::from(writer));
        let file = OwnedFd::from(folder.create("notes.txt")?);
        let stdio = [Some(duplicate(&socket)?), Some(duplicate(&file)?), Some(duplicate(&pipe)?)];
        let instance = launch_program(program_path(PROGRAM)?, &[], stdio)?;
        let link = Link::socket(near.into()).or_broken("a socket and a pipe")?;
        let client = Client::over_stream(link, demo.deadlines());
        // The process writes no error messages, so its standard error needs no reader.
        drop(reader);
        Ok(ProcessB { client, socket, instance, file, pipe, folder })
    }
}

fn one_table_per_process(demo: &mut DemoRun<'_>, a: &Instance, b: &mut ProcessB) -> check::Result {
    demo.step("The same numbers, different objects")?;
    demo.explain(
        "B is a second process of the same program. It was started with a socket as descriptor 0, a file as 1 and \
         a pipe as 2. Each process has its own table: A's descriptor 1 and B's descriptor 1 have only the number \
         in common. A number means nothing outside its process, and a process reaches only what is in its own \
         table.",
    )?;
    let shown = [ProcessSelection::all("A", a.pid()), ProcessSelection::all("B", b.instance.pid())];
    let claim = "B too holds only 0, 1 and 2, and none of them refers to the same object as in A";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let object = |label, number| snapshot.row(label, number).map(|row| &row.object);
        snapshot.process("B").map(Process::descriptor_numbers).is_some_and(|numbers| numbers == [0, 1, 2])
            && (0..3).all(|number| object("A", number) != object("B", number))
    })?;
    let kinds = [0, 1, 2].map(|number| snapshot.row("B", number).map(|row| row.object.kind()));
    let expected = ["sockets", "files", "pipes"].map(Some);
    demo.verify("B's 0 is a socket, its 1 a file, its 2 a pipe", kinds == expected, &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain("B reads from 0 and writes to 1 like A, with the same two system calls.")?;
    b.client.send(b"hello\n")?;
    let written = b.folder.wait_for_contents("notes.txt", b"hello\n", demo.deadlines());
    demo.verify_ok("\"hello\", sent to the socket, was read from 0 and written to the file at 1", written)
}

fn four_kinds_of_objects(demo: &mut DemoRun<'_>, terminal: &OwnedFd, b: &ProcessB) -> check::Result {
    demo.step("Four kinds of objects")?;
    demo.explain(
        "A descriptor can refer to a terminal (with a person at the other end), a file (stored bytes, and an offset \
         at which the next read or write begins), a pipe (bytes on their way from one process to another) or a \
         socket (the same in both directions, also between machines). read(2) and write(2) work on all of them. A \
         program can ask what it has been given: fstat(2) returns the kind of the object, and isatty(3) whether it \
         is a terminal. lseek(2) moves the offset. On an object without an offset it fails with ESPIPE (illegal \
         seek).",
    )?;
    let asked = [
        ("terminal", terminal.as_fd()),
        ("file", b.file.as_fd()),
        ("pipe", b.pipe.as_fd()),
        ("socket", b.socket.as_fd()),
    ];
    let properties = asked.map(|(name, descriptor)| Properties::of(name, descriptor));
    let kinds = properties.each_ref().map(|properties| properties.kind);
    let expected = [SFlag::S_IFCHR, SFlag::S_IFREG, SFlag::S_IFIFO, SFlag::S_IFSOCK];
    demo.verify(
        "fstat(2) returns a different kind for each of the four",
        kinds == expected,
        format!("{kinds:?}"),
    )?;
    let terminals = properties.each_ref().map(|properties| properties.is_terminal);
    let claim = "isatty(3) is true only for the terminal: so `ls` knows whether to use colours";
    demo.verify(claim, terminals == [true, false, false, false], format!("{terminals:?}"))?;
    let [_, file, pipe, socket] = properties.each_ref().map(|properties| properties.offset);
    let claim = "the offset of the file is 6, after the six bytes written; pipe and socket have none";
    let holds = (file, pipe, socket) == (Ok(6), Err(Errno::ESPIPE), Err(Errno::ESPIPE));
    demo.verify(claim, holds, format!("{file:?}, {pipe:?}, {socket:?}"))?;
    let heading = format!("{:<10}{:<19}{:<11}{}", "object", "fstat(2)", "isatty(3)", "lseek(2)");
    let lines: Vec<_> = std::iter::once(heading).chain(properties.iter().map(Properties::line)).collect();
    demo.show_lines(&lines)
}

/// The properties of the object that a descriptor refers to, as a demo shows them.
struct Properties {
    name: &'static str,
    kind: SFlag,
    is_terminal: bool,
    offset: Result<i64, Errno>,
}

impl Properties {
    fn of(name: &'static str, descriptor: BorrowedFd<'_>) -> Properties {
        let mode = fstat(descriptor).map_or(0, |status| status.st_mode);
        Properties {
            name,
            kind: SFlag::from_bits_truncate(mode) & SFlag::S_IFMT,
            is_terminal: isatty(descriptor).unwrap_or(false),
            offset: lseek(descriptor, 0, Whence::SeekCur),
        }
    }

    fn line(&self) -> String {
        let kind = match self.kind {
            SFlag::S_IFCHR => "character device",
            SFlag::S_IFREG => "regular file",
            SFlag::S_IFIFO => "FIFO",
            SFlag::S_IFSOCK => "socket",
            _ => "unknown",
        };
        let terminal = if self.is_terminal { "yes" } else { "no" };
        let mut line = format!("{:<10}{kind:<19}{terminal:<11}", self.name);
        let _ = match self.offset {
            Ok(offset) => write!(line, "offset {offset}"),
            Err(error) => write!(line, "{error:?}"),
        };
        line
    }
}

/// The processes of a demo: the label of each, its command as a user types it, and as the shell runs it. `$1` is the
/// FIFO, `$2` a file.
const COMMANDS: [(&str, &str, &str); 3] = [
    ("first", "cat lines", r#"exec cat "$1""#),
    ("second", "cat lines 3< notes.txt 5< notes.txt", r#"exec cat "$1" 3< "$2" 5< "$2""#),
    ("third", "cat lines 0<&-", r#"exec cat "$1" 0<&-"#),
];

fn lowest_free_number(demo: &mut DemoRun<'_>, terminal: &OwnedFd) -> check::Result {
    demo.step("The lowest free number")?;
    demo.explain(
        "Which number does a new descriptor get? open(2), socket(2), pipe(2) and dup(2) return the lowest number \
         that is free in the process; POSIX requires it. The program cat opens the file that its argument names, \
         and cannot choose the number. Here three shells start it to read the FIFO `lines` (a pipe with a name). \
         Before that, each shell changes the table: `3< notes.txt` opens a file as descriptor 3, and `0<&-` closes \
         descriptor 0.",
    )?;
    let typed = COMMANDS.map(|(label, typed, _)| format!("{label:<8}$ {typed}"));
    demo.show_lines(&typed)?;
    let folder = TempFolder::new()?;
    folder.write("notes.txt", b"")?;
    let (reader, writer) = folder.fifo("lines")?;
    let arguments = [folder.path("lines").into(), folder.path("notes.txt").into()];
    let mut shown = vec![ProcessSelection::select_this_process("demo").and_descriptor(&writer)];
    let mut cats = Vec::new();
    for (label, _, script) in COMMANDS {
        let cat = launch_shell(script, &arguments, duplicate_for_stdio(terminal)?)?;
        shown.push(ProcessSelection::all(label, cat.pid()));
        cats.push(cat);
    }
    let expected = [
        ("first", 3, "in the first process 0, 1 and 2 were in use, and the FIFO is 3"),
        (
            "second",
            4,
            "in the second process 3 and 5 were in use too, and the FIFO is 4, the gap between them",
        ),
        ("third", 0, "in the third process 0 was free, and the FIFO is 0"),
    ];
    for (label, number, claim) in expected {
        demo.wait_until(&shown, claim, |snapshot| numbers_of_pipes(snapshot, label) == [number])?;
    }
    drop(reader);
    let claim = "all three hold the read end of the one FIFO, each under its own number";
    let snapshot =
        demo.wait_until(&shown, claim, |snapshot| snapshot.shared.iter().any(|it| it.ends.len() == 4))?;
    demo.show(&snapshot)?;
    demo.explain(
        "The third program does not notice that the file it opened is its standard input. A shell can use this \
         rule to redirect: it closes 0 and opens a file, and the file becomes 0. The rule also explains a common \
         bug: a program closes a descriptor and goes on using its number. Sooner or later that number refers to \
         something else, and the program reads or writes the wrong object.",
    )
}

/// Returns the descriptors that refer to pipes in the process `label`.
fn numbers_of_pipes(snapshot: &Snapshot, label: &str) -> Vec<i32> {
    let rows = snapshot.process(label).map_or(&[][..], |process| &process.rows);
    rows.iter().filter(|row| matches!(row.object, Object::Pipe { .. })).map(|row| row.number).collect()
}
