//! One loop of read(2) and write(2) over a pipe, a Unix domain socket, a TCP connection and a file.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Whence, lseek};
use socket2::Socket;

use super::Demo;
use super::launch::{launch, listener, program, send, shell};
use super::picture::{Actor, Picture};
use super::pipe_ends::ended_well;
use super::props::{Folder, copy};
use super::story::Story;
use crate::check::{self, OrFinding};
use crate::server::Instance;
use crate::transport::{Client, Link, pipe_pair};

pub(super) const DEMO: Demo = Demo {
    name: "everything-is-a-file",
    says: "the same read/write loop on pipe, Unix socket, TCP, file",
    run,
};

/// The program, the same in every step.
const PROGRAM: &str = "echo-pipe";

const MESSAGE: &[u8] = b"hello, descriptor\n";

/// Stops itself, so that it can be looked at before it becomes the program `$1`.
const SCRIPT: &str = r#"kill -STOP $$; exec "$1""#;

fn run(story: &mut Story<'_>) -> check::Result {
    let kinds = [two_pipes(story)?, a_unix_socket(story)?, a_tcp_connection(story)?, a_file(story)?];
    where_it_ends(story, &kinds)
}

/// What the kernel says of a descriptor.
struct Kind {
    what: &'static str,
    /// Its file type: fstat(2).
    mode: SFlag,
    /// Its offset, if it has one: lseek(2).
    offset: Result<i64, Errno>,
}

impl Kind {
    fn of(what: &'static str, descriptor: impl AsFd) -> check::Result<Kind> {
        let known = fstat(&descriptor).or_broken("the type of a descriptor")?;
        let mode = SFlag::from_bits_truncate(known.st_mode) & SFlag::S_IFMT;
        Ok(Kind { what, mode, offset: lseek(descriptor, 0, Whence::SeekCur) })
    }

    fn line(&self) -> String {
        let mode = match self.mode {
            SFlag::S_IFIFO => "S_IFIFO",
            SFlag::S_IFSOCK => "S_IFSOCK",
            SFlag::S_IFREG => "S_IFREG",
            _ => "another",
        };
        let offset = self.offset.map_or_else(|error| format!("{error:?}"), |offset| offset.to_string());
        format!("{:<24}{mode:<12}{offset}", self.what)
    }
}

fn echo_on(input: OwnedFd, output: OwnedFd) -> check::Result<Instance> {
    launch(program(PROGRAM)?, &[], [Some(input), Some(output), None])
}

fn two_pipes(story: &mut Story<'_>) -> check::Result<Kind> {
    story.step("Two pipes")?;
    story.tell("The program echo-pipe is one loop, here in C and without its handling of errors:")?;
    let code = ["while ((n = read(0, buffer, sizeof buffer)) > 0)", "    write(1, buffer, n);"];
    story.show_lines(&code.map(String::from))?;
    story.tell(
        "It opens nothing, and never asks what its descriptors 0 and 1 refer to. Whoever launches it decides that. \
         First two pipes, made with pipe(2): one to the program, one back.",
    )?;
    let (link, input, output) = pipe_pair().or_broken("two pipes")?;
    let instance = echo_on(input, output)?;
    let claim = "descriptors 0 and 1 are two pipes, and the client holds the other end of each";
    let client = Client::over_stream(link, story.deadlines());
    let ends = [client.link().writer().map(|end| end.as_raw_fd()), Some(client.reader().as_raw_fd())];
    converse(story, client, instance, ("a pipe", claim), |picture| {
        let far = |number, end: Option<i32>| {
            end.is_some_and(|end| picture.joins(&[("client", end), ("program", number)]))
        };
        far(0, ends[0]) && far(1, ends[1])
    })
}

fn a_unix_socket(story: &mut Story<'_>) -> check::Result<Kind> {
    story.step("A Unix domain socket")?;
    story.tell(
        "Now a pair of Unix domain sockets, made with socketpair(2). The client keeps one; the other is the program's \
         descriptor 0 and, by dup2(2), its 1 as well, for a socket carries bytes both ways. The loop calls read(2) and \
         write(2), not recv(2) and send(2), and need not know the difference.",
    )?;
    let pair = UnixStream::pair().or_broken("a pair of Unix domain sockets")?;
    let (ours, theirs): (OwnedFd, OwnedFd) = (pair.0.into(), pair.1.into());
    let instance = echo_on(copy(&theirs)?, theirs)?;
    let client = client(ours, story)?;
    let end = client.reader().as_raw_fd();
    let claim = "descriptors 0 and 1 are one socket, and the client's is the one it is connected with";
    converse(story, client, instance, ("a Unix domain socket", claim), |picture| {
        picture.joins(&[("client", end), ("program", 0), ("program", 1)])
    })
}

fn a_tcp_connection(story: &mut Story<'_>) -> check::Result<Kind> {
    story.step("A TCP connection")?;
    story.tell(
        "The demo calls socket(2), bind(2), listen(2) and accept(2), and launches the program with the accepted \
         connection as its descriptors 0 and 1. That is all that the old super-server inetd does, and so any filter can \
         be a network server. Only the making of a socket is another matter than opening a file; what comes of it is a \
         descriptor like any other.",
    )?;
    let (listener, address) = listener()?;
    let made = std::net::TcpStream::connect(address).and_then(|ours| Ok((ours, listener.accept()?.0)));
    let (ours, theirs) = made.or_broken("a TCP connection")?;
    let theirs = OwnedFd::from(theirs);
    let instance = echo_on(copy(&theirs)?, theirs)?;
    let client = client(ours.into(), story)?;
    let end = client.reader().as_raw_fd();
    let claim = "descriptors 0 and 1 are one end of a TCP connection, and the client's is the other";
    converse(story, client, instance, ("a TCP connection", claim), |picture| {
        picture.joins(&[("client", end), ("program", 0), ("program", 1)])
    })
}

fn client(end: OwnedFd, story: &Story<'_>) -> check::Result<Client> {
    let link = Link::socket(Socket::from(end)).or_broken("a socket of the client's")?;
    Ok(Client::over_stream(link, story.deadlines()))
}

/// The same for whatever can be waited for: a message comes back, and at the end of file the program ends.
fn converse(
    story: &mut Story<'_>,
    mut client: Client,
    mut instance: Instance,
    (what, claim): (&'static str, &str),
    is_so: impl Fn(&Picture) -> bool,
) -> check::Result<Kind> {
    let cast = [Actor::clients("client", [&client]), Actor::new("program", instance.pid())];
    let picture = story.observe(&cast, claim, |picture| runs(picture, PROGRAM) && is_so(picture))?;
    story.proven("\"hello, descriptor\" came back, byte for byte", client.exchange(MESSAGE))?;
    let kind = Kind::of(what, client.reader())?;
    client.shut_down_write()?;
    story.proven("at the client's end of file the client reads end of file too", client.expect_eof())?;
    ended_well(story, "the program", &mut instance, story.deadlines().exit())?;
    story.show(&picture)?;
    Ok(kind)
}

fn runs(picture: &Picture, program: &str) -> bool {
    picture.player("program").is_some_and(|player| player.program == program)
}

fn a_file(story: &mut Story<'_>) -> check::Result<Kind> {
    story.step("A file")?;
    story.tell(
        "At last a file that holds one line. The client has opened it once, with open(2) and O_RDWR, and hands it over as \
         both descriptors. All three refer to one open file description, and so they share one offset. Here the program \
         would be done too soon to be looked at: so the picture is of the shell that is about to become it with \
         execve(2), which leaves the descriptors as they are. The shell has stopped itself (SIGSTOP).",
    )?;
    let folder = Folder::new()?;
    folder.write("echo.txt", MESSAGE)?;
    let file = folder.open_both_ways("echo.txt")?.into();
    let words = [program(PROGRAM)?.into()];
    let mut instance = shell(SCRIPT, &words, [Some(copy(&file)?), Some(copy(&file)?), None])?;
    story.observe_stop(instance.pid(), "the shell is stopped")?;
    let end = file.as_raw_fd();
    let cast = [Actor::clients("client", []).and(&file), Actor::new("shell", instance.pid())];
    let claim = "descriptors 0 and 1 are the file, and the client's has the same offset, 0";
    let picture = story.observe(&cast, claim, |picture| shares(picture, end, 0))?;
    story.show(&picture)?;
    the_file_is_doubled(story, &folder, &mut instance)?;
    let kind = Kind::of("a file", &file)?;
    let twice = i64::try_from(2 * MESSAGE.len()).unwrap_or_default();
    let seen = format!("{:?}", kind.offset);
    story.claim(
        format!("the client, which has neither read nor written, finds its offset at {twice}"),
        kind.offset == Ok(twice),
        seen,
    )?;
    Ok(kind)
}

/// Whether the client's descriptor `end` and the shell's 0 and 1 are one open file description with this offset, as far
/// as the system tells.
fn shares(picture: &Picture, end: i32, offset: u64) -> bool {
    let rows = [picture.row("client", end), picture.row("shell", 0), picture.row("shell", 1)];
    let [Some(ours), Some(input), Some(output)] = rows else { return false };
    let one = ours.description.is_none() || picture.joins(&[("client", end), ("shell", 0), ("shell", 1)]);
    let there = ours.open.as_ref().is_none_or(|open| open.offset == offset);
    one && there && ours.object == input.object && ours.object == output.object
}

fn the_file_is_doubled(story: &mut Story<'_>, folder: &Folder, instance: &mut Instance) -> check::Result {
    story.tell(&format!(
        "SIGCONT lets it go on. The first read(2) returns the {0} bytes and moves the offset to {0}; write(2) puts them \
         there, behind themselves, and moves it to {1}. The next read(2) begins at the end of the file and returns 0 at \
         once: a file does not wait for more. So the loop ends, and the file holds its line and the echo.",
        MESSAGE.len(),
        2 * MESSAGE.len(),
    ))?;
    send(instance.pid(), Signal::SIGCONT)?;
    ended_well(story, "the program", instance, story.deadlines().exit())?;
    let doubled = folder.expect("echo.txt", &MESSAGE.repeat(2), story.deadlines());
    story.proven("the file holds \"hello, descriptor\" twice", doubled)
}

fn where_it_ends(story: &mut Story<'_>, kinds: &[Kind; 4]) -> check::Result {
    story.step("What is the same, and what is not")?;
    story.tell(
        "read(2), write(2), close(2), dup2(2) and poll(2) take any descriptor: that is what \"everything is a file\" \
         means. It does not mean that all can do the same. fstat(2) tells what is behind the client's descriptor, and \
         lseek(2) asks for its offset, which only a file has; the others fail with ESPIPE, for bytes that have been read \
         from them are gone.",
    )?;
    let [pipe, unix, tcp, file] = kinds;
    let types = [SFlag::S_IFIFO, SFlag::S_IFSOCK, SFlag::S_IFSOCK, SFlag::S_IFREG];
    let told = kinds.iter().map(|kind| kind.mode).eq(types);
    let lines = std::iter::once(format!("{:<24}{:<12}lseek(2)", "the client holds", "fstat(2)"));
    let lines: Vec<_> = lines.chain(kinds.iter().map(Kind::line)).collect();
    story.claim("fstat(2) tells pipe, sockets and file apart", told, lines.join("\n"))?;
    let streams = [pipe, unix, tcp].iter().all(|kind| kind.offset == Err(Errno::ESPIPE));
    story.claim(
        "only the file has an offset; lseek(2) fails with ESPIPE on the others",
        streams && file.offset.is_ok(),
        lines.join("\n"),
    )?;
    story.show_lines(&lines)
}
