//! The bundled programs on stage.

use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::Socket;

use super::picture::unseen;
use crate::check::{self, Finding, OrFinding};
use crate::deadline::{Deadlines, Waited, until, wait};
use crate::server::{Instance, LaunchError, LaunchOptions, Server, Spec, Start, bundled};
use crate::sys;
use crate::transport::{Client, Link, Transport, pipe_pair};

/// The bundled program called `name`.
pub(super) fn program(name: &str) -> check::Result<PathBuf> {
    bundled(OsStr::new(name)).ok_or_else(|| {
        Finding::broken(format!("the bundled program {name}"), "it does not stand beside this program")
    })
}

/// The bundled server called `name`, launched and ready.
pub(super) fn server(name: &str, transport: &str, deadlines: Deadlines) -> check::Result<Server> {
    launch_server(name, &spec(name, transport, Start::Bind)?, deadlines)
}

/// The same, by way of another program with its arguments, such as env(1).
pub(super) fn server_by(
    by: &[&str],
    name: &str,
    transport: &str,
    deadlines: Deadlines,
) -> check::Result<Server> {
    let spec = spec(name, transport, Start::Bind)?;
    launch_server(name, &spec.wrapped_in(by.iter().copied()), deadlines)
}

/// The bundled server called `name`, before it is launched.
pub(super) fn spec(name: &str, transport: &str, start: Start) -> check::Result<Spec> {
    let known = Transport::named(transport);
    let transport = known.ok_or_else(|| Finding::broken(format!("the transport {transport}"), "unknown"))?;
    let places = if start == Start::Bind { transport.placeholders } else { &[] };
    let address = places.iter().take(1).map(Into::into);
    let command = std::iter::once(program(name)?.into_os_string()).chain(address);
    Spec::new(transport, start, command).map_err(|error| unlaunched(name, &error))
}

/// The server `name` that `spec` describes, launched and ready.
pub(super) fn launch_server(name: &str, spec: &Spec, deadlines: Deadlines) -> check::Result<Server> {
    Server::launch(spec, LaunchOptions { deadlines, ..LaunchOptions::default() })
        .map_err(|error| unlaunched(name, &error))
}

/// A program with its descriptors 0, 1 and 2, as [`Instance::start`] says.
pub(super) fn launch(
    program: impl Into<OsString>,
    arguments: &[OsString],
    stdio: [Option<OwnedFd>; 3],
) -> check::Result<Instance> {
    let program = program.into();
    let name = program.to_string_lossy().into_owned();
    Instance::start([&[program], arguments].concat(), stdio).map_err(|error| unlaunched(&name, &error))
}

/// The system's own shell with a script of ours, in which `$1`, `$2` … are the `arguments`.
pub(super) fn shell(
    script: &'static str,
    arguments: &[OsString],
    stdio: [Option<OwnedFd>; 3],
) -> check::Result<Instance> {
    let words = ["-c", script, "sh"].map(OsString::from).into_iter().chain(arguments.iter().cloned());
    launch("/bin/sh", &words.collect::<Vec<_>>(), stdio)
}

/// The children of `parent` that execute `program`, once there are `number` of them.
pub(super) fn commands(
    parent: Pid,
    program: &str,
    number: usize,
    deadlines: Deadlines,
) -> check::Result<Vec<Pid>> {
    let runs_it =
        |pid: Pid| sys::executable(pid).is_some_and(|path| path.file_name() == Some(OsStr::new(program)));
    let mut seen = 0;
    let found = until(deadlines.start(), || {
        let children = sys::children(parent).map_err(|error| unseen("a list of children", &error))?;
        let pids: Vec<_> = children.iter().map(|child| child.pid).filter(|&pid| runs_it(pid)).collect();
        seen = pids.len();
        Ok((seen == number).then_some(pids))
    })?;
    found.ok_or_else(|| {
        let expected = format!("{number} processes of {program} that stay, launched by the shell");
        Finding::fail(expected, format!("{seen} of them"))
    })
}

/// Sends `signal` to a process that an [`Instance`] of ours has launched.
pub(super) fn send(pid: Pid, signal: Signal) -> check::Result {
    kill(pid, signal).or_broken(format!("{signal} sent"))
}

/// A launch that failed, as a finding.
pub(super) fn unlaunched(name: &str, error: &LaunchError) -> Finding {
    match error {
        LaunchError::Interrupted => Finding::interrupted(),
        LaunchError::Unsupported { output } => Finding::unsupported(name, output),
        other => Finding::broken(format!("{name} running"), other.to_string()),
    }
}

/// The address of a server that has a port.
pub(super) fn port(server: &Server) -> check::Result<SocketAddr> {
    server.address().inet().ok_or_else(|| Finding::broken("a port", server.address().to_string()))
}

/// A TCP client in a process of its own. What is written to its standard input it sends to the server, and
/// what comes back it prints.
pub(super) struct Visitor {
    // Dropped in this order: at the end of its input the program ends by itself.
    /// The far ends of its standard input and output.
    pub talk: Client,
    /// Its process.
    pub instance: Instance,
}

/// The program that [`Visitor`]s run.
pub(super) const VISITOR: &str = "echo-tcp-client";

impl Visitor {
    /// A client of `server` that connects from `source`, or from wherever connect(2) chooses.
    pub fn launch(
        server: SocketAddr,
        source: Option<SocketAddr>,
        deadlines: Deadlines,
    ) -> check::Result<Visitor> {
        Visitor::launch_by(&[], server, source, deadlines)
    }

    /// The same, launched by the program that `words` begin with, such as a tracer.
    pub fn launch_by(
        words: &[OsString],
        server: SocketAddr,
        source: Option<SocketAddr>,
        deadlines: Deadlines,
    ) -> check::Result<Visitor> {
        let (link, input, output) = pipe_pair().or_broken("two pipes")?;
        let addresses = [Some(server), source].into_iter().flatten();
        let own = [program(VISITOR)?.into_os_string()].into_iter();
        let command = own.chain(addresses.map(|address| address.to_string().into()));
        let instance =
            Instance::start(words.iter().cloned().chain(command), [Some(input), Some(output), None])
                .map_err(|error| unlaunched(VISITOR, &error))?;
        Ok(Visitor { talk: Client::over_stream(link, deadlines), instance })
    }

    pub fn pid(&self) -> Pid {
        self.instance.pid()
    }
}

/// A listening socket of this very process, for a demo that plays the server itself.
pub(super) fn listener() -> check::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.or_broken("a listening socket")?;
    let address = listener.local_addr().or_broken("its address")?;
    Ok((listener, address))
}

/// The next connection of `listener`, as soon as there is one.
pub(super) fn accept(listener: &TcpListener, deadlines: Deadlines) -> check::Result<Client> {
    let mut interest = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    if wait(&mut interest, deadlines.no_progress())? == Waited::Elapsed {
        return Err(Finding::timeout("a client", "nobody connected"));
    }
    let accepted = listener.accept().and_then(|(connection, _)| Link::socket(Socket::from(connection)));
    Ok(Client::over_stream(accepted.or_broken("an accepted connection")?, deadlines))
}
