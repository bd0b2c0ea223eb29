//! The steps about the server's processes: signals, freeze and thaw, restarts, a second instance.

use std::fs;

use crate::check::{self, Finding, OrFinding};
use crate::scene::occupant::Occupant;
use crate::scene::stage::Stage;
use crate::scene::stream::ReadPipe;
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::transport::Capabilities;

/// The capabilities of a server that is one process for all its clients, so that it can be signalled before any connects.
const SHARED: Capabilities = Capabilities::MANY_CLIENTS;

pub const VERBS: &[Verb] = &[
    Verb::new("server gets SIGNAL", "The launched process of the server gets this signal.", Run::Stage(signal)),
    Verb::new("server is frozen", "The server is stopped with SIGSTOP. All that clients do reaches it when it is thawed.", Run::Stage(freeze)),
    Verb::new("server is thawed", "The server continues.", Run::Stage(thaw)),
    Verb::new("server is killed", "All processes of the server are killed with SIGKILL.", Run::Stage(kill)),
    Verb::new("server is started again", "The server, if it still runs, is killed; it is launched again at its address, and must become ready.", Run::Stage(restart)).needs(SHARED),
    Verb::new("second server starts", "A second instance of the server is launched at the same address.", Run::Stage(start_second)).needs(SHARED.union(Capabilities::BINDS)),
    Verb::new("second server gets SIGNAL", "The second instance gets this signal.", Run::Stage(signal_second)),
    Verb::new("server finds STREAM full", "The harness reads the pipe no more, and fills it: a write of the server blocks.", Run::Stage(fill_stream)),
    Verb::new("server loses the reader of STREAM", "The harness closes the read end of the pipe: a write of the server fails with EPIPE, after SIGPIPE.", Run::Stage(close_stream)),
    Verb::new("socket file is removed", "The harness removes the server's socket file.", Run::Stage(remove_socket_file)).needs(Capabilities::SOCKET_PATH),
    Verb::new("socket file is replaced", "The harness removes the server's socket file, and listens at its path itself up to the end of the scene.", Run::Stage(replace_socket_file)).needs(Capabilities::SOCKET_PATH.union(Capabilities::STREAM)),
];

fn signal(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.server.send_signal(step.signal(0))
}

fn freeze(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    stage.server.freeze()
}

fn thaw(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    stage.server.thaw()
}

fn kill(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    stage.server.crash();
    Ok(())
}

fn restart(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    stage.server.restart_for_check()
}

fn start_second(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    let (address, options) = (stage.server.address(), stage.server.options());
    stage.second = Some(stage.server.start_at(address, &options).or_broken("a second instance")?);
    Ok(())
}

fn signal_second(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.second()?.signal(step.signal(0)).or_broken("a signal sent")
}

fn fill_stream(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    pipe(stage, step)?.fill().or_broken("a full standard stream")
}

fn close_stream(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    pipe(stage, step)?.close().or_broken("a standard stream without reader")
}

fn pipe<'s>(stage: &'s mut Stage<'_>, step: &Arguments) -> check::Result<&'s mut ReadPipe> {
    let pipe = stage.streams.pipe(step.number(0));
    pipe.ok_or_else(|| Finding::broken("a pipe that the scene reads", "the head names none"))
}

fn remove_socket_file(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    let path = stage.server.address().expect_path().or_broken("a socket file")?;
    fs::remove_file(path).or_broken("the socket file removed")
}

fn replace_socket_file(stage: &mut Stage<'_>, _: &Arguments) -> check::Result {
    let path = stage.server.address().expect_path().or_broken("a socket file")?.to_owned();
    stage.occupant = Some(Occupant::take(&path).or_broken("the socket file replaced")?);
    Ok(())
}
