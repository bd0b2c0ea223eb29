//! The system calls of a demo's programs, recorded by strace(1).

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::run::DemoRun;
use crate::check::{self, OrFinding};
use crate::deadline::until;
use crate::diagram::text::MAX_WIDTH;
use crate::server::{find_strace, strace_prefix};
use crate::text::printable;

/// The option of strace(1) that selects the system calls to record. strace ignores a name that begins with `?` if
/// this system has no such call.
const TRACED: &str = "trace=?socket,?setsockopt,?bind,?listen,?accept,?accept4,?connect,?read,?write,\
                      ?recvfrom,?sendto,?shutdown,?close";

/// Records the system calls on sockets of a demo's programs, by strace(1).
pub struct SyscallTrace {
    directory: TempDir,
    /// The reason why no system calls are recorded, if strace cannot be used.
    unavailable: Option<String>,
    programs: Vec<&'static str>,
    shown: HashSet<Syscall>,
}

/// A system call of one thread, as strace recorded it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Syscall {
    /// The time at which a system call returned, in microseconds since 1970. Calls are sorted by it: a read that
    /// waits for a write begins earlier, but returns later.
    returned: u64,
    began: u64,
    program: &'static str,
    text: String,
}

impl SyscallTrace {
    /// Creates a trace of the programs that are launched with a [`command_prefix`](SyscallTrace::command_prefix).
    pub fn new() -> check::Result<SyscallTrace> {
        let directory = tempfile::Builder::new().prefix("echospec-strace-").tempdir();
        let directory = directory.or_broken("a temporary directory")?;
        let unavailable = find_strace().err();
        Ok(SyscallTrace { directory, unavailable, programs: Vec::new(), shown: HashSet::new() })
    }

    /// Returns the reason why no system calls are recorded, if strace cannot be used.
    pub fn unavailable(&self) -> Option<&str> {
        self.unavailable.as_deref()
    }

    /// Returns the command that launches `program` under strace. Empty if strace cannot be used.
    pub fn command_prefix(&mut self, program: &'static str) -> Vec<OsString> {
        if self.unavailable.is_some() {
            return Vec::new();
        }
        self.programs.push(program);
        // One file for each thread: in one file for all, another thread's call cuts a waiting call in two.
        let options = ["-ff", "-ttt", "-T", "-s", "24", "-e", TRACED];
        strace_prefix(&self.directory.path().join(program), &options)
    }

    /// Waits until each program has made the system calls named beside it, in that order. Shows all new calls on
    /// sockets. Does nothing if strace cannot be used.
    pub fn wait_until_called(&mut self, demo: &mut DemoRun<'_>, wanted: &[(&str, &[&str])]) -> check::Result {
        if self.unavailable.is_some() {
            return Ok(());
        }
        let mut new = Vec::new();
        let limit = demo.deadlines().no_progress();
        let complete = until(limit, || {
            new = self.new_calls();
            let made = |(program, names): &(&str, &[&str])| in_order(&new, program, names);
            Ok(wanted.iter().all(made).then_some(()))
        })?;
        for (program, names) in wanted {
            let list = names.iter().map(|name| format!("{name}(2)")).collect::<Vec<_>>().join(", ");
            let order = if names.len() > 1 { ", in this order" } else { "" };
            let claim = format!("strace has seen the {program} call {list}{order}");
            demo.verify(claim, complete.is_some(), lines(&new).join("\n"))?;
        }
        demo.show_lines(&lines(&new))?;
        self.shown.extend(new);
        Ok(())
    }

    /// Returns the recorded system calls that have not been shown, in the order in which they returned.
    fn new_calls(&self) -> Vec<Syscall> {
        let mut calls: Vec<Syscall> =
            self.programs.iter().flat_map(|program| self.calls_on_sockets(program)).collect();
        calls.retain(|call| !self.shown.contains(call));
        calls.sort();
        calls
    }

    /// Returns the recorded calls of `program` without those on files and standard descriptors: every program reads
    /// its libraries first.
    fn calls_on_sockets(&self, program: &'static str) -> Vec<Syscall> {
        let mut all: Vec<_> = self.files(program).iter().flat_map(|file| parse_file(program, file)).collect();
        all.sort();
        let mut sockets: HashSet<String> = HashSet::new();
        all.retain(|call| {
            sockets.extend(call.new_socket());
            let descriptor = call.descriptor();
            let on_socket = call.name() == "socket" || sockets.contains(&descriptor);
            if call.name() == "close" {
                sockets.remove(&descriptor);
            }
            on_socket
        });
        all
    }

    /// Returns the files `PROGRAM.THREAD` into which strace writes, one for each thread.
    fn files(&self, program: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.path()).into_iter().flatten();
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.file_stem().is_some_and(|stem| stem == program));
        files
    }
}

impl Syscall {
    /// Returns the name of the system call as textbooks write it: `accept4`, `recvfrom` and `sendto` are accept, read
    /// and write with options.
    fn name(&self) -> &str {
        match self.text.split('(').next().unwrap_or_default() {
            "accept4" => "accept",
            "recvfrom" => "read",
            "sendto" => "write",
            other => other,
        }
    }

    /// Returns the first argument of the system call, if the argument is a number.
    fn descriptor(&self) -> String {
        let arguments = self.text.split_once('(').map(|(_, arguments)| arguments).unwrap_or_default();
        arguments.chars().take_while(char::is_ascii_digit).collect()
    }

    /// Returns the descriptor of the socket that the system call made, or `None` if it made no socket.
    fn new_socket(&self) -> Option<String> {
        let opens = matches!(self.name(), "socket" | "accept");
        self.text.rsplit_once(" = ").map(|(_, result)| result.to_owned()).filter(|_| opens)
    }
}

/// Parses the system calls of one thread from a file of strace. A call that has not returned is left out.
fn parse_file(program: &'static str, file: &PathBuf) -> Vec<Syscall> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rsplit_once('\n').map(|(lines, _)| lines).unwrap_or_default();
    complete.lines().filter_map(|line| parse_line(program, line)).collect()
}

/// Parses a line of strace such as `1795637848.525210 listen(3, 128) = 0 <0.000012>`.
fn parse_line(program: &'static str, line: &str) -> Option<Syscall> {
    let (began, rest) = line.split_once(' ')?;
    let (text, took) = rest.rsplit_once(" <")?;
    let microseconds = |seconds: &str| seconds.replacen('.', "", 1).parse::<u64>().ok();
    let began = microseconds(began)?;
    let returned = began + microseconds(took.trim_end_matches('>'))?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Syscall { returned, began, program, text: printable(&text) })
}

/// Returns whether `program` has made system calls with these names in this order, perhaps with others between them.
///
/// A thread may return late from the call that woke another thread. So a call follows another one if it returned
/// after the other one began.
fn in_order(calls: &[Syscall], program: &str, names: &[&str]) -> bool {
    let mut after = 0;
    names.iter().all(|name| {
        let made = calls.iter().filter(|call| call.program == program && call.name() == *name);
        let next = made.filter(|call| call.returned >= after).min_by_key(|call| call.returned);
        after = next.map_or(after, |call| call.began);
        next.is_some()
    })
}

/// Formats system calls as lines of text: one call on a line, or on several lines if it is long.
fn lines(calls: &[Syscall]) -> Vec<String> {
    calls.iter().flat_map(|call| wrap_call(call.program, &call.text)).collect()
}

fn wrap_call(program: &str, text: &str) -> Vec<String> {
    const PROGRAM: usize = 8;
    const CALL: usize = MAX_WIDTH - 2 - PROGRAM;
    let mut lines = vec![format!("{program:<PROGRAM$}")];
    for word in text.split_inclusive(' ') {
        let length = lines.last().map_or(0, |line| line.chars().count());
        if length + word.trim_end().chars().count() > PROGRAM + CALL {
            lines.push(" ".repeat(PROGRAM + 4));
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_calls_on_sockets_until_they_are_closed() {
        let trace = SyscallTrace {
            directory: tempfile::tempdir().unwrap(),
            unavailable: None,
            programs: vec!["server"],
            shown: HashSet::new(),
        };
        let thread = [
            "1.000000 read(3, \"\\177ELF\", 832) = 832 <0.000010>",
            "1.100000 close(3) = 0 <0.000010>",
            "1.200000 socket(AF_INET, SOCK_STREAM, 0) = 3 <0.000010>",
            "1.300000 listen(3, 128)     = 0 <0.000010>",
            "1.400000 close(3) = 0 <0.000010>",
            "1.500000 read(3, \"\", 9) = 0 <0.000010>",
            "1.600000 accept4(3, ",
        ];
        let thread = thread.join("\n");
        fs::write(trace.directory.path().join("server.7"), thread).unwrap();
        let shown = lines(&trace.new_calls());
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert_eq!(shown[1], "server  listen(3, 128) = 0");
    }

    #[test]
    fn wraps_a_long_call_between_its_arguments() {
        let text =
            "bind(3, {sa_family=AF_INET, sin_port=htons(21999), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0";
        let lines = wrap_call("server", text);
        assert!(lines.len() == 2 && lines.iter().all(|line| line.len() <= MAX_WIDTH - 2), "{lines:?}");
    }
}
