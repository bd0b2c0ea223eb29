//! Asked for any port, a server must say which one it got.

use crate::check::{self, Finding, OrFinding};
use crate::checks::Check;
use crate::checks::announcement::names;
use crate::deadline::until;
use crate::outcome::Level::Should;
use crate::server::{Instance, LaunchOptions, Server};
use crate::sys::{self, Object, SocketName};
use crate::text::excerpt;
use crate::transport::{Address, Capabilities};

pub const CHECK: Check = Check {
    id: "port/announces-real-port",
    level: Should,
    says: "a server that is asked for port 0 and names a port names the one it got",
    why: "port 0 lets the system choose a free one: whoever is told 0 can reach nobody",
    cites: &["bind(2)", "getsockname(2)", "ip(7)"],
    recipe: "start the server at port 0, find the port of its socket among its descriptors, look for it in what it prints; to refuse port 0, or to print no port, is right as well",
    needs: Capabilities::BINDS.union(Capabilities::PORT),
    run,
};

fn run(server: &mut Server) -> check::Result {
    // One that never names its port has nothing to get wrong.
    if until(server.deadlines().quiet(), || named(server))?.is_none() {
        return Ok(());
    }
    let mut asked = server.address().expect_inet().or_broken("the server at port 0")?;
    asked.set_port(0);
    let started = server.start_at(&Address::Inet(asked), &LaunchOptions::default());
    let mut instance = started.or_broken("the server at port 0")?;
    if until(server.deadlines().start(), || settled(server, &mut instance))?.is_none() || gone(&mut instance)
    {
        return Ok(());
    }
    // A moment for what is printed after the socket was made.
    let told = || {
        let text = instance.output().text();
        let real = |port: &u16| names(&text, &Address::Inet((asked.ip(), *port).into()));
        Ok(ports(server, &instance)?.iter().any(real).then_some(()))
    };
    if until(server.deadlines().reply(), told)?.is_some() {
        return Ok(());
    }
    let (has, said) = (ports(server, &instance)?, instance.output().last_lines(1).pop());
    let (Some(port), Some(said)) = (has.first(), said) else { return Ok(()) };
    let wanted = format!("port {port} announced, at which it can be reached");
    let actual = format!("it was asked for port 0, and says {}", excerpt(said.as_bytes()));
    Err(Finding::fail(wanted, actual).because("getsockname(2) would have told it"))
}

fn named(server: &mut Server) -> check::Result<Option<()>> {
    let text = server.instance()?.output().text();
    Ok(names(&text, server.address()).then_some(()))
}

/// It can be reached, or has given up.
fn settled(server: &Server, instance: &mut Instance) -> check::Result<Option<()>> {
    Ok((!ports(server, instance)?.is_empty() || gone(instance)).then_some(()))
}

fn gone(instance: &mut Instance) -> bool {
    instance.ended().is_some()
}

/// The ports at which `instance` can be reached; there can be others beside that of the echo.
fn ports(server: &Server, instance: &Instance) -> check::Result<Vec<u16>> {
    let mut ports = Vec::new();
    for process in instance.processes().or_unsupported("the server's processes")? {
        let table = server.descriptors(process.pid)?;
        ports.extend(table.iter().filter_map(|descriptor| reachable_at(&descriptor.object)));
    }
    Ok(ports)
}

fn reachable_at(object: &Object) -> Option<u16> {
    let Object::Socket(sys::Socket { name, listening: true, .. }) = object else { return None };
    match name {
        SocketName::Tcp(local, _) | SocketName::Udp(local, _) => Some(local.port()).filter(|&port| port != 0),
        _ => None,
    }
}
