//! TCP does not say which side sends first: the protocol must.

use super::support::tcp_table::{self, connections_between};
use super::support::{
    Demo, DemoRun, TCP_CLIENT, TcpClient, accept, launch_server, listen, select_clients, take_snapshot,
    tcp_address,
};
use crate::check;
use crate::diagram::ProcessSelection;
use crate::sys::TcpState;

pub(super) const DEMO: Demo = Demo {
    name: "greeting",
    summary: "a server that sends first, and two sides that wait for each other",
    run,
};

const GREETING: &[u8] = b"hello from the server\n";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    server_sends_first(demo)?;
    neither_sends_first(demo)
}

fn server_sends_first(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("The server sends first")?;
    demo.explain(&format!(
        "The first server of many textbooks calls accept(2), writes one line, and calls close(2). Here this demo is \
         that server. The client, {TCP_CLIENT}, is another process. Its standard input is silent, so it calls \
         connect(2) and read(2), and sends nothing.",
    ))?;
    let (listener, address) = listen()?;
    let mut client = TcpClient::launch(address, None, demo.deadlines())?;
    let mut connection = accept(&listener, demo.deadlines())?;
    let server = select_clients("server", [&connection]).and_descriptor(&listener);
    let shown = [server, ProcessSelection::sockets("client", client.pid())];
    let claim = "they are connected, and neither has written yet";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| snapshot.shared.len() == 1)?;
    demo.show(&snapshot)?;
    let local = snapshot.process("client").and_then(|process| process.tcp_sockets().next()?.local_address());
    connection.send(GREETING)?;
    // The client has sent nothing, so no data is unread, and close(2) sends a FIN.
    drop(connection);
    let read = client.stdio.expect(GREETING);
    demo.verify_ok("the client reads \"hello from the server\", and has not sent a byte", read)?;
    demo.verify_ok("then it reads end of file: the server has closed", client.stdio.expect_eof())?;
    demo.verify_exit("the client exits by itself, with exit status 0", &mut client.instance)?;
    demo.explain(
        "This is a complete protocol: the server sends first, and the end of the connection is the end of the message. \
         Servers for mail (SMTP), files (FTP) and remote logins (SSH) send first too. Web servers (HTTP) and echo \
         servers wait for a request. `echospec check` finds out which kind a server is: the check \
         echo/nothing-unasked fails for a server that sends first.",
    )?;
    let Some(local) = local else { return Ok(()) };
    let snapshot =
        take_snapshot(&[ProcessSelection::select_this_process("server").and_descriptor(&listener)])?;
    demo.explain(
        "The side that closes first keeps the connection in the state TIME_WAIT (see the demo time-wait). A server \
         that always closes first collects many of them:",
    )?;
    let claim = "the server's end of the connection is in TIME_WAIT";
    let table = tcp_table::read_until(demo, address, &[local], claim, |table| {
        let ends = connections_between(table, address, local);
        matches!(ends[..], [end] if end.local == address && end.state == TcpState::TimeWait)
    })?;
    tcp_table::show_table(demo, table, &snapshot)
}

fn neither_sends_first(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("Neither sends first")?;
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    let mut client = TcpClient::launch(tcp_address(&server)?, None, demo.deadlines())?;
    demo.explain(
        "Now the same client connects to echo-tcp, which answers but never sends first. If the client expects a \
         greeting, each side waits for the other. This is a deadlock, but the connection has no fault, and no error \
         will ever be reported: TCP carries bytes, and does not know which side should send next.",
    )?;
    let shown = [
        ProcessSelection::sockets("server", server.pid()?),
        ProcessSelection::sockets("client", client.pid()),
    ];
    let snapshot = demo.wait_until(&shown, "they are connected", |snapshot| snapshot.shared.len() == 1)?;
    let silent = !client.stdio.readable_within(demo.deadlines().quiet())?;
    demo.verify("no byte arrives", silent, "a byte has arrived")?;
    demo.wait_until_blocked(client.pid(), "wait", "the client is blocked in read(2) on its socket")?;
    demo.show(&snapshot)?;
    demo.explain(
        "(The lower edge of the server's box shows where its main thread is blocked: in accept(2), for the next client. \
         The thread that serves this client is blocked in read(2), like the client.) One side has to send first:",
    )?;
    demo.verify_ok("the client sends \"hello?\", and gets it back", client.stdio.exchange(b"hello?"))
}
