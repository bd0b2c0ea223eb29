//! One loop of read(2) and write(2) over a pipe, a Unix domain socket, a TCP connection and a file.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Whence, lseek};
use socket2::Socket;

use super::support::{
    Demo, DemoRun, TempFolder, duplicate, launch_program, launch_shell, listen, program_path, select_clients,
    send_signal,
};
use crate::check::{self, OrFinding};
use crate::diagram::{Selection, Snapshot};
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

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let kinds = [two_pipes(demo)?, a_unix_socket(demo)?, a_tcp_connection(demo)?, a_file(demo)?];
    where_it_ends(demo, &kinds)
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
    launch_program(program_path(PROGRAM)?, &[], [Some(input), Some(output), None])
}

fn two_pipes(demo: &mut DemoRun<'_>) -> check::Result<Kind> {
    demo.step("Two pipes")?;
    demo.explain("The program echo-pipe is one loop, here in C and without its handling of errors:")?;
    let code = ["while ((n = read(0, buffer, sizeof buffer)) > 0)", "    write(1, buffer, n);"];
    demo.show_lines(&code.map(String::from))?;
    demo.explain(
        "It opens nothing, and never asks what its descriptors 0 and 1 refer to. Whoever launches it decides that. \
         First two pipes, made with pipe(2): one to the program, one back.",
    )?;
    let (link, input, output) = pipe_pair().or_broken("two pipes")?;
    let instance = echo_on(input, output)?;
    let claim = "descriptors 0 and 1 are two pipes, and the client holds the other end of each";
    let client = Client::over_stream(link, demo.deadlines());
    let ends = [client.link().writer().map(|end| end.as_raw_fd()), Some(client.reader().as_raw_fd())];
    converse(demo, client, instance, ("a pipe", claim), |snapshot| {
        let far = |number, end: Option<i32>| {
            end.is_some_and(|end| snapshot.holders_are(&[("client", end), ("program", number)]))
        };
        far(0, ends[0]) && far(1, ends[1])
    })
}

fn a_unix_socket(demo: &mut DemoRun<'_>) -> check::Result<Kind> {
    demo.step("A Unix domain socket")?;
    demo.explain(
        "Now a pair of Unix domain sockets, made with socketpair(2). The client keeps one; the other is the program's \
         descriptor 0 and, by dup2(2), its 1 as well, for a socket carries bytes both ways. The loop calls read(2) and \
         write(2), not recv(2) and send_signal(2), and need not know the difference.",
    )?;
    let pair = UnixStream::pair().or_broken("a pair of Unix domain sockets")?;
    let (ours, theirs): (OwnedFd, OwnedFd) = (pair.0.into(), pair.1.into());
    let instance = echo_on(duplicate(&theirs)?, theirs)?;
    let client = client(ours, demo)?;
    let end = client.reader().as_raw_fd();
    let claim = "descriptors 0 and 1 are one socket, and the client's is the one it is connected with";
    converse(demo, client, instance, ("a Unix domain socket", claim), |snapshot| {
        snapshot.holders_are(&[("client", end), ("program", 0), ("program", 1)])
    })
}

fn a_tcp_connection(demo: &mut DemoRun<'_>) -> check::Result<Kind> {
    demo.step("A TCP connection")?;
    demo.explain(
        "The demo calls socket(2), bind(2), listen(2) and accept(2), and launches the program with the accepted \
         connection as its descriptors 0 and 1. That is all that the old super-server inetd does, and so any filter can \
         be a network server. Only the making of a socket is another matter than opening a file; what comes of it is a \
         descriptor like any other.",
    )?;
    let (listener, address) = listen()?;
    let made = std::net::TcpStream::connect(address).and_then(|ours| Ok((ours, listener.accept()?.0)));
    let (ours, theirs) = made.or_broken("a TCP connection")?;
    let theirs = OwnedFd::from(theirs);
    let instance = echo_on(duplicate(&theirs)?, theirs)?;
    let client = client(ours.into(), demo)?;
    let end = client.reader().as_raw_fd();
    let claim = "descriptors 0 and 1 are one end of a TCP connection, and the client's is the other";
    converse(demo, client, instance, ("a TCP connection", claim), |snapshot| {
        snapshot.holders_are(&[("client", end), ("program", 0), ("program", 1)])
    })
}

fn client(end: OwnedFd, demo: &DemoRun<'_>) -> check::Result<Client> {
    let link = Link::socket(Socket::from(end)).or_broken("a socket of the client's")?;
    Ok(Client::over_stream(link, demo.deadlines()))
}

/// The same for whatever can be waited for: a message comes back, and at the end of file the program ends.
fn converse(
    demo: &mut DemoRun<'_>,
    mut client: Client,
    mut instance: Instance,
    (what, claim): (&'static str, &str),
    is_so: impl Fn(&Snapshot) -> bool,
) -> check::Result<Kind> {
    let shown = [select_clients("client", [&client]), Selection::all("program", instance.pid())];
    let snapshot = demo.wait_until(&shown, claim, |snapshot| runs(snapshot, PROGRAM) && is_so(snapshot))?;
    demo.verify_ok("\"hello, descriptor\" came back, byte for byte", client.exchange(MESSAGE))?;
    let kind = Kind::of(what, client.reader())?;
    client.shut_down_write()?;
    demo.verify_ok("at the client's end of file the client reads end of file too", client.expect_eof())?;
    demo.verify_exit("the program ended by itself, with exit status 0", &mut instance)?;
    demo.show(&snapshot)?;
    Ok(kind)
}

fn runs(snapshot: &Snapshot, program: &str) -> bool {
    snapshot.process("program").is_some_and(|process| process.program == program)
}

fn a_file(demo: &mut DemoRun<'_>) -> check::Result<Kind> {
    demo.step("A file")?;
    demo.explain(
        "At last a file that holds one line. The client has opened it once, with open(2) and O_RDWR, and hands it over as \
         both descriptors. All three refer to one open file description, and so they share one offset. Here the program \
         would be done too soon to be looked at: so the picture is of the shell that is about to become it with \
         execve(2), which leaves the descriptors as they are. The shell has stopped itself (SIGSTOP).",
    )?;
    let folder = TempFolder::new()?;
    folder.write("echo.txt", MESSAGE)?;
    let file = folder.open_read_write("echo.txt")?.into();
    let words = [program_path(PROGRAM)?.into()];
    let mut instance =
        launch_shell(SCRIPT, &words, [Some(duplicate(&file)?), Some(duplicate(&file)?), None])?;
    demo.wait_until_stopped(instance.pid(), "the shell is stopped")?;
    let end = file.as_raw_fd();
    let shown = [Selection::this_process("client").and(&file), Selection::all("shell", instance.pid())];
    let claim = "descriptors 0 and 1 are the file, and the client's has the same offset, 0";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| shares(snapshot, end, 0))?;
    demo.show(&snapshot)?;
    the_file_is_doubled(demo, &folder, &mut instance)?;
    let kind = Kind::of("a file", &file)?;
    let twice = i64::try_from(2 * MESSAGE.len()).unwrap_or_default();
    let seen = format!("{:?}", kind.offset);
    demo.verify(
        format!("the client, which has neither read nor written, finds its offset at {twice}"),
        kind.offset == Ok(twice),
        seen,
    )?;
    Ok(kind)
}

/// Whether the client's descriptor `end` and the shell's 0 and 1 are one open file description with this offset, as far
/// as the system tells.
fn shares(snapshot: &Snapshot, end: i32, offset: u64) -> bool {
    let rows = [snapshot.row("client", end), snapshot.row("shell", 0), snapshot.row("shell", 1)];
    let [Some(ours), Some(input), Some(output)] = rows else { return false };
    let one =
        ours.description.is_none() || snapshot.holders_are(&[("client", end), ("shell", 0), ("shell", 1)]);
    let there = ours.open.as_ref().is_none_or(|open| open.offset == offset);
    one && there && ours.object == input.object && ours.object == output.object
}

fn the_file_is_doubled(
    demo: &mut DemoRun<'_>,
    folder: &TempFolder,
    instance: &mut Instance,
) -> check::Result {
    demo.explain(&format!(
        "SIGCONT lets it go on. The first read(2) returns the {0} bytes and moves the offset to {0}; write(2) puts them \
         there, behind themselves, and moves it to {1}. The next read(2) begins at the end of the file and returns 0 at \
         once: a file does not wait for more. So the loop ends, and the file holds its line and the echo.",
        MESSAGE.len(),
        2 * MESSAGE.len(),
    ))?;
    send_signal(instance.pid(), Signal::SIGCONT)?;
    demo.verify_exit("the program ended by itself, with exit status 0", instance)?;
    let doubled = folder.expect("echo.txt", &MESSAGE.repeat(2), demo.deadlines());
    demo.verify_ok("the file holds \"hello, descriptor\" twice", doubled)
}

fn where_it_ends(demo: &mut DemoRun<'_>, kinds: &[Kind; 4]) -> check::Result {
    demo.step("What is the same, and what is not")?;
    demo.explain(
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
    demo.verify("fstat(2) tells pipe, sockets and file apart", told, lines.join("\n"))?;
    let streams = [pipe, unix, tcp].iter().all(|kind| kind.offset == Err(Errno::ESPIPE));
    demo.verify(
        "only the file has an offset; lseek(2) fails with ESPIPE on the others",
        streams && file.offset.is_ok(),
        lines.join("\n"),
    )?;
    demo.show_lines(&lines)
}
