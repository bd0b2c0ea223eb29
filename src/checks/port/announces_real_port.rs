//! Checks that a server started on port 0 announces the port that the system chose.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::announcement::contains_address;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{Instance, LaunchOptions, Server};
use crate::sys::{self, Object, SocketName};
use crate::text::excerpt;
use crate::transport::{Address, Capabilities};

pub const CHECK: Check = Check {
    id: "port/announces-real-port",
    level: Should,
    sentence: "a server that is asked for port 0, and announces a port, announces the port that it got",
    why: "port 0 lets the system choose a free port, and a user who is told port 0 cannot connect",
    citations: &["bind(2)", "getsockname(2)", "ip(7)"],
    recipe: "start the server on port 0; find its port among the sockets of its processes; look for that number in its output; a server that refuses port 0, or announces no port, passes as well",
    requires: Capabilities::BINDS.union(Capabilities::ANY_ADDRESS).union(Capabilities::PORT),
    run,
};

fn run(server: &mut Server) -> check::Result {
    // A server may print its announcement after it listens, but before it serves.
    drop(server.connect_and_exchange());
    server.await_reaction()?;
    // A server that never announces its port passes.
    if until(server.deadlines().quiet(), || announced(server))?.is_none() {
        return Ok(());
    }
    let mut port_zero = server.address().expect_inet().or_broken("the server at port 0")?;
    port_zero.set_port(0);
    let started = server.start_at(&Address::Inet(port_zero), &LaunchOptions::default());
    let mut instance = started.or_broken("the server at port 0")?;
    if until(server.deadlines().start(), || listens_or_exits(server, &mut instance))?.is_none()
        || has_exited(&mut instance)
    {
        return Ok(());
    }
    // The server may print the port some time after it has bound it.
    let announces_real_port = || {
        let text = instance.output().text();
        let is_announced =
            |port: &u16| contains_address(&text, &Address::Inet((port_zero.ip(), *port).into()));
        Ok(ports(server, &instance)?.iter().any(is_announced).then_some(()))
    };
    if until(server.deadlines().reply(), announces_real_port)?.is_some() {
        return Ok(());
    }
    let (listening, last_line) = (ports(server, &instance)?, instance.output().last_lines(1).pop());
    let (Some(port), Some(last_line)) = (listening.first(), last_line) else { return Ok(()) };
    let wanted = format!("port {port} announced, on which it listens");
    let actual = format!("it was asked for port 0, and prints {}", excerpt(last_line.as_bytes()));
    Err(Finding::fail(wanted, actual).because("getsockname(2) returns the port that the system chose"))
}

/// Returns `Some` once the server has printed the number of its port.
fn announced(server: &mut Server) -> check::Result<Option<()>> {
    let text = server.instance()?.output().text();
    Ok(contains_address(&text, server.address()).then_some(()))
}

/// Returns `Some` once another `instance` of the server listens or has exited.
fn listens_or_exits(server: &Server, instance: &mut Instance) -> check::Result<Option<()>> {
    Ok((!ports(server, instance)?.is_empty() || has_exited(instance)).then_some(()))
}

fn has_exited(instance: &mut Instance) -> bool {
    instance.ended().is_some()
}

/// Returns the ports on which an `instance` of the server listens. It may listen on others beside that of the echo.
fn ports(server: &Server, instance: &Instance) -> check::Result<Vec<u16>> {
    let mut ports = Vec::new();
    for process in instance.processes().or_unsupported("the server's processes")? {
        let table = server.descriptors(process.pid)?;
        ports.extend(table.iter().filter_map(|descriptor| listening_port(&descriptor.object)));
    }
    Ok(ports)
}

fn listening_port(object: &Object) -> Option<u16> {
    let Object::Socket(sys::Socket { name, listening: true, .. }) = object else { return None };
    match name {
        SocketName::Tcp(local, _) | SocketName::Udp(local, _) => Some(local.port()).filter(|&port| port != 0),
        _ => None,
    }
}
