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
use crate::diagram::{ProcessSelection, Snapshot};
use crate::server::Instance;
use crate::transport::{Client, Link, pipe_pair};

pub(super) const DEMO: Demo = Demo {
    name: "everything-is-a-file",
    summary: "the same read/write loop on pipe, Unix socket, TCP, file",
    run,
};

/// The bundled program that every step of the demo launches.
const PROGRAM: &str = "echo-pipe";

const MESSAGE: &[u8] = b"hello, descriptor\n";

/// The script of a demo's shell, which stops so that it can be inspected before it becomes the program `$1`.
const SCRIPT: &str = r#"kill -STOP $$; exec "$1""#;

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let properties = [two_pipes(demo)?, unix_socket(demo)?, tcp_connection(demo)?, file(demo)?];
    differences(demo, &properties)
}

/// The properties of the object that a descriptor refers to, as a demo shows them.
struct Properties {
    name: &'static str,
    /// The file type of the object that a descriptor refers to: fstat(2).
    file_type: SFlag,
    /// The file offset of the object that a descriptor refers to, if it has one: lseek(2).
    offset: Result<i64, Errno>,
}

impl Properties {
    fn of(name: &'static str, descriptor: impl AsFd) -> check::Result<Properties> {
        let status = fstat(&descriptor).or_broken("the type of a descriptor")?;
        let file_type = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT;
        Ok(Properties { name, file_type, offset: lseek(descriptor, 0, Whence::SeekCur) })
    }

    fn line(&self) -> String {
        let file_type = match self.file_type {
            SFlag::S_IFIFO => "S_IFIFO",
            SFlag::S_IFSOCK => "S_IFSOCK",
            SFlag::S_IFREG => "S_IFREG",
            _ => "another",
        };
        let offset = self.offset.map_or_else(|error| format!("{error:?}"), |offset| offset.to_string());
        format!("{:<24}{file_type:<12}{offset}", self.name)
    }
}

fn launch_echo(input: OwnedFd, output: OwnedFd) -> check::Result<Instance> {
    launch_program(program_path(PROGRAM)?, &[], [Some(input), Some(output), None])
}

fn two_pipes(demo: &mut DemoRun<'_>) -> check::Result<Properties> {
    demo.step("Two pipes")?;
    demo.explain("The program echo-pipe is one loop. This is the loop in C, without error handling:")?;
    let code = ["while ((n = read(0, buffer, sizeof buffer)) > 0)", "    write(1, buffer, n);"];
    demo.show_lines(&code.map(String::from))?;
    demo.explain(
        "The program opens nothing, and never asks what its descriptors 0 and 1 refer to. The process that launches it \
         decides that. First two pipes, made with pipe(2): one to the program, and one back.",
    )?;
    let (link, input, output) = pipe_pair().or_broken("two pipes")?;
    let instance = launch_echo(input, output)?;
    let claim = "descriptors 0 and 1 are two pipes, and the client holds the other end of each";
    let client = Client::over_stream(link, demo.deadlines());
    let [writer, reader] = [
        client.link().output_descriptor().map(|end| end.as_raw_fd()),
        Some(client.input_descriptor().as_raw_fd()),
    ];
    exchange_and_close(demo, client, instance, ("a pipe", claim), |snapshot| {
        let is_other_end = |number, end: Option<i32>| {
            end.is_some_and(|end| snapshot.is_held_by_exactly(&[("client", end), ("program", number)]))
        };
        is_other_end(0, writer) && is_other_end(1, reader)
    })
}

fn unix_socket(demo: &mut DemoRun<'_>) -> check::Result<Properties> {
    demo.step("A Unix domain socket")?;
    demo.explain(
        "Now a pair of Unix domain sockets, made with socketpair(2). The client keeps one. The other is the program's \
         descriptor 0 and, by dup2(2), its 1 as well, for a socket carries bytes in both directions. The loop calls \
         read(2) and write(2), not recv(2) and send(2), and needs no change.",
    )?;
    let pair = UnixStream::pair().or_broken("a pair of Unix domain sockets")?;
    let (ours, theirs): (OwnedFd, OwnedFd) = (pair.0.into(), pair.1.into());
    let instance = launch_echo(duplicate(&theirs)?, theirs)?;
    let client = socket_client(ours, demo)?;
    let end = client.input_descriptor().as_raw_fd();
    let claim = "descriptors 0 and 1 are one socket, connected to the client's socket";
    exchange_and_close(demo, client, instance, ("a Unix domain socket", claim), |snapshot| {
        snapshot.is_held_by_exactly(&[("client", end), ("program", 0), ("program", 1)])
    })
}

fn tcp_connection(demo: &mut DemoRun<'_>) -> check::Result<Properties> {
    demo.step("A TCP connection")?;
    demo.explain(
        "The demo calls socket(2), bind(2), listen(2) and accept(2), and launches the program with the accepted connection \
         as its descriptors 0 and 1. The old super-server inetd does the same, and so every filter can be a network \
         server. Only creating a socket differs from opening a file. The result is a descriptor like any other.",
    )?;
    let (listener, address) = listen()?;
    let made = std::net::TcpStream::connect(address).and_then(|ours| Ok((ours, listener.accept()?.0)));
    let (ours, theirs) = made.or_broken("a TCP connection")?;
    let theirs = OwnedFd::from(theirs);
    let instance = launch_echo(duplicate(&theirs)?, theirs)?;
    let client = socket_client(ours.into(), demo)?;
    let end = client.input_descriptor().as_raw_fd();
    let claim = "descriptors 0 and 1 are one end of a TCP connection, and the client's is the other end";
    exchange_and_close(demo, client, instance, ("a TCP connection", claim), |snapshot| {
        snapshot.is_held_by_exactly(&[("client", end), ("program", 0), ("program", 1)])
    })
}

fn socket_client(socket: OwnedFd, demo: &DemoRun<'_>) -> check::Result<Client> {
    let link = Link::socket(Socket::from(socket)).or_broken("a socket of the client's")?;
    Ok(Client::over_stream(link, demo.deadlines()))
}

/// Verifies that the program sends a message back, and that it exits at end of file. Returns the properties of the
/// object at the client's descriptor.
fn exchange_and_close(
    demo: &mut DemoRun<'_>,
    mut client: Client,
    mut instance: Instance,
    (name, claim): (&'static str, &str),
    holds: impl Fn(&Snapshot) -> bool,
) -> check::Result<Properties> {
    let shown = [select_clients("client", [&client]), ProcessSelection::all("program", instance.pid())];
    let runs_program =
        |snapshot: &Snapshot| snapshot.process("program").is_some_and(|process| process.program == PROGRAM);
    let snapshot = demo.wait_until(&shown, claim, |snapshot| runs_program(snapshot) && holds(snapshot))?;
    demo.verify_ok("\"hello, descriptor\" came back, byte for byte", client.exchange(MESSAGE))?;
    let properties = Properties::of(name, client.input_descriptor())?;
    client.shut_down_write()?;
    demo.verify_ok("the client ends its direction, and reads end of file", client.expect_eof())?;
    demo.verify_exit("the program has exited by itself, with exit status 0", &mut instance)?;
    demo.show(&snapshot)?;
    Ok(properties)
}

fn file(demo: &mut DemoRun<'_>) -> check::Result<Properties> {
    demo.step("A file")?;
    demo.explain(
        "Finally a file with one line in it. The client has opened it once, with open(2) and O_RDWR, and passes it as both \
         descriptors. All three descriptors refer to one open file description, and so they share one offset. Here the \
         program would exit before it could be drawn. So the diagram shows the shell that is about to become the program \
         with execve(2), which keeps the descriptors. The shell has stopped itself with SIGSTOP.",
    )?;
    let folder = TempFolder::new()?;
    folder.write("echo.txt", MESSAGE)?;
    let file = folder.open_read_write("echo.txt")?.into();
    let arguments = [program_path(PROGRAM)?.into()];
    let mut instance =
        launch_shell(SCRIPT, &arguments, [Some(duplicate(&file)?), Some(duplicate(&file)?), None])?;
    demo.wait_until_stopped(instance.pid(), "the shell is stopped")?;
    let end = file.as_raw_fd();
    let shown = [
        ProcessSelection::select_this_process("client").and_descriptor(&file),
        ProcessSelection::all("shell", instance.pid()),
    ];
    let claim = "descriptors 0 and 1 are the file, with the same offset as the client's descriptor: 0";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| share_offset(snapshot, end, 0))?;
    demo.show(&snapshot)?;
    file_is_doubled(demo, &folder, &mut instance)?;
    let properties = Properties::of("a file", &file)?;
    let twice = i64::try_from(2 * MESSAGE.len()).unwrap_or_default();
    let seen = format!("{:?}", properties.offset);
    demo.verify(
        format!("the offset of the client, which has neither read nor written, is now {twice}"),
        properties.offset == Ok(twice),
        seen,
    )?;
    Ok(properties)
}

/// Returns whether the client's descriptor `end` and the shell's 0 and 1 share one open file description with this
/// offset. Does not compare properties that the system does not show.
fn share_offset(snapshot: &Snapshot, end: i32, offset: u64) -> bool {
    let rows = [snapshot.row("client", end), snapshot.row("shell", 0), snapshot.row("shell", 1)];
    let [Some(ours), Some(input), Some(output)] = rows else { return false };
    let one_description = ours.description.is_none()
        || snapshot.is_held_by_exactly(&[("client", end), ("shell", 0), ("shell", 1)]);
    let has_offset = ours.open.as_ref().is_none_or(|open| open.offset == offset);
    one_description && has_offset && ours.object == input.object && ours.object == output.object
}

fn file_is_doubled(demo: &mut DemoRun<'_>, folder: &TempFolder, instance: &mut Instance) -> check::Result {
    demo.explain(&format!(
        "SIGCONT lets the shell go on. The first read(2) returns {0} bytes and moves the offset to {0}. write(2) writes \
         them there, after the original line, and moves the offset to {1}. Now the offset is at the end of the file, and \
         the next read(2) returns 0 at once: a file never blocks. So the loop ends, and the file contains its line and \
         the echo.",
        MESSAGE.len(),
        2 * MESSAGE.len(),
    ))?;
    send_signal(instance.pid(), Signal::SIGCONT)?;
    demo.verify_exit("the program has exited by itself, with exit status 0", instance)?;
    let doubled = folder.wait_for_contents("echo.txt", &MESSAGE.repeat(2), demo.deadlines());
    demo.verify_ok("the file contains \"hello, descriptor\" twice", doubled)
}

fn differences(demo: &mut DemoRun<'_>, properties: &[Properties; 4]) -> check::Result {
    demo.step("Similarities and differences")?;
    demo.explain(
        "read(2), write(2), close(2), dup2(2) and poll(2) work on every descriptor. That is the meaning of \"everything is \
         a file\". It does not mean that all objects can do the same. fstat(2) returns the type of the object behind the \
         client's descriptor, and lseek(2) its offset. Only a file has an offset. On the others lseek(2) fails with \
         ESPIPE: bytes that have been read from them are gone.",
    )?;
    let [pipe, unix, tcp, file] = properties;
    let heading = format!("{:<24}{:<12}lseek(2)", "the client holds", "fstat(2)");
    let lines: Vec<_> = std::iter::once(heading).chain(properties.iter().map(Properties::line)).collect();
    let expected = [SFlag::S_IFIFO, SFlag::S_IFSOCK, SFlag::S_IFSOCK, SFlag::S_IFREG];
    let are_distinct = properties.iter().map(|it| it.file_type).eq(expected);
    demo.verify("fstat(2) tells pipes, sockets and files apart", are_distinct, lines.join("\n"))?;
    let no_offset = [pipe, unix, tcp].iter().all(|it| it.offset == Err(Errno::ESPIPE));
    demo.verify(
        "only the file has an offset; on the others lseek(2) fails with ESPIPE",
        no_offset && file.offset.is_ok(),
        lines.join("\n"),
    )?;
    demo.show_lines(&lines)
}
