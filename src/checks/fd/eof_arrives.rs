//! End of file comes when the last copy of the write end is closed, and not before.

use crate::check::{self, Finding};
use crate::checks::{Check, talk};
use crate::outcome::Level::Must;
use crate::server::Server;
use crate::transport::Capabilities;

pub const CHECK: Check = Check {
    id: "fd/eof-arrives",
    level: Must,
    says: "a client that ends its direction gets end of file while another client stays connected",
    why: "a copy of the connection left open in a parent, child or sibling means that no FIN is ever sent",
    cites: &["close(2)", "fork(2)", "RFC 9293 §3.6"],
    recipe: "connect A and B and exchange with both, end A's write side, expect end of file at A, exchange with B again",
    needs: Capabilities::CONNECTIONS.union(Capabilities::MANY_CLIENTS).union(Capabilities::HALF_CLOSE),
    run: beside_another,
};

pub const STDIO: Check = Check {
    id: "fd/eof-ends-it",
    level: Must,
    says: "end of file on standard input ends the server: its output ends, and its process too",
    why: "a write end left open in the server or its child means that end of file never comes, and the pipeline hangs",
    cites: &["pipe(7)", "fork(2)", "close(2)"],
    recipe: "send a line, close the server's standard input, expect the line, end of file and the process's end",
    needs: Capabilities::STDIO,
    run: of_the_process,
};

fn beside_another(server: &mut Server) -> check::Result {
    let offers = server.spec().offers();
    let mut a = talk::answered(server)?;
    // A server of one client after another gives B its turn only once A has gone.
    let b = if talk::at_once(server)? { Some(talk::answered(server)?) } else { None };
    a.finish(offers)?;
    b.map_or(Ok(()), |mut b| b.exchange(b"still here"))
}

fn of_the_process(server: &mut Server) -> check::Result {
    let mut client = server.connect()?;
    // A filter that gathers tells all it has at the end, and one of lines adds no newline to this one.
    client.send(b"the last words\n")?;
    client.shut_down_write()?;
    client.expect(b"the last words\n")?;
    client.expect_eof()?;
    let limit = server.deadlines().exit();
    match server.instance()?.wait(limit) {
        Some(_) => Ok(()),
        None => {
            Err(Finding::timeout("the end of the process", format!("alive after {} s", limit.as_secs_f64())))
        }
    }
}
