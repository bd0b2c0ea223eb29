//! Redirection: `command > a.txt` changes one descriptor of one process. sh(1), dup2(2).

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use nix::unistd::Pid;

use super::support::{
    Demo, DemoRun, TempFolder, duplicate_for_stdio, launch_program, launch_shell, program_path,
    pseudo_terminal, take_snapshot, wait_for_children,
};
use crate::check::{self, Finding};
use crate::diagram::{DescriptorRow, ObjectId, Process, ProcessSelection, Snapshot};
use crate::server::Instance;
use crate::sys::{self, Object};
use crate::transport::Client;

pub(super) const DEMO: Demo = Demo {
    name: "redirect",
    summary: "command > a.txt: one descriptor changes, the command does not notice",
    run,
};

/// The command whose standard descriptors the demo's shell redirects.
const COMMAND: &str = "echo-pipe";

/// The script of the demo's shell, with its redirections. `$1` is the command, `$2` the folder.
///
/// The parentheses make every shell fork first. Without them some shells, such as dash, redirect their own descriptors
/// and restore them afterwards. The prompt after the failing command separates it from the next command: when the
/// prompt appears, the failed process has gone.
const SCRIPT: &str = r#"
("$1")
("$1" > "$2/a.txt")
("$1" nonsense > "$2/b.txt")
printf '$ '; read -r enter
("$1" > "$2/c.txt" 2>&1)
("$1" 2>&1 > "$2/d.txt")
exit 0
"#;

/// The character Ctrl-D, which ends the input from a terminal.
const CTRL_D: &[u8] = b"\x04";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    let mut session = ShellSession::start(demo)?;
    without_redirection(demo, &mut session)?;
    standard_output_to_file(demo, &mut session)?;
    write_to_file(demo, &mut session)?;
    errors_to_terminal(demo, &mut session)?;
    both_to_one_file(demo, &mut session)?;
    in_the_other_order(demo, &mut session)
}

/// A shell in a terminal, and the simulated user who types there.
struct ShellSession {
    // Dropped in this order: the shell, then its terminal.
    shell: Instance,
    user: Client,
    folder: TempFolder,
    /// The message that the command writes to standard error for a wrong argument.
    error_message: String,
}

impl ShellSession {
    fn start(demo: &DemoRun<'_>) -> check::Result<ShellSession> {
        let error_message = error_message(demo)?;
        let folder = TempFolder::new()?;
        let (user, terminal) = pseudo_terminal(demo.deadlines())?;
        let arguments: [OsString; 2] = [program_path(COMMAND)?.into(), folder.path("").into()];
        let shell = launch_shell(SCRIPT, &arguments, duplicate_for_stdio(&terminal)?)?;
        Ok(ShellSession { shell, user, folder, error_message })
    }

    /// Selects for a diagram the shell and the command that it runs now.
    fn shown(&self, demo: &DemoRun<'_>) -> check::Result<[ProcessSelection; 2]> {
        let command = wait_for_children(self.shell.pid(), COMMAND, 1, demo.deadlines())?;
        let command = command.first().copied().unwrap_or(self.shell.pid());
        Ok([ProcessSelection::all("shell", self.shell.pid()), ProcessSelection::all("command", command)])
    }

    /// Ends the input of the command that the shell runs, and waits until the command has exited.
    fn end_command(&mut self, demo: &DemoRun<'_>) -> check::Result {
        let command = wait_for_children(self.shell.pid(), COMMAND, 1, demo.deadlines())?;
        self.user.send(CTRL_D)?;
        let exits = |pid: &Pid| sys::wait_for_exit(*pid, demo.deadlines().exit()).unwrap_or(false);
        if command.iter().all(exits) {
            return Ok(());
        }
        Err(Finding::timeout("the command exits after Ctrl-D", "it still runs"))
    }
}

/// Runs the command with a wrong argument, and returns the message that it writes to standard error.
fn error_message(demo: &DemoRun<'_>) -> check::Result<String> {
    let mut failing =
        launch_program(program_path(COMMAND)?, &["nonsense".into()], [const { None::<OwnedFd> }; 3])?;
    failing.wait(demo.deadlines().exit());
    if failing.printed_anything(demo.deadlines().exit()) {
        return Ok(failing.output().text().trim().to_owned());
    }
    Err(Finding::fail("an error message for a wrong argument", "none"))
}

fn object<'a>(snapshot: &'a Snapshot, label: &str, number: i32) -> Option<&'a Object> {
    snapshot.row(label, number).map(|row| &row.object)
}

/// Returns whether descriptor `number` of the command refers to the same object as that of the shell.
fn is_inherited(snapshot: &Snapshot, number: i32) -> bool {
    let object = |label| object(snapshot, label, number);
    object("command").is_some() && object("command") == object("shell")
}

fn has_only_standard_descriptors(snapshot: &Snapshot) -> bool {
    snapshot.process("command").map(Process::descriptor_numbers).is_some_and(|numbers| numbers == [0, 1, 2])
}

/// Returns whether descriptor `number` of the command refers to the file `name`.
fn is_file(snapshot: &Snapshot, session: &ShellSession, number: i32, name: &str) -> bool {
    object(snapshot, "command", number) == Some(&Object::File(session.folder.path(name)))
}

fn without_redirection(demo: &mut DemoRun<'_>, session: &mut ShellSession) -> check::Result {
    demo.step("A command in a terminal")?;
    demo.explain(
        "A user types `echo-pipe` into a shell. The shell calls fork(2), which creates a second process with a copy \
         of the descriptor table. The new process calls execve(2), which loads the program and keeps the table. So \
         the command has the same descriptors as the shell: three times the terminal. It reads what is typed from \
         0 (standard input), writes its results to 1 (standard output), and would write error messages to 2 \
         (standard error).",
    )?;
    let shown = session.shown(demo)?;
    let claim = "the command has the descriptors 0, 1 and 2, and each refers to the shell's terminal";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        has_only_standard_descriptors(snapshot)
            && (0..3).all(|number| is_inherited(snapshot, number))
            && matches!(object(snapshot, "command", 1), Some(Object::Terminal(_)))
    })?;
    demo.show(&snapshot)?;
    session.user.send(b"hello\n")?;
    let seen = session.user.expect(b"hello\r\nhello\r\n");
    demo.verify_ok(
        "\"hello\" appears twice: the terminal echoes what is typed, and then shows what the command writes",
        seen,
    )
}

fn standard_output_to_file(demo: &mut DemoRun<'_>, session: &mut ShellSession) -> check::Result {
    demo.step("Standard output to a file: > a.txt")?;
    demo.explain(
        "Ctrl-D ends that command. The next command line is `echo-pipe > a.txt`. Between fork(2) and execve(2) the \
         new process makes three more calls: open(2) creates a.txt and returns the lowest free number, 3; dup2(3, \
         1) closes 1 and makes it refer to the same file; close(3) frees the number 3. Then it loads the same \
         program as before. (Some shells change their own descriptor 1 before fork(2) and restore it afterwards. \
         The command sees no difference.)",
    )?;
    session.end_command(demo)?;
    let shown = session.shown(demo)?;
    demo.wait_until(&shown, "the command's descriptor 1 is the file a.txt", |snapshot| {
        is_file(snapshot, session, 1, "a.txt")
    })?;
    let claim = "0 and 2 are still the terminal, and there is no fourth descriptor";
    demo.wait_until(&shown, claim, |snapshot| {
        has_only_standard_descriptors(snapshot) && is_inherited(snapshot, 0) && is_inherited(snapshot, 2)
    })?;
    let claim = "the shell's own descriptor 1 is still the terminal: the shell is another process, with its own table";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        matches!(object(snapshot, "shell", 1), Some(Object::Terminal(_)))
    })?;
    demo.show(&snapshot)
}

fn write_to_file(demo: &mut DemoRun<'_>, session: &mut ShellSession) -> check::Result {
    demo.step("The command does not notice")?;
    demo.explain(
        "The command reads a line from 0 and calls write(2) on 1, as before. The shell has opened the file before \
         the command's first instruction ran. That is why a shell can redirect every program, and no program needs \
         an option for it.",
    )?;
    session.user.send(b"hello\n")?;
    let written = session.folder.wait_for_contents("a.txt", b"hello\n", demo.deadlines());
    demo.verify_ok("\"hello\" is in a.txt", written)?;
    let seen = session.user.expect(b"hello\r\n");
    demo.verify_ok("the terminal shows what was typed, but not what the command has written", seen)?;
    let snapshot = take_snapshot(&session.shown(demo)?)?;
    if let Some(open) = snapshot.row("command", 1).and_then(|row| row.open) {
        let claim = "the offset of the file is now 6: there the next write begins";
        demo.verify(claim, open.offset == 6, open.offset)?;
    }
    demo.show(&snapshot)
}

fn errors_to_terminal(demo: &mut DemoRun<'_>, session: &mut ShellSession) -> check::Result {
    demo.step("Error messages still go to the terminal")?;
    demo.explain(
        "`echo-pipe nonsense > b.txt` has a wrong argument, and the command prints an error message. It writes error \
         messages to 2, which is not redirected. So the user sees them, and they do not get lost among the results \
         in the file. That is the purpose of standard error.",
    )?;
    session.end_command(demo)?;
    let wanted = format!("{}\r\n$ ", session.error_message);
    let seen = session.user.expect(wanted.as_bytes());
    let beginning = session.error_message.split(' ').take(2).collect::<Vec<_>>().join(" ");
    demo.verify_ok(format!("the terminal shows an error message that begins with \"{beginning}\""), seen)?;
    let empty = session.folder.wait_for_contents("b.txt", b"", demo.deadlines());
    demo.verify_ok("b.txt exists and is empty: the shell created it before it ran the command", empty)
}

fn both_to_one_file(demo: &mut DemoRun<'_>, session: &mut ShellSession) -> check::Result {
    demo.step("Results and errors to one file: > c.txt 2>&1")?;
    demo.explain(
        "`2>&1` makes 2 refer to whatever 1 refers to at this moment: dup2(1, 2). The shell processes redirections \
         from left to right, so 1 is already c.txt. The file was opened once. Both numbers refer to the same open \
         file description, and so they share one offset: a write through either number goes after everything \
         written so far. The line beside the box joins the two descriptors.",
    )?;
    session.user.send(b"\n")?;
    let shown = session.shown(demo)?;
    let claim = "1 and 2 of the command are c.txt, and 0 is the terminal";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| {
        [1, 2].iter().all(|&number| is_file(snapshot, session, number, "c.txt")) && is_inherited(snapshot, 0)
    })?;
    let description = |number| match snapshot.row("command", number).and_then(DescriptorRow::id) {
        Some(ObjectId::Description(number)) => Some(number),
        _ => None,
    };
    // Only some systems can compare open file descriptions.
    if let (Some(one), two) = (description(1), description(2)) {
        demo.verify(
            "kcmp(2) confirms that they share one open file description",
            Some(one) == two,
            &snapshot,
        )?;
    }
    demo.show(&snapshot)
}

fn in_the_other_order(demo: &mut DemoRun<'_>, session: &mut ShellSession) -> check::Result {
    demo.step("The order matters: 2>&1 > d.txt")?;
    demo.explain(
        "The same two redirections in the other order. First 2 becomes a duplicate of 1: the terminal, which it was \
         already. Then 1 becomes d.txt. 2 does not change: it is a duplicate of what 1 was, not a link to the \
         number 1.",
    )?;
    session.end_command(demo)?;
    let shown = session.shown(demo)?;
    let snapshot = demo.wait_until(&shown, "1 is d.txt, and 2 is still the terminal", |snapshot| {
        is_file(snapshot, session, 1, "d.txt") && is_inherited(snapshot, 2)
    })?;
    demo.show(&snapshot)?;
    session.end_command(demo)?;
    demo.verify_exit("the shell has exited with status 0", &mut session.shell)
}
