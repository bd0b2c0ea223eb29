//! What a child inherits, and what it shares with its parent from then on. fork(2), execve(2), open(2).

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::unistd::Pid;

use super::launch::{launch, program};
use super::picture::{Actor, Picture, Player, Row, Shared};
use super::props::{Folder, copy};
use super::story::Story;
use crate::check::{self, OrFinding};
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
    fn launch(story: &Story<'_>, file: OwnedFd) -> check::Result<Writer> {
        let (link, input, _) = pipe_pair().or_broken("two pipes")?;
        let instance = launch(program(PROGRAM)?, &[], [Some(copy(&input)?), Some(file), None])?;
        Ok(Writer { client: Client::over_stream(link, story.deadlines()), input, instance })
    }

    fn pid(&self) -> Pid {
        self.instance.pid()
    }
}

pub(super) fn tell(story: &mut Story<'_>) -> check::Result {
    let folder = Folder::new()?;
    let writer = inherited_once(story, &folder)?;
    one_flag(story, writer)?;
    opened_twice(story, &folder)?;
    closed_on_exec(story, &folder)
}

fn inherited_once(story: &mut Story<'_>, folder: &Folder) -> check::Result<Writer> {
    story.step("Inherited: two processes, one open file")?;
    story.tell(
        "fork(2) copies the descriptors, but not what they refer to. When open(2) opens a file, the kernel makes \
         an open file description: which file, the offset at which the next read or write begins, and flags. A \
         descriptor is a number that refers to one. The parent, this demo, has opened log.txt once and then made \
         two children, A and B, both with that descriptor as their standard output: three descriptors in three \
         processes, and one offset. The line joins them.",
    )?;
    let file = OwnedFd::from(folder.create(FILE)?);
    let mut a = Writer::launch(story, copy(&file)?)?;
    let mut b = Writer::launch(story, copy(&file)?)?;
    let cast = [Actor::clients("parent", []).and(&file), Actor::new("A", a.pid()), Actor::new("B", b.pid())];
    a.client.send(b"one\n")?;
    story.proven(
        "A has written \"one\" and a line feed: 4 bytes",
        folder.expect(FILE, b"one\n", story.deadlines()),
    )?;
    if shows_offsets(&file) {
        let claim = "the offset is 4 in all three, though B and the parent have done nothing";
        story.observe(&cast, claim, |picture| offsets(picture, &file) == [Some(4); 3])?;
    }
    let picture = Picture::take(&cast)?;
    if is_described(&picture) {
        let all = [("parent", file.as_raw_fd()), ("A", 1), ("B", 1)];
        story.claim(
            "all three refer to one open file description, says kcmp(2)",
            picture.joins(&all),
            &picture,
        )?;
    }
    story.show(&picture)?;
    story.tell("Then B writes. It begins where A has ended, and nothing is lost.")?;
    b.client.send(b"two\n")?;
    let both = folder.expect(FILE, b"one\ntwo\n", story.deadlines());
    story.proven("log.txt holds \"one\" and \"two\", one after the other", both)?;
    Ok(a)
}

/// Whether this system shows where in a file a descriptor stands.
fn shows_offsets(file: &OwnedFd) -> bool {
    sys::open_file(Pid::this(), file.as_raw_fd()).is_ok()
}

/// Whether this system says which descriptors share an open file description.
fn is_described(picture: &Picture) -> bool {
    picture.row("A", 1).is_some_and(|row| row.description.is_some())
}

/// The offsets of the parent's `file` and of both children's standard output.
fn offsets(picture: &Picture, file: &OwnedFd) -> [Option<u64>; 3] {
    let offset = |row: Option<&Row>| row.and_then(|row| row.open).map(|open| open.offset);
    [("parent", file.as_raw_fd()), ("A", 1), ("B", 1)].map(|(role, number)| offset(picture.row(role, number)))
}

fn one_flag(story: &mut Story<'_>, mut a: Writer) -> check::Result {
    story.step("One O_NONBLOCK for all")?;
    story.tell(
        "Flags are shared in the same way. The parent has kept a copy of the pipe end that is A's standard input. \
         It now sets O_NONBLOCK there with fcntl(2): from now on a read that would have to wait fails with \
         EAGAIN. A has not been asked, and its input has changed.",
    )?;
    let cast =
        [Actor::clients("parent", []).and(&a.input).with_flags(), Actor::new("A", a.pid()).with_flags()];
    story.observe_sleep(a.pid(), "pipe_read", "A sleeps in read(2), as usual")?;
    set_nonblocking(&a.input)?;
    if shows_offsets(&a.input) {
        let claim = "O_NONBLOCK is set at the parent's descriptor, and at A's descriptor 0";
        let ends = [("parent", a.input.as_raw_fd()), ("A", 0)];
        story.observe(&cast, claim, |picture| {
            let set = |row: &Row| row.open.is_some_and(|open| open.nonblocking);
            ends.iter().all(|&(role, number)| picture.row(role, number).is_some_and(set))
        })?;
    }
    a.client.send(b"three\n")?;
    story.observe_sleep(
        a.pid(),
        "poll",
        "after the next message A waits in poll(2) instead: its read(2) has failed with EAGAIN",
    )?;
    story.show(&Picture::take(&cast)?)?;
    story.tell(
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

fn opened_twice(story: &mut Story<'_>, folder: &Folder) -> check::Result {
    story.step("Opened twice: one file, two offsets")?;
    story.tell(
        "Now the same with one difference: log.txt is opened once for A and once more for B. It is the same file \
         on the disk, but there are two open file descriptions, and each has an offset of its own. A writes \
         \"one\".",
    )?;
    let (first, second) = (folder.create(FILE)?, folder.open(FILE)?);
    let mut a = Writer::launch(story, first.into())?;
    let mut b = Writer::launch(story, second.into())?;
    let cast = [Actor::clients("parent", []), Actor::new("A", a.pid()), Actor::new("B", b.pid())];
    a.client.send(b"one\n")?;
    story.proven("A has written \"one\"", folder.expect(FILE, b"one\n", story.deadlines()))?;
    let picture = Picture::take(&cast)?;
    let object = |role| picture.row(role, 1).map(|row| &row.object);
    story.claim("the descriptors 1 of A and B name the same file", object("A") == object("B"), &picture)?;
    let offset = |role| picture.row(role, 1).and_then(|row| row.open).map(|open| open.offset);
    if let (Some(one), Some(two)) = (offset("A"), offset("B")) {
        story.claim("A's offset is 4, and B's is still 0", (one, two) == (4, 0), &picture)?;
    }
    if is_described(&picture) {
        let apart = picture.joins(&[("A", 1)]) && picture.joins(&[("B", 1)]);
        story.claim("they are two open file descriptions, says kcmp(2)", apart, &picture)?;
    }
    story.show(&picture)?;
    story.tell(
        "Then B writes \"TWO\", at its own offset 0: over what A has written. Nobody gets an error. So two programs \
         lose each other's lines that both log into one file; the flag O_APPEND, `>>` in a shell, is the cure: \
         then every write goes to the end, wherever that is.",
    )?;
    b.client.send(b"TWO\n")?;
    let lost = folder.expect(FILE, b"TWO\n", story.deadlines());
    story.proven("log.txt holds \"TWO\", and \"one\" is lost", lost)
}

fn closed_on_exec(story: &mut Story<'_>, folder: &Folder) -> check::Result {
    story.step("close-on-exec: what a new program does not find")?;
    let (kept, closed) = (folder.create("kept.txt")?, folder.create("closed.txt")?);
    story.tell(&format!(
        "fork(2) copies every descriptor, and a program that execve(2) then loads finds them all, except those \
         that are marked close-on-exec (FD_CLOEXEC, or O_CLOEXEC at once in open(2)). The parent has opened two \
         files: kept.txt, {}, without the mark, and closed.txt, {}, with it. Then it has started echo-pipe, by \
         fork and execve.",
        kept.as_raw_fd(),
        closed.as_raw_fd()
    ))?;
    keep_on_exec(&kept)?;
    let writer = Writer::launch(story, copy(&OwnedFd::from(folder.create(FILE)?))?)?;
    let cast = [
        Actor::clients("parent", []).and(&kept).and(&closed).with_flags(),
        Actor::new("child", writer.pid()),
    ];
    let numbers = [0, 1, 2, kept.as_raw_fd()];
    let claim = format!("the child holds its own 0, 1 and 2, and {} as well: kept.txt", kept.as_raw_fd());
    let picture = story.observe(&cast, claim, |picture| {
        let object = |role| picture.row(role, kept.as_raw_fd()).map(|row| &row.object);
        object("child").is_some()
            && object("child") == object("parent")
            && picture.player("child").map(Player::numbers).is_some_and(|held| held == numbers)
    })?;
    let gone = picture.row("child", closed.as_raw_fd()).is_none();
    let claim = format!("{}, closed.txt, is not in the child's table", closed.as_raw_fd());
    story.claim(claim, gone, &picture)?;
    if let Some(Shared::Description(_)) = picture.row("child", kept.as_raw_fd()).and_then(Row::shared) {
        let both = [("parent", kept.as_raw_fd()), ("child", kept.as_raw_fd())];
        story.claim("both refer to one open file description", picture.joins(&both), &picture)?;
    }
    story.show(&picture)?;
    story.tell(
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
