//! The servers that `bench-servers` compares: the bundled ones, and those of others.

/// A server of the comparison.
#[derive(Debug)]
pub struct Contender {
    pub name: &'static str,
    /// The concurrency model, in a few words.
    pub model: &'static str,
    pub program: Program,
    /// The number of connections above which the server is not measured.
    pub max_connections: usize,
}

/// The program of a server, and how it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// A program of this package.
    Bundled,
    /// A C file below `fixtures/servers`, its libraries, and the Debian package of these.
    C { file: &'static str, libraries: &'static [&'static str], package: &'static str },
    /// A Go package below `fixtures/servers/go`.
    Go(&'static str),
    /// A program of the package in `fixtures/servers/rust`.
    Cargo(&'static str),
}

/// One process for each connection: more would measure fork(2) and the scheduler's memory.
const PROCESSES: usize = 1_000;

/// All servers, ours first.
pub const CONTENDERS: &[Contender] = &[
    bundled("echo-tcp-epoll", "readiness loop"),
    bundled("echo-tcp-uring", "completion loop, io_uring"),
    bundled("echo-tcp-reuseport", "a loop for each core"),
    bundled("echo-tcp", "a thread for each client"),
    Contender { max_connections: PROCESSES, ..bundled("echo-tcp-fork", "a process for each client") },
    Contender { max_connections: 1, ..bundled("echo-tcp-iterative", "one client after another") },
    peer("C epoll", "readiness loop", c("fast/epoll.c", &[], "gcc libc6-dev")),
    peer("C io_uring", "completion loop, io_uring", c("fast/uring.c", &["-luring"], "gcc liburing-dev")),
    peer("C libuv", "readiness loop with callbacks", c("fast/libuv.c", &["-luv"], "gcc libuv1-dev")),
    peer("Rust tokio", "a task for each client", Program::Cargo("rust-tokio-tcp-fast")),
    peer("Go", "a goroutine for each client", Program::Go("tcp_readwrite")),
    peer("C threads", "a thread for each client", c("fast/threads.c", &["-pthread"], "gcc libc6-dev")),
    Contender {
        max_connections: PROCESSES,
        ..peer("C fork", "a process for each client", c("fast/fork.c", &[], "gcc libc6-dev"))
    },
];

impl Contender {
    pub fn is_ours(&self) -> bool {
        self.program == Program::Bundled
    }

    /// Returns the name of the program's file.
    pub fn file_name(&self) -> String {
        match self.program {
            Program::Cargo(name) => name.to_owned(),
            _ => self.name.replace(' ', "-"),
        }
    }

    /// Returns the placeholders of the address, as the server's arguments.
    pub fn arguments(&self) -> &'static [&'static str] {
        if matches!(self.program, Program::C { .. }) { &["{host}", "{port}"] } else { &["{addr}"] }
    }
}

const fn bundled(name: &'static str, model: &'static str) -> Contender {
    peer(name, model, Program::Bundled)
}

const fn peer(name: &'static str, model: &'static str, program: Program) -> Contender {
    Contender { name, model, program, max_connections: usize::MAX }
}

const fn c(file: &'static str, libraries: &'static [&'static str], package: &'static str) -> Program {
    Program::C { file, libraries, package }
}
