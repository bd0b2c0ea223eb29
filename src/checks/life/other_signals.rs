//! Reports what SIGHUP, SIGINT and a second SIGTERM do to a server.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::steps::check_launched_again;
use crate::outcome::Level::May;
use crate::server::{Server, describe_exit};
use crate::sys;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "life/other-signals",
    level: May,
    sentence: "SIGHUP, SIGINT and a second SIGTERM end the server, as they do by default",
    why: "a server may mean to outlive its terminal, Ctrl-C or an impatient administrator, and its user should know that; a server that crashes at a second SIGTERM leaves its work half done",
    citations: &["signal(7)", "daemon(7)", "systemd.kill(5) (SendSIGHUP=)"],
    recipe: "start the server, exchange a message, and send SIGHUP; report whether it ends, with which status, or serves on, and whether it ignores the signal; do the same with SIGINT; leave out the signal at which it is said to reload; start it once more, connect a client, and send SIGTERM twice",
    requires: Capabilities::MANY_CLIENTS.union(Capabilities::LAUNCHED),
    run,
};

fn run(server: &mut Server) -> check::Result {
    let mut told = Vec::new();
    let reload = server.spec().setup().reload;
    for signal in [Signal::SIGHUP, Signal::SIGINT].into_iter().filter(|&signal| Some(signal) != reload) {
        check_launched_again(server, &format!("at {signal}"), |server| {
            told.extend(effect(server, signal)?.map(|effect| format!("{signal}: {effect}")));
            Ok(())
        })?;
    }
    let stop = server.spec().setup().stop;
    check_launched_again(server, &format!("at a second {stop}"), |server| {
        told.extend(effect_of_second(server, stop)?.map(|effect| format!("a second {stop}: {effect}")));
        Ok(())
    })?;
    if told.is_empty() {
        return Ok(());
    }
    Err(Finding::info("the default action of each signal: the server ends", told.join("; ")))
}

/// Sends `signal` to the server. Describes the effect, unless the server ends by the signal or with the usual status.
fn effect(server: &mut Server, signal: Signal) -> check::Result<Option<String>> {
    server.connect_and_exchange()?.finish()?;
    server.await_reaction()?;
    let instance = server.instance()?;
    let ignored = sys::signal_sets(instance.pid()).map(|sets| sets.ignored >> (signal as i32 - 1) & 1 == 1);
    instance.signal(signal).or_broken(format!("{signal} sent"))?;
    let (quiet, limit) = (server.deadlines().quiet(), server.deadlines().exit());
    if server.wait_for_exit(quiet)?.is_none() {
        let serves = server.connect_and_exchange().is_ok();
        // A server may serve for a moment while it shuts down.
        let wait = if serves { quiet } else { limit };
        if server.wait_for_exit(wait)?.is_none() {
            return Ok(Some(match (serves, ignored) {
                (false, _) => "the server neither ends nor serves".into(),
                (true, Ok(true)) => "the server ignores it, and serves on".into(),
                (true, Ok(false)) => "the server catches or blocks it, and serves on".into(),
                (true, Err(_)) => "the server serves on".into(),
            }));
        }
    }
    Ok(server.instance()?.ended().and_then(|status| unusual(status, signal)))
}

/// Sends the signal `stop` twice to the server while a client is connected. Describes the effect, unless the server
/// ends by the signal or with the usual status.
fn effect_of_second(server: &mut Server, stop: Signal) -> check::Result<Option<String>> {
    let _client = server.connect_and_hold()?;
    server.instance()?.signal(stop).or_broken(format!("{stop} sent"))?;
    server.instance()?.signal(stop).or_broken(format!("{stop} sent"))?;
    let limit = server.deadlines().exit();
    let ended = server.wait_for_exit(limit)?;
    // life/ends-on-sigterm reports a server that one signal does not end.
    Ok(ended.and_then(|status| unusual(status, stop)))
}

fn unusual(status: ExitStatus, signal: Signal) -> Option<String> {
    let number = signal as i32;
    let usual = status.signal() == Some(number) || [Some(0), Some(128 + number)].contains(&status.code());
    (!usual).then(|| format!("the server ends: {}", describe_exit(status)))
}
