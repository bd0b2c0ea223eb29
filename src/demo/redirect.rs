//! `command > a.txt`: one descriptor of one process refers to something else. sh(1), dup2(2).

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use nix::unistd::Pid;

use super::support::{
    Demo, DemoRun, TempFolder, duplicate, launch_program, launch_shell, program_path, pseudo_terminal,
    take_snapshot, wait_for_children,
};
use crate::check::{self, Finding};
use crate::diagram::{ObjectId, Process, Row, Selection, Snapshot};
use crate::server::Instance;
use crate::sys::Object;
use crate::transport::Client;

pub(super) const DEMO: Demo = Demo {
    name: "redirect",
    says: "command > a.txt: a descriptor changes, and the command is not told",
    run,
};

/// The command.
const COMMAND: &str = "echo-pipe";

/// What the shell is told, line by line. `$1` is the command, `$2` the folder. In parentheses every shell forks
/// first; without them dash, for one, redirects its own descriptors and puts them back afterwards. After the command
/// that ends by itself it prompts, as in daily life: only then is the last command gone, and not to be taken for the next.
const SCRIPT: &str = r#"
("$1")
("$1" > "$2/a.txt")
("$1" nonsense > "$2/b.txt")
printf '$ '; read -r enter
("$1" > "$2/c.txt" 2>&1)
("$1" 2>&1 > "$2/d.txt")
exit 0
"#;

/// What a terminal takes for the end of its input: Ctrl-D.
const END: &[u8] = b"\x04";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut desk = Desk::new(demo)?;
    nothing_redirected(demo, &mut desk)?;
    one_redirected(demo, &mut desk)?;
    the_bytes_go_there(demo, &mut desk)?;
    complaints_stay(demo, &mut desk)?;
    both_into_one_file(demo, &mut desk)?;
    the_other_order(demo, &mut desk)
}

/// A shell in a terminal, and whoever types there.
struct Desk {
    // Dropped in this order: the shell, then its terminal.
    shell: Instance,
    person: Client,
    folder: TempFolder,
    /// What the command says of a wrong command line.
    complaint: String,
}

impl Desk {
    fn new(demo: &DemoRun<'_>) -> check::Result<Desk> {
        let complaint = complaint(demo)?;
        let folder = TempFolder::new()?;
        let (person, terminal) = pseudo_terminal(demo.deadlines())?;
        let arguments: [OsString; 2] = [program_path(COMMAND)?.into(), folder.path("").into()];
        let shell = launch_shell(
            SCRIPT,
            &arguments,
            [Some(duplicate(&terminal)?), Some(duplicate(&terminal)?), Some(terminal)],
        )?;
        Ok(Desk { shell, person, folder, complaint })
    }

    /// The shell and the command that it is running now.
    fn shown(&self, demo: &DemoRun<'_>) -> check::Result<[Selection; 2]> {
        let command = wait_for_children(self.shell.pid(), COMMAND, 1, demo.deadlines())?;
        let command = command.first().copied().unwrap_or(self.shell.pid());
        Ok([Selection::all("shell", self.shell.pid()), Selection::all("command", command)])
    }

    /// Ends the running command, and waits until it has gone.
    fn end_command(&mut self, demo: &DemoRun<'_>) -> check::Result {
        let command = wait_for_children(self.shell.pid(), COMMAND, 1, demo.deadlines())?;
        self.person.send(END)?;
        let gone = |pid: &Pid| crate::sys::wait_for_exit(*pid, demo.deadlines().exit()).unwrap_or(false);
        if command.iter().all(gone) {
            return Ok(());
        }
        Err(Finding::timeout("the command ended by Ctrl-D", "it runs on"))
    }
}

/// What the command prints on standard error where its command line is wrong.
fn complaint(demo: &DemoRun<'_>) -> check::Result<String> {
    let mut wrong =
        launch_program(program_path(COMMAND)?, &["nonsense".into()], [const { None::<OwnedFd> }; 3])?;
    wrong.wait(demo.deadlines().exit());
    if wrong.printed_anything(demo.deadlines().exit()) {
        return Ok(wrong.output().text().trim().to_owned());
    }
    Err(Finding::fail("a complaint about a wrong command line", "none came"))
}

fn object<'a>(snapshot: &'a Snapshot, label: &str, number: i32) -> Option<&'a Object> {
    snapshot.row(label, number).map(|row| &row.object)
}

/// Whether the command's descriptor `number` is what the shell's is.
fn is_inherited(snapshot: &Snapshot, number: i32) -> bool {
    let object = |label| object(snapshot, label, number);
    object("command").is_some() && object("command") == object("shell")
}

fn has_just_the_standard_three(snapshot: &Snapshot) -> bool {
    snapshot.process("command").map(Process::numbers).is_some_and(|numbers| numbers == [0, 1, 2])
}

/// Whether the command's descriptor `number` is the file `name`.
fn is_file(snapshot: &Snapshot, desk: &Desk, number: i32, name: &str) -> bool {
    object(snapshot, "command", number) == Some(&Object::File(desk.folder.path(name)))
}

fn nothing_redirected(demo: &mut DemoRun<'_>, desk: &mut Desk) -> check::Result {
    demo.step("A command in a terminal")?;
    demo.explain(
        "Somebody types `echo-pipe` into a shell. The shell calls fork(2), which makes a second process with a \
         copy of its descriptor table, and in the copy execve(2), which loads the program and leaves the table \
         as it is. So the command holds what the shell holds: the terminal, three times. It reads what is typed \
         from 0, its standard input, writes its results to 1, standard output, and would write complaints to 2, \
         standard error.",
    )?;
    let shown = desk.shown(demo)?;
    let claim =
        "the command has the descriptors 0, 1 and 2, and each is the terminal that it is in the shell";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        has_just_the_standard_three(snapshot)
            && (0..3).all(|number| is_inherited(snapshot, number))
            && matches!(object(snapshot, "command", 1), Some(Object::Terminal(_)))
    })?;
    demo.show(&snapshot)?;
    desk.person.send(b"hello\n")?;
    let seen = desk.person.expect(b"hello\r\nhello\r\n");
    demo.verify_ok(
        "\"hello\" is seen twice: the terminal shows what is typed, and then what the command writes",
        seen,
    )
}

fn one_redirected(demo: &mut DemoRun<'_>, desk: &mut Desk) -> check::Result {
    demo.step("Now with > a.txt")?;
    demo.explain(
        "Ctrl-D ends that command, and the next line is `echo-pipe > a.txt`. After fork(2), and before \
         execve(2), the shell's copy does three things more: open(2) makes a.txt and gives back the lowest \
         free number, 3; dup2(3, 1) makes number 1 refer to the same file, and what 1 was is closed; close(3) \
         gives the number back. Then it loads the program, the same one as before. (Some shells move their own \
         descriptor 1 before fork(2) and back afterwards; for the command that comes to the same.)",
    )?;
    desk.end_command(demo)?;
    let shown = desk.shown(demo)?;
    demo.wait_until(&shown, "the command's descriptor 1 is the file a.txt", |snapshot| {
        is_file(snapshot, desk, 1, "a.txt")
    })?;
    let claim = "0 and 2 are still the terminal, and there is no fourth descriptor";
    demo.wait_until(&shown, claim, |snapshot| {
        has_just_the_standard_three(snapshot) && is_inherited(snapshot, 0) && is_inherited(snapshot, 2)
    })?;
    let claim =
        "the shell's own descriptor 1 is still the terminal: it is another process, with a table of its own";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        matches!(object(snapshot, "shell", 1), Some(Object::Terminal(_)))
    })?;
    demo.show(&snapshot)
}

fn the_bytes_go_there(demo: &mut DemoRun<'_>, desk: &mut Desk) -> check::Result {
    demo.step("The command does as it always does")?;
    demo.explain(
        "The command reads a line from 0 and calls write(2) on 1, as before. It cannot tell the difference and \
         need not: which file that is was settled before its first instruction. That is why every program can \
         be redirected, and none has an option for it.",
    )?;
    desk.person.send(b"hello\n")?;
    let written = desk.folder.expect("a.txt", b"hello\n", demo.deadlines());
    demo.verify_ok("\"hello\" is in a.txt", written)?;
    let seen = desk.person.expect(b"hello\r\n");
    demo.verify_ok("the terminal shows what was typed, but nothing that the command has written", seen)?;
    let snapshot = take_snapshot(&desk.shown(demo)?)?;
    if let Some(open) = snapshot.row("command", 1).and_then(|row| row.open) {
        let claim = "the kernel has counted: the next write to the file will begin at offset 6";
        demo.verify(claim, open.offset == 6, open.offset)?;
    }
    demo.show(&snapshot)
}

fn complaints_stay(demo: &mut DemoRun<'_>, desk: &mut Desk) -> check::Result {
    demo.step("Complaints go elsewhere")?;
    demo.explain(
        "`echo-pipe nonsense > b.txt`: a mistake, and the command says so. Complaints are written to 2, which \
         nobody has redirected. So they are seen, and do not get lost among the results in a file. That is \
         what standard error is for.",
    )?;
    desk.end_command(demo)?;
    let wanted = format!("{}\r\n$ ", desk.complaint);
    let seen = desk.person.expect(wanted.as_bytes());
    demo.verify_ok(
        format!(
            "\"{}\" and so on is seen in the terminal",
            desk.complaint.split(' ').take(2).collect::<Vec<_>>().join(" ")
        ),
        seen,
    )?;
    let empty = desk.folder.expect("b.txt", b"", demo.deadlines());
    demo.verify_ok("b.txt was made by the shell, before the command began, and is empty", empty)
}

fn both_into_one_file(demo: &mut DemoRun<'_>, desk: &mut Desk) -> check::Result {
    demo.step("Results and complaints into one file: > c.txt 2>&1")?;
    demo.explain(
        "`2>&1` means: let 2 be what 1 is at this moment, dup2(1, 2). The shell carries redirections out from \
         left to right, so 1 is c.txt by then. The file is opened once; both numbers refer to that one opening, \
         an open file description, with one offset: what is written through either goes behind what was \
         written through the other. A line in the picture joins what is the same.",
    )?;
    desk.person.send(b"\n")?;
    let shown = desk.shown(demo)?;
    let snapshot = demo.wait_until(
        &shown,
        "both 1 and 2 of the command are c.txt, and 0 is the terminal",
        |snapshot| {
            [1, 2].iter().all(|&number| is_file(snapshot, desk, number, "c.txt")) && is_inherited(snapshot, 0)
        },
    )?;
    let description = |number| match snapshot.row("command", number).and_then(Row::id) {
        Some(ObjectId::Description(number)) => Some(number),
        _ => None,
    };
    // Not every system says what is the same.
    if let (Some(one), two) = (description(1), description(2)) {
        demo.verify("they share one open file description, says kcmp(2)", Some(one) == two, &snapshot)?;
    }
    demo.show(&snapshot)
}

fn the_other_order(demo: &mut DemoRun<'_>, desk: &mut Desk) -> check::Result {
    demo.step("The order matters: 2>&1 > d.txt")?;
    demo.explain(
        "The same two redirections the other way round. First 2 becomes what 1 is: the terminal, which it was \
         already. Then 1 becomes d.txt, and 2 does not follow: it is a copy of what 1 was, and no link to the \
         number 1.",
    )?;
    desk.end_command(demo)?;
    let shown = desk.shown(demo)?;
    let snapshot = demo.wait_until(&shown, "1 is d.txt, and 2 is still the terminal", |snapshot| {
        is_file(snapshot, desk, 1, "d.txt") && is_inherited(snapshot, 2)
    })?;
    demo.show(&snapshot)?;
    desk.end_command(demo)?;
    demo.verify_exit("at the end the shell has ended with status 0", &mut desk.shell)
}
