//! One program, two processes: fork(2), and what becomes of the descriptors.

use std::io;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::Demo;
use super::access::AccessMode;
use super::inheritance;
use super::launch::{send, server_by};
use super::picture::{Actor, Condition, Picture, Player, Row, unseen};
use super::story::Story;
use crate::check::{self, Finding};
use crate::deadline::until;
use crate::server::Server;
use crate::sys;
use crate::transport::Client;

pub(super) const DEMO: Demo = Demo {
    name: "fork",
    says: "parent and child: what is copied, what is shared, and what exec closes",
    run,
};

fn run(story: &mut Story<'_>) -> check::Result {
    let mut family = Family::launch(story)?;
    after_the_fork(story, &family)?;
    a_message_goes_round(story, &mut family)?;
    the_parent_passes_the_end_on(story, &mut family)?;
    the_child_ends(story, &family)?;
    the_child_is_reaped(story, &mut family)?;
    inheritance::tell(story)
}

/// What the parent finds in its environment.
const VARIABLE: (&str, &str) = ("GREETING", "hello");

/// `echo-fork`: a parent that has forked a child, and their client.
struct Family {
    server: Server,
    client: Client,
    parent: Pid,
    child: Pid,
}

impl Family {
    fn launch(story: &Story<'_>) -> check::Result<Family> {
        let variable = format!("{}={}", VARIABLE.0, VARIABLE.1);
        let mut server = server_by(&["env", &variable], "echo-fork", "pipe", story.deadlines())?;
        let client = server.connect()?;
        let parent = server.pid()?;
        let forked = until(story.deadlines().start(), || {
            let children = sys::children(parent).map_err(|error| unseen("a list of children", &error))?;
            Ok(children.first().map(|child| child.pid))
        })?;
        let child = forked.ok_or_else(|| Finding::fail("a child of echo-fork", "it has none"))?;
        Ok(Family { server, client, parent, child })
    }

    fn cast(&self) -> [Actor; 3] {
        [
            Actor::clients("client", [&self.client]),
            Actor::new("parent", self.parent),
            Actor::new("child", self.child),
        ]
    }
}

fn after_the_fork(story: &mut Story<'_>, family: &Family) -> check::Result {
    story.step("After the fork")?;
    story.tell(
        "The program echo-fork has called pipe(2) twice and then fork(2). fork makes a copy of the calling \
         process: the same program, at the same place in it, with a copy of the descriptor table. Both copies \
         refer to the same pipes. So at that moment parent and child each held all four ends.",
    )?;
    story.tell(
        "Then each closed the two ends that are not its part. The child also moved its own two to \
         descriptors 0 and 1 with dup2(2), where its standard input and output had been. What remains is \
         one circle: client, parent, child, parent, client.",
    )?;
    story.tell(
        "The child has a copy of everything else too. The parent was started by `env GREETING=hello echo-fork`, \
         and so the child finds GREETING in its environment, as its own children would.",
    )?;
    let claim = "each of the two pipes in between has one write end and one read end, in different processes";
    story.observe(&family.cast(), claim, is_settled)?;
    inherits_the_environment(story, family)?;
    story.observe_sleep(family.child, "pipe_read", "the child sleeps in read(2)")?;
    let picture = story.observe(&family.cast(), "the kernel names one as the other's parent", |picture| {
        picture.player("child").is_some_and(|child| child.parent == Some(family.parent))
    })?;
    story.show(&picture)
}

/// Claims nothing where the system does not show environments.
fn inherits_the_environment(story: &mut Story<'_>, family: &Family) -> check::Result {
    let (name, value) = VARIABLE;
    let has = |pid| sys::has_env_var(pid, name, value);
    match has(family.parent).and_then(|parent| Ok(parent && has(family.child)?)) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(unseen("the environment of a process", &error)),
        Ok(both) => {
            story.claim(format!("parent and child both have {name}={value}"), both, "one of them has not")
        }
    }
}

/// Whether every unused end is closed: the child holds but its standard descriptors, and the pipes at its 0
/// and 1 each have exactly one other end, the parent's.
fn is_settled(picture: &Picture) -> bool {
    let numbers = picture.player("child").map(Player::numbers);
    numbers.is_some_and(|numbers| numbers == [0, 1, 2])
        && [0, 1].iter().all(|&number| far_end(picture, number).is_some())
}

/// The parent's end of the pipe at the child's descriptor `number`, if nobody else holds one.
fn far_end(picture: &Picture, number: i32) -> Option<(&Player, &Row)> {
    let shared = picture.row("child", number)?.shared()?;
    let mut others = picture.holders(shared);
    others.retain(|(player, _)| player.role != "child");
    match others[..] {
        [(player, row)] if player.role == "parent" && complement(row, number) => Some((player, row)),
        _ => None,
    }
}

/// Whether `row` can be the other end of a standard input or output, as far as the system tells.
fn complement(row: &Row, number: i32) -> bool {
    let wanted = if number == 0 { AccessMode::WriteOnly } else { AccessMode::ReadOnly };
    row.access.is_none_or(|access| access == wanted)
}

fn a_message_goes_round(story: &mut Story<'_>, family: &mut Family) -> check::Result {
    story.step("A message goes round")?;
    story.tell(
        "The client writes to the parent's standard input. The parent reads that and writes it into the \
         first pipe; the child reads it there as its own standard input, and writes it to its standard \
         output, the second pipe; the parent reads it there, and writes it to the client. Each process has \
         a memory of its own since fork(2): what the one changes there the other never sees. Only what goes \
         through the pipes reaches it. (The parent has a thread for each direction, or it could be stuck \
         writing while the child waits for it to read. Under its box is where its main thread sleeps.)",
    )?;
    let echoed = family.client.exchange(b"hello, child\n");
    story.proven("\"hello, child\" came back by way of the child", echoed)
}

fn the_parent_passes_the_end_on(story: &mut Story<'_>, family: &mut Family) -> check::Result {
    story.step("The parent passes the end of file on")?;
    story.tell(
        "To see what would be over in a moment, the child is stopped first (SIGSTOP). The client closes its \
         write end. The parent's read(2) returns 0, end of file, and the parent closes the only write end \
         of the pipe to the child: it passes the end on. The pipe now has no writer any more, and end of \
         file lies ready at the child's descriptor 0.",
    )?;
    send(family.child, Signal::SIGSTOP)?;
    story.observe_stop(family.child, "the child is stopped")?;
    family.client.shut_down_write()?;
    let claim = "the parent's write end is gone: nobody can write to the child's descriptor 0";
    let picture = story.observe(&family.cast(), claim, |picture| picture.joins(&[("child", 0)]))?;
    story.show(&picture)
}

fn the_child_ends(story: &mut Story<'_>, family: &Family) -> check::Result {
    story.step("The child ends, and is a zombie")?;
    story.tell(
        "Now the parent is stopped, and the child goes on (SIGCONT). It reads 0, and ends. The \
         kernel closes its descriptors and frees its memory, but keeps its number and its exit status for \
         the parent: until the parent asks, the child is a zombie.",
    )?;
    send(family.parent, Signal::SIGSTOP)?;
    story.observe_stop(family.parent, "the parent is stopped")?;
    send(family.child, Signal::SIGCONT)?;
    let claim = "the child has ended, and the kernel still lists it as the parent's";
    let picture = story.observe(&family.cast(), claim, |picture| {
        picture
            .player("child")
            .is_some_and(|child| child.condition == Condition::Zombie && child.parent == Some(family.parent))
    })?;
    story.show(&picture)
}

fn the_child_is_reaped(story: &mut Story<'_>, family: &mut Family) -> check::Result {
    story.step("The child is reaped")?;
    story.tell(
        "The parent goes on. The second pipe has no writer any more, so the parent reads end of file there \
         too, and calls waitpid(2), which returns the child's exit status and lets the kernel forget the \
         child. Then the parent ends; its own parent, this demo, will reap it next.",
    )?;
    send(family.parent, Signal::SIGCONT)?;
    let claim = "the child's number is in the process table no more";
    let is_gone = |player: &Player| player.condition == Condition::Gone;
    story.observe(&family.cast(), claim, |picture| picture.player("child").is_some_and(is_gone))?;
    let status = family.server.instance()?.wait(story.deadlines().exit());
    let seen = status.map_or("it lives on".into(), crate::server::describe);
    story.claim(
        "the parent has ended with exit status 0",
        status.is_some_and(|status| status.success()),
        seen,
    )?;
    story.proven("end of file has reached the client", family.client.expect_eof())?;
    let picture = Picture::take(&family.cast())?;
    story.show(&picture)
}
