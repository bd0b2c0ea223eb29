//! Descriptors: small numbers, private to each process, for whatever can be read or written. open(2), fstat(2).

use std::fmt::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Whence, isatty, lseek};

use super::support::{
    Demo, DemoRun, TempFolder, duplicate, launch_program, launch_shell, program_path, pseudo_terminal,
};
use crate::check::{self, OrFinding};
use crate::diagram::{Process, Selection, Snapshot};
use crate::server::Instance;
use crate::sys::Object;
use crate::transport::{Client, Link};

pub(super) const DEMO: Demo =
    Demo { name: "fds", says: "descriptors: 0, 1 and 2, one's own table, and the lowest free number", run };

/// The program that plays both A and B.
const PROGRAM: &str = "echo-pipe";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let (mut person, screen) = pseudo_terminal(demo.deadlines())?;
    let a = launch_program(
        program_path(PROGRAM)?,
        &[],
        [Some(duplicate(&screen)?), Some(duplicate(&screen)?), Some(duplicate(&screen)?)],
    )?;
    three_to_begin_with(demo, &a, &mut person)?;
    let mut other = Other::launch(demo)?;
    the_same_numbers(demo, &a, &mut other)?;
    four_kinds(demo, &screen, &other)?;
    drop((a, other));
    the_lowest_free_number(demo, &screen)
}

fn three_to_begin_with(demo: &mut DemoRun<'_>, a: &Instance, person: &mut Client) -> check::Result {
    demo.step("Three to begin with")?;
    demo.explain(
        "A process cannot touch a file, a terminal or a network itself. It asks the kernel with a system call \
         such as read(2) or write(2), and says which of the things that it holds open is meant by a small \
         number: a file descriptor. The numbers count from 0 and are places in a table, which the kernel keeps \
         for each process. This is such a table, as the kernel shows it now, of a program that has just been \
         started in a terminal.",
    )?;
    let shown = [Selection::all("A", a.pid())];
    let snapshot =
        demo.wait_until(&shown, "A holds the descriptors 0, 1 and 2, and no other", |snapshot| {
            snapshot.process("A").map(Process::numbers).is_some_and(|numbers| numbers == [0, 1, 2])
        })?;
    let screens = snapshot.process("A").into_iter().flat_map(|process| &process.rows);
    let all = screens.clone().all(|row| matches!(row.object, Object::Terminal(_)));
    demo.verify("all three refer to the terminal", all, &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain(
        "The program did not open them. It found them there, because whoever started it had them: descriptors \
         are inherited. That 0 is for input, 1 for output and 2 for complaints is a custom among programs; to \
         the kernel they are numbers like any others. This program reads from 0 and writes to 1.",
    )?;
    person.send(b"hello\n")?;
    let seen = person.expect(b"hello\r\nhello\r\n");
    demo.verify_ok("\"hello\", typed at the terminal, came in at 0 and went out at 1", seen)
}

/// The second process, with a thing of another kind behind each number, and copies of them.
struct Other {
    // Dropped in this order: at the end of its input the program ends by itself.
    client: Client,
    socket: OwnedFd,
    b: Instance,
    file: OwnedFd,
    pipe: OwnedFd,
    folder: TempFolder,
}

impl Other {
    fn launch(demo: &DemoRun<'_>) -> check::Result<Other> {
        let (near, far) = UnixStream::pair().or_broken("a socket and a pipe")?;
        let (reader, writer) = os_pipe::pipe().or_broken("a socket and a pipe")?;
        let folder = TempFolder::new()?;
        let (socket, pipe) = (OwnedFd::from(far), OwnedFd::from(writer));
        let file = OwnedFd::from(folder.create("notes.txt")?);
        let stdio = [Some(duplicate(&socket)?), Some(duplicate(&file)?), Some(duplicate(&pipe)?)];
        let b = launch_program(program_path(PROGRAM)?, &[], stdio)?;
        let link = Link::socket(near.into()).or_broken("a socket and a pipe")?;
        let client = Client::over_stream(link, demo.deadlines());
        // Nobody reads what B complains of, and it does not complain.
        drop(reader);
        Ok(Other { client, socket, b, file, pipe, folder })
    }
}

fn the_same_numbers(demo: &mut DemoRun<'_>, a: &Instance, other: &mut Other) -> check::Result {
    demo.step("The same numbers, other things")?;
    demo.explain(
        "B is a second process of the same program, but whoever started it put a socket at 0, a file at 1 and a \
         pipe at 2. A's 1 and B's 1 have nothing in common but the number: each process has a table of its own. \
         So a number means nothing without the process that it belongs to, and can be neither guessed nor \
         forged: a process reaches just what is in its own table.",
    )?;
    let shown = [Selection::all("A", a.pid()), Selection::all("B", other.b.pid())];
    let claim = "B too holds just 0, 1 and 2, and none of them refers to what A's does";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        let object = |label, number| snapshot.row(label, number).map(|row| &row.object);
        snapshot.process("B").map(Process::numbers).is_some_and(|numbers| numbers == [0, 1, 2])
            && (0..3).all(|number| object("A", number) != object("B", number))
    })?;
    let kinds = [0, 1, 2].map(|number| snapshot.row("B", number).map(|row| row.object.kind()));
    let expected = ["sockets", "files", "pipes"].map(Some);
    demo.verify("B's 0 is a socket, its 1 a file, its 2 a pipe", kinds == expected, &snapshot)?;
    demo.show(&snapshot)?;
    demo.explain("B reads from 0 and writes to 1, as A does, with the same two system calls.")?;
    other.client.send(b"hello\n")?;
    let written = other.folder.expect("notes.txt", b"hello\n", demo.deadlines());
    demo.verify_ok("\"hello\", sent into the socket, came in at 0 and went into the file at 1", written)
}

fn four_kinds(demo: &mut DemoRun<'_>, screen: &OwnedFd, other: &Other) -> check::Result {
    demo.step("Four kinds of things")?;
    demo.explain(
        "Behind a descriptor may be a terminal (a person, at the other end), a file (bytes that stay, and a place \
         in them where the next read or write begins), a pipe (bytes on their way from one process to another) \
         or a socket (the same both ways, to another machine too). read(2) and write(2) work on all of them. \
         A program that must know asks: fstat(2) says what kind it is, isatty(3) whether it is a terminal, and \
         lseek(2), which moves that place, fails with ESPIPE, illegal seek, where there is none.",
    )?;
    let asked = [
        ("terminal", screen.as_fd()),
        ("file", other.file.as_fd()),
        ("pipe", other.pipe.as_fd()),
        ("socket", other.socket.as_fd()),
    ];
    let answers = asked.map(|(name, descriptor)| Answers::of(name, descriptor));
    let kinds = answers.each_ref().map(|answers| answers.kind);
    let expected = [SFlag::S_IFCHR, SFlag::S_IFREG, SFlag::S_IFIFO, SFlag::S_IFSOCK];
    demo.verify("fstat(2) tells the four apart", kinds == expected, format!("{kinds:?}"))?;
    let terminals = answers.each_ref().map(|answers| answers.is_terminal);
    let claim = "only the terminal is one, says isatty(3): so `ls` knows whether to use colours";
    demo.verify(claim, terminals == [true, false, false, false], format!("{terminals:?}"))?;
    let [_, file, pipe, socket] = answers.each_ref().map(|answers| answers.place);
    let claim = "the file has a place, 6 bytes behind its beginning; pipe and socket have none";
    let holds = (file, pipe, socket) == (Ok(6), Err(Errno::ESPIPE), Err(Errno::ESPIPE));
    demo.verify(claim, holds, format!("{file:?}, {pipe:?}, {socket:?}"))?;
    let heading = format!("{:<10}{:<19}{:<11}{}", "what", "fstat(2)", "isatty(3)", "lseek(2)");
    let lines: Vec<_> = std::iter::once(heading).chain(answers.iter().map(Answers::line)).collect();
    demo.show_lines(&lines)
}

/// What the kernel says of a descriptor to whoever holds it.
struct Answers {
    name: &'static str,
    kind: SFlag,
    is_terminal: bool,
    place: Result<i64, Errno>,
}

impl Answers {
    fn of(name: &'static str, descriptor: BorrowedFd<'_>) -> Answers {
        let mode = fstat(descriptor).map_or(0, |status| status.st_mode);
        Answers {
            name,
            kind: SFlag::from_bits_truncate(mode) & SFlag::S_IFMT,
            is_terminal: isatty(descriptor).unwrap_or(false),
            place: lseek(descriptor, 0, Whence::SeekCur),
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
        let _ = match self.place {
            Ok(place) => write!(line, "at {place}"),
            Err(error) => write!(line, "{error:?}"),
        };
        line
    }
}

/// The commands, as they are typed and as the shell is told them: `$1` is the FIFO, `$2` a file.
const COMMANDS: [(&str, &str, &str); 3] = [
    ("first", "cat lines", r#"exec cat "$1""#),
    ("second", "cat lines 3< notes.txt 5< notes.txt", r#"exec cat "$1" 3< "$2" 5< "$2""#),
    ("third", "cat lines 0<&-", r#"exec cat "$1" 0<&-"#),
];

fn the_lowest_free_number(demo: &mut DemoRun<'_>, screen: &OwnedFd) -> check::Result {
    demo.step("The lowest free number is next")?;
    demo.explain(
        "Which number does the next thing get? open(2), socket(2), pipe(2) and dup(2) all answer with the lowest \
         one that is free in their process; POSIX demands it. The program cat opens the file that it is told to, \
         and asks for no number. Here it is started three times in a terminal, to read the FIFO `lines` (a pipe \
         that has a name), and the shell has prepared each one's table a little differently:",
    )?;
    let typed = COMMANDS.map(|(label, typed, _)| format!("{label:<8}$ {typed}"));
    demo.show_lines(&typed)?;
    let folder = TempFolder::new()?;
    folder.write("notes.txt", b"")?;
    let (reader, writer) = folder.fifo("lines")?;
    let arguments = [folder.path("lines").into(), folder.path("notes.txt").into()];
    let mut shown = vec![Selection::this_process("demo").and(&writer)];
    let mut cats = Vec::new();
    for (label, _, script) in COMMANDS {
        let cat = launch_shell(
            script,
            &arguments,
            [Some(duplicate(screen)?), Some(duplicate(screen)?), Some(duplicate(screen)?)],
        )?;
        shown.push(Selection::all(label, cat.pid()));
        cats.push(cat);
    }
    let expected = [
        ("first", 3, "in the first process 0, 1 and 2 were taken, and the FIFO has become 3"),
        ("second", 4, "in the second 3 and 5 were taken too, and it has become 4, which was between them"),
        ("third", 0, "in the third 0 was free, and it has become 0"),
    ];
    for (label, number, claim) in expected {
        demo.wait_until(&shown, claim, |snapshot| reads_at(snapshot, label) == [number])?;
    }
    drop(reader);
    let claim = "one FIFO, of which all three hold the read end, each by a number of its own";
    let snapshot =
        demo.wait_until(&shown, claim, |snapshot| snapshot.shared.iter().any(|it| it.ends.len() == 4))?;
    demo.show(&snapshot)?;
    demo.explain(
        "The third never learns that what it opened became its standard input. So can a shell redirect: it \
         closes 0, opens a file, and the file is 0. And so can a program go wrong that closes a descriptor and \
         goes on to use its number: sooner or later that number is somebody else's.",
    )
}

/// The numbers by which the process that plays `label` can read a pipe.
fn reads_at(snapshot: &Snapshot, label: &str) -> Vec<i32> {
    let rows = snapshot.process(label).map_or(&[][..], |process| &process.rows);
    rows.iter().filter(|row| matches!(row.object, Object::Pipe { .. })).map(|row| row.number).collect()
}
