//! `A | B`: two processes joined by a pipe. pipe(7).

use std::os::fd::OwnedFd;

use nix::sys::signal::Signal;

use super::Demo;
use super::launch::{program, unlaunched};
use super::picture::{Actor, Picture, Player};
use super::story::Story;
use crate::patience::Patience;
use crate::payload::{MIB, payload};
use crate::server::Instance;
use crate::transport::{Client, pipe_pair};
use crate::verdict::{Finding, Verdict, count};

pub(super) const DEMO: Demo = Demo {
    name: "pipe",
    says: "A | B, two processes joined by a pipe: empty, full, ended, never ending",
    run,
};

/// The program that plays both A and B.
const PROGRAM: &str = "echo-pipe";

fn run(story: &mut Story<'_>) -> Verdict {
    let mut line = Pipeline::launch(story.patience())?;
    at_rest(story, &line)?;
    a_message_travels(story, &mut line)?;
    the_pipe_is_full(story, &mut line)?;
    the_writer_closes(story, line)?;
    the_reader_goes(story)?;
    a_stray_end_stays_open(story)
}

/// The client, A, and B, joined in a circle by three pipes.
struct Pipeline {
    // Dropped in this order: at the end of their input the programs end by themselves.
    client: Client,
    /// A second write end of the pipe from A to B, held by this process.
    stray: Option<OwnedFd>,
    a: Instance,
    b: Instance,
}

impl Pipeline {
    fn launch(patience: Patience) -> Verdict<Pipeline> {
        let mut line = Pipeline::launch_with_stray_end(patience)?;
        line.stray = None;
        Ok(line)
    }

    fn launch_with_stray_end(patience: Patience) -> Verdict<Pipeline> {
        let broken = |error: std::io::Error| Finding::broken("three pipes", error.to_string());
        let (link, a_input, b_output) = pipe_pair().map_err(broken)?;
        let (b_input, a_output) = os_pipe::pipe().map_err(broken)?;
        let stray = a_output.try_clone().map_err(broken)?;
        let start = |input: OwnedFd, output: OwnedFd| {
            Instance::between(program(PROGRAM)?, input, output).map_err(|error| unlaunched(PROGRAM, &error))
        };
        let a = start(a_input, a_output.into())?;
        let b = start(b_input.into(), b_output)?;
        Ok(Pipeline { client: Client::new(link, patience), stray: Some(stray.into()), a, b })
    }

    fn cast(&self) -> [Actor; 3] {
        let client = Actor::clients("client", [&self.client]);
        let client = self.stray.iter().fold(client, Actor::and);
        [client, Actor::new("A", self.a.pid()), Actor::new("B", self.b.pid())]
    }
}

fn a_and_b_are_joined(picture: &Picture) -> bool {
    picture.joins(&[("A", 1), ("B", 0)])
}

fn at_rest(story: &mut Story<'_>, line: &Pipeline) -> Verdict {
    story.step("Two programs at rest")?;
    story.tell(
        "A shell that reads `A | B` calls pipe(2) once. The kernel makes a buffer and gives back two \
         descriptors: what is written to one is read from the other. Then the shell calls fork(2) for each \
         program, and in the new process dup2(2): the write end becomes A's descriptor 1, its standard \
         output, and the read end becomes B's descriptor 0, its standard input. Only then does execve(2) \
         load the program, which need not know that it speaks to a pipe.",
    )?;
    story.tell(
        "This demo has done the same with two processes of the program echo-pipe, which copies its input \
         to its output, and has made two pipes more, so that it can play the client itself. Every line \
         beside the boxes is one pipe. The number behind the word pipe is the kernel's own name for it, and \
         both ends show the same one.",
    )?;
    let joined =
        "A's descriptor 1 and B's descriptor 0 are the two ends of one pipe, held by nobody else here";
    story.observe(&line.cast(), joined, a_and_b_are_joined)?;
    story.observe_sleep(line.a.pid(), "pipe_read", "A sleeps in read(2), for its pipe is empty")?;
    story.observe_sleep(line.b.pid(), "pipe_read", "B sleeps in read(2) too")?;
    let ring = "the client's two descriptors are the far ends of A's standard input and B's standard output";
    let picture = story.observe(&line.cast(), ring, is_a_ring)?;
    story.show(&picture)
}

fn is_a_ring(picture: &Picture) -> bool {
    let ends = picture.player("client").map(Player::numbers).unwrap_or_default();
    let joined = |end: i32, far: (&str, i32)| picture.joins(&[("client", end), far]);
    ends.iter().any(|&end| joined(end, ("A", 0))) && ends.iter().any(|&end| joined(end, ("B", 1)))
}

fn a_message_travels(story: &mut Story<'_>, line: &mut Pipeline) -> Verdict {
    story.step("A message travels")?;
    story.tell(
        "The client calls write(2) with 12 bytes. The kernel copies them into the first pipe and wakes A, \
         whose read(2) returns with them. A's write(2) puts them into the second pipe and wakes B, and B's \
         write(2) puts them into the third, from which the client reads them. The bytes have been copied \
         into the kernel three times and out of it three times; no process has seen another's memory.",
    )?;
    let message = b"hello, pipe\n";
    let echoed = line.client.exchange(message);
    story.proven("\"hello, pipe\" came back through A and B, byte for byte", echoed)
}

fn the_pipe_is_full(story: &mut Story<'_>, line: &mut Pipeline) -> Verdict {
    story.step("The pipe is full")?;
    story.tell(
        "Now B is stopped with the signal SIGSTOP, so it reads no more, and the client writes as much as it \
         can.",
    )?;
    let bytes = payload(MIB, 0, 0);
    let sent = fill(story, line, &bytes)?;
    let went_in = count(sent, "byte");
    story.claim("the client cannot write on either", sent < bytes.len(), format!("all {went_in} went in"))?;
    story.tell(&format!(
        "{went_in} went in. First they filled the pipe from A to B. That put A to sleep in write(2), with the \
         rest of what it had read still in its memory. So A reads no more either, and what came after \
         filled the pipe from the client to A. This is back-pressure: a slow reader slows down everyone who \
         writes to it, however long the chain, and no program needs a line of code for it. The descriptors \
         show nothing of it. Only the place in the kernel where A sleeps has changed, as the lower edge of \
         its box says.",
    ))?;
    let picture =
        story.observe(&line.cast(), "the pipes join the same descriptors as before", |picture| {
            a_and_b_are_joined(picture) && is_a_ring(picture)
        })?;
    story.show(&picture)?;
    story.tell("SIGCONT wakes B. It reads, there is room again, and A's write(2) returns.")?;
    signal(&line.b, Signal::SIGCONT)?;
    let returned = line.client.expect(&bytes[..sent]);
    story.proven(format!("all {went_in} came back in order: none was lost"), returned)
}

/// Stops B and writes until neither A nor the client can go on; answers how many bytes went in.
fn fill(story: &mut Story<'_>, line: &mut Pipeline, bytes: &[u8]) -> Verdict<usize> {
    signal(&line.b, Signal::SIGSTOP)?;
    story.observe_stop(line.b.pid(), "B is stopped")?;
    let before = line.client.stuff(bytes)?;
    story.observe_sleep(line.a.pid(), "pipe_write", "A sleeps in write(2), for the pipe to B is full")?;
    // While A came that far it has made room once more.
    Ok(before + line.client.stuff(&bytes[before..])?)
}

fn the_writer_closes(story: &mut Story<'_>, mut line: Pipeline) -> Verdict {
    story.step("The writer closes: end of file")?;
    story.tell(
        "The client calls close(2) on its write end. It was the only one of that pipe, so A's read(2) \
         returns 0. That is all that end of file is: not a byte, not a signal, but the answer that there is \
         nothing and never will be. A ends. When a process ends, the kernel closes its descriptors, here the \
         only write end of the pipe to B. B reads 0 in its turn and ends, and so the client reads 0 too.",
    )?;
    line.client.shut_down_write()?;
    let limit = story.patience().exit();
    for (role, instance) in [("A", &mut line.a), ("B", &mut line.b)] {
        ended_well(story, role, instance, limit)?;
    }
    story.proven("the client reads end of file", line.client.expect_eof())?;
    let picture = story.observe(&line.cast(), "A and B hold no descriptor any more", |picture| {
        ["A", "B"].iter().all(|role| picture.player(role).is_some_and(|player| player.rows.is_empty()))
    })?;
    story.tell(
        "What is left of A and B is an entry in the process table, with their exit status: a zombie, until \
         the parent asks for it with waitpid(2).",
    )?;
    story.show(&picture)
}

fn ended_well(
    story: &mut Story<'_>,
    role: &str,
    instance: &mut Instance,
    limit: std::time::Duration,
) -> Verdict {
    let status = instance.wait(limit);
    let claim = format!("{role} ended by itself, with exit status 0");
    let seen = status.map_or("it lives on".into(), crate::server::describe);
    story.claim(claim, status.is_some_and(|status| status.success()), seen)
}

fn the_reader_goes(story: &mut Story<'_>) -> Verdict {
    story.step("The reader goes: SIGPIPE and EPIPE")?;
    let mut line = Pipeline::launch(story.patience())?;
    story.tell(
        "A new A and a new B; but this time B, the reader, is killed. The kernel closes its descriptors, \
         and with them the only read end of the pipe. A notices nothing: it sleeps in read(2) on its other \
         pipe.",
    )?;
    let limit = story.patience().exit();
    line.b.kill_leader(limit).map_err(|error| Finding::broken("B killed", error.to_string()))?;
    let alone = "A's descriptor 1 is a pipe whose read end nobody holds";
    let picture = story.observe(&line.cast(), alone, |picture| picture.joins(&[("A", 1)]))?;
    story.show(&picture)?;
    story.tell(
        "Then the client sends a message. A reads it, and when it calls write(2) on a pipe without readers, \
         the kernel sends it SIGPIPE, which ends a program that has not asked otherwise: so `yes | head -1` \
         comes to an end. A program that ignores SIGPIPE gets the error EPIPE from write(2) instead. \
         echo-pipe does so, as Rust programs do by default, and ends of its own accord.",
    )?;
    line.client.send(b"is anybody there?\n")?;
    ended_well(story, "A", &mut line.a, limit)?;
    let waits = line.client.link().writer().is_some();
    story.claim(
        "nobody had closed A's input: it was the write that ended it",
        waits,
        "the client had closed it",
    )
}

fn a_stray_end_stays_open(story: &mut Story<'_>) -> Verdict {
    story.step("A stray write end: end of file never comes")?;
    let mut line = Pipeline::launch_with_stray_end(story.patience())?;
    story.tell(
        "The commonest mistake with pipes. Once more a new A and B, but the client has kept a copy of the \
         write end that it gave to A, as a shell would that forgot to close it after fork(2). The client \
         closes the write end of the pipe to A; A reads end of file and ends. B does not: a pipe is at its \
         end only when every copy of its write end is closed, whoever holds it, used or not. The line from \
         the client to B is what keeps B waiting.",
    )?;
    line.client.shut_down_write()?;
    ended_well(story, "A", &mut line.a, story.patience().exit())?;
    story.observe_sleep(line.b.pid(), "pipe_read", "B still sleeps in read(2)")?;
    let picture = story.observe(
        &line.cast(),
        "the only other end of the pipe at B's descriptor 0 is the client's stray one",
        |picture| {
            let ends = picture.player("client").map(Player::numbers).unwrap_or_default();
            ends.iter().any(|&end| picture.joins(&[("client", end), ("B", 0)]))
        },
    )?;
    let silent = !line.client.hears_within(story.patience().stall())?;
    story.claim("no end of file comes out of B", silent, "something came")?;
    story.show(&picture)?;
    story.tell("At last the client closes the stray end, and everything ends as it should have at once.")?;
    line.stray = None;
    ended_well(story, "B", &mut line.b, story.patience().exit())?;
    story.proven("the client reads end of file", line.client.expect_eof())
}

fn signal(instance: &Instance, signal: Signal) -> Verdict {
    instance.signal(signal).map_err(|error| Finding::broken(format!("{signal} sent"), error.to_string()))
}
