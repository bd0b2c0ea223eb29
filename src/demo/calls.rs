//! System calls as they were really made: what strace(1) has written down.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::draw::WIDTH;
use super::story::Story;
use crate::check::{self, OrFinding};
use crate::deadline::until;
use crate::server::{find_strace, strace_words};
use crate::text::printable;

/// Those that this is about, by the names of every system: `?` excuses a name that is unknown here.
const TRACED: &str = "trace=?socket,?setsockopt,?bind,?listen,?accept,?accept4,?connect,?read,?write,\
                      ?recvfrom,?sendto,?shutdown,?close";

/// The calls on sockets of some traced programs.
pub(super) struct Calls {
    place: TempDir,
    /// Why nothing is traced.
    refusal: Option<String>,
    roles: Vec<&'static str>,
    told: HashSet<Call>,
}

/// One call of one thread.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Call {
    /// When it returned, in microseconds since 1970: a read that waits for a write began before it.
    returned: u64,
    began: u64,
    role: &'static str,
    text: String,
}

impl Calls {
    /// Traces the programs that are launched by [`words`](Calls::words) from now on, if that can be done here.
    pub fn watch() -> check::Result<Calls> {
        let place = tempfile::Builder::new().prefix("echospec-strace-").tempdir();
        let place = place.or_broken("a temporary directory")?;
        Ok(Calls { place, refusal: find_strace().err(), roles: Vec::new(), told: HashSet::new() })
    }

    /// Why no call is seen, if none is.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// What to launch the program that plays `role` with; nothing where nothing can be traced.
    pub fn words(&mut self, role: &'static str) -> Vec<OsString> {
        if self.refusal.is_some() {
            return Vec::new();
        }
        self.roles.push(role);
        // One file for each thread: in one for all, a call that waits is cut in two by the others.
        strace_words(&self.place.path().join(role), &["-ff", "-ttt", "-T", "-s", "24", "-e", TRACED])
    }

    /// Waits until each role has made the calls named beside it, in that order, since the last time; claims it, and
    /// shows all calls on sockets since then. Nothing is claimed where nothing is traced.
    pub fn observe(&mut self, story: &mut Story<'_>, wanted: &[(&str, &[&str])]) -> check::Result {
        if self.refusal.is_some() {
            return Ok(());
        }
        let mut news = Vec::new();
        let limit = story.deadlines().no_progress();
        let complete = until(limit, || {
            news = self.news();
            let made = |(role, names): &(&str, &[&str])| in_order(&news, role, names);
            Ok(wanted.iter().all(made).then_some(()))
        })?;
        for (role, names) in wanted {
            let list = names.iter().map(|name| format!("{name}(2)")).collect::<Vec<_>>().join(", ");
            let claim = format!("strace has seen the {role} call {list}, in this order");
            story.claim(claim, complete.is_some(), lines(&news).join("\n"))?;
        }
        story.show_lines(&lines(&news))?;
        self.told.extend(news);
        Ok(())
    }

    /// The calls that have not been shown, in the order in which they returned.
    fn news(&self) -> Vec<Call> {
        let mut calls: Vec<Call> = self.roles.iter().flat_map(|role| self.on_sockets(role)).collect();
        calls.retain(|call| !self.told.contains(call));
        calls.sort();
        calls
    }

    /// Without those on files and standard descriptors: every program reads its libraries first.
    fn on_sockets(&self, role: &'static str) -> Vec<Call> {
        let mut all: Vec<_> = self.files(role).iter().flat_map(|file| calls(role, file)).collect();
        all.sort();
        let mut sockets: HashSet<String> = HashSet::new();
        all.retain(|call| {
            sockets.extend(call.new_socket());
            let descriptor = call.descriptor();
            let is_about = call.name() == "socket" || sockets.contains(&descriptor);
            if call.name() == "close" {
                sockets.remove(&descriptor);
            }
            is_about
        });
        all
    }

    /// `ROLE.THREAD` for each thread.
    fn files(&self, role: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.place.path()).into_iter().flatten();
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.file_stem().is_some_and(|stem| stem == role));
        files
    }
}

impl Call {
    /// As the textbooks write it: Linux's own `accept4` and the long forms of `read` and `write` are the same calls with
    /// options.
    fn name(&self) -> &str {
        match self.text.split('(').next().unwrap_or_default() {
            "accept4" => "accept",
            "recvfrom" => "read",
            "sendto" => "write",
            other => other,
        }
    }

    fn descriptor(&self) -> String {
        let arguments = self.text.split_once('(').map(|(_, arguments)| arguments).unwrap_or_default();
        arguments.chars().take_while(char::is_ascii_digit).collect()
    }

    /// The descriptor that it has opened, if it opens one.
    fn new_socket(&self) -> Option<String> {
        let opens = matches!(self.name(), "socket" | "accept");
        self.text.rsplit_once(" = ").map(|(_, answer)| answer.to_owned()).filter(|_| opens)
    }
}

/// The calls of one thread that have returned; of one that waits only the beginning is there.
fn calls(role: &'static str, file: &PathBuf) -> Vec<Call> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let whole = text.rsplit_once('\n').map(|(lines, _)| lines).unwrap_or_default();
    whole.lines().filter_map(|line| call(role, line)).collect()
}

/// From a line such as `1795637848.525210 listen(3, 128) = 0 <0.000012>`.
fn call(role: &'static str, line: &str) -> Option<Call> {
    let (began, rest) = line.split_once(' ')?;
    let (text, took) = rest.rsplit_once(" <")?;
    let microseconds = |seconds: &str| seconds.replacen('.', "", 1).parse::<u64>().ok();
    let began = microseconds(began)?;
    let returned = began + microseconds(took.trim_end_matches('>'))?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Call { returned, began, role, text: printable(&text) })
}

/// Whether `role` has made calls called `names` in this order, perhaps with others in between. Of two threads one may
/// return late from the call that woke the other: what follows a call is what returns after it began.
fn in_order(calls: &[Call], role: &str, names: &[&str]) -> bool {
    let mut after = 0;
    names.iter().all(|name| {
        let made = calls.iter().filter(|call| call.role == role && call.name() == *name);
        let next = made.filter(|call| call.returned >= after).min_by_key(|call| call.returned);
        after = next.map_or(after, |call| call.began);
        next.is_some()
    })
}

/// One line for each call, or several where it is long.
fn lines(calls: &[Call]) -> Vec<String> {
    calls.iter().flat_map(|call| broken(call.role, &call.text)).collect()
}

fn broken(role: &str, text: &str) -> Vec<String> {
    const ROLE: usize = 8;
    const ROOM: usize = WIDTH - 2 - ROLE;
    let mut lines = vec![format!("{role:<ROLE$}")];
    for word in text.split_inclusive(' ') {
        let length = lines.last().map_or(0, |line| line.chars().count());
        if length + word.trim_end().chars().count() > ROLE + ROOM {
            lines.push(" ".repeat(ROLE + 4));
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
    fn only_calls_on_sockets_are_shown_and_a_number_that_is_closed_is_none_any_more() {
        let calls = Calls {
            place: tempfile::tempdir().unwrap(),
            refusal: None,
            roles: vec!["server"],
            told: HashSet::new(),
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
        fs::write(calls.place.path().join("server.7"), thread).unwrap();
        let shown = lines(&calls.news());
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert_eq!(shown[1], "server  listen(3, 128) = 0");
    }

    #[test]
    fn a_long_call_is_broken_between_its_arguments() {
        let text =
            "bind(3, {sa_family=AF_INET, sin_port=htons(21999), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0";
        let lines = broken("server", text);
        assert!(lines.len() == 2 && lines.iter().all(|line| line.len() <= WIDTH - 2), "{lines:?}");
    }
}
