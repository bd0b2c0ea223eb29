//! Who speaks first? TCP does not say: the protocol must.

use super::support::{
    Demo, DemoRun, TCP_CLIENT, TcpClient, accept, launch_server, listen, select_clients, take_snapshot,
    tcp_address,
    tcp_table::{self, between},
};
use crate::check;
use crate::diagram::Selection;
use crate::sys::TcpState;

pub(super) const DEMO: Demo =
    Demo { name: "greeting", says: "a server that speaks first, and two who wait for each other", run };

const GREETING: &[u8] = b"hello from the server\n";

fn run(demo: &mut DemoRun<'_>) -> check::Result {
    the_server_speaks_first(demo)?;
    nobody_speaks_first(demo)
}

fn the_server_speaks_first(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("The server speaks first")?;
    demo.explain(&format!(
        "The first server of many textbooks: it calls accept(2), writes one line, and calls close(2). This demo plays it. \
         The client, {TCP_CLIENT}, is a process of its own with nothing on its standard input: it calls connect(2) and \
         read(2), and writes nothing.",
    ))?;
    let (listener, address) = listen()?;
    let mut client = TcpClient::launch(address, None, demo.deadlines())?;
    let mut served = accept(&listener, demo.deadlines())?;
    let server = select_clients("server", [&served]).and(&listener);
    let shown = [server, Selection::sockets("client", client.pid())];
    let claim = "they are connected, and neither has written yet";
    let snapshot = demo.wait_until(&shown, claim, |snapshot| snapshot.shared.len() == 1)?;
    demo.show(&snapshot)?;
    let local = snapshot.process("client").and_then(|process| process.tcp_sockets().next()?.local_address());
    served.send(GREETING)?;
    // Orderly: what the client has sent, nothing, has been read to the end.
    drop(served);
    let read = client.stdio.expect(GREETING);
    demo.verify_ok("the client reads \"hello from the server\", and has not sent a byte", read)?;
    demo.verify_ok("then it reads end of file: the server has closed", client.stdio.expect_eof())?;
    demo.verify_exit("and ends by itself, with exit status 0", &mut client.instance)?;
    demo.explain(
        "That is a protocol: the server begins, and the end of the connection is the end of the message. Servers for \
         mail (SMTP), files (FTP) and remote logins (SSH) speak first too. Those for the web (HTTP) wait to be asked, \
         and so do echo servers. `echospec check` finds out which kind it has to do with: the check \
         echo/nothing-unasked fails for a server that greets.",
    )?;
    let (Some(local), snapshot) =
        (local, take_snapshot(&[Selection::this_process("server").and(&listener)])?)
    else {
        return Ok(());
    };
    demo.explain("And whoever closes first remembers (see the demo time-wait). A server that always does collects these:")?;
    let claim = "the server's end of the connection is in TIME_WAIT";
    let table = tcp_table::wait_until(demo, address, &[local], claim, |table| {
        let ends = between(table, address, local);
        matches!(ends[..], [end] if end.local == address && end.state == TcpState::TimeWait)
    })?;
    tcp_table::show(demo, table, &snapshot)
}

fn nobody_speaks_first(demo: &mut DemoRun<'_>) -> check::Result {
    demo.step("Nobody speaks first")?;
    let mut server = launch_server("echo-tcp", "tcp", demo.deadlines())?;
    let mut client = TcpClient::launch(tcp_address(&server)?, None, demo.deadlines())?;
    demo.explain(
        "Now the same client connects to echo-tcp, which answers but never begins. If the client has been written for a \
         server that greets, both wait for the other. Nothing is wrong with the connection, and no error will ever \
         come: TCP carries bytes, it does not know whose turn it is.",
    )?;
    let shown = [Selection::sockets("server", server.pid()?), Selection::sockets("client", client.pid())];
    let snapshot = demo.wait_until(&shown, "they are connected", |snapshot| snapshot.shared.len() == 1)?;
    let silent = !client.stdio.readable_within(demo.deadlines().quiet())?;
    demo.verify("nothing comes, and nothing would", silent, "something came")?;
    demo.wait_until_blocked(client.pid(), "wait", "the client sleeps in read(2) on its socket")?;
    demo.show(&snapshot)?;
    demo.explain(
        "(Under the server's box is where its main thread sleeps, in accept(2) for the next client. The thread that serves \
         this one sleeps in read(2), as the client does.) It takes one of them to begin:",
    )?;
    demo.verify_ok("the client says \"hello?\", and gets it back", client.stdio.exchange(b"hello?"))
}
