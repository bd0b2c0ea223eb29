//! Checks that a server answers what it was asked before its input ended.

use std::time::Duration;

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{WITH_END_OF_INPUT, ask_without_reading, begin};
use crate::checks::requests::usual_turn;
use crate::outcome::Level::Should;
use crate::server::Server;
use crate::text::count_with_noun;
use crate::transport::Client;

pub const CHECK: Check = Check {
    id: "stdio/answers-before-eof",
    level: Should,
    sentence: "requests that arrive together with the end of input are answered before the server exits",
    why: "a script that writes its requests and closes the pipe, such as `printf … | server`, loses answers without any error",
    citations: &["pipe(7)", "read(2)", "exit(3)"],
    recipe: "send 20 requests in one write, and close the server's standard input at once (again if that took more than 5 ms); count the answers up to end of file",
    requires: WITH_END_OF_INPUT,
    run,
};

pub const LONG: Check = Check {
    id: "stdio/delivers-long-output",
    level: Should,
    sentence: "answers that the kernel cannot hold reach a slow reader, although the input has ended",
    why: "a server that exits with answers in a buffer of its own cuts them off at what the kernel holds, 64 KiB in a pipe",
    citations: &["pipe(7)", "write(2)", "exit(3)"],
    recipe: "send requests whose answers are 1 MiB together, or until the server reads no more, without reading; close the server's standard input; wait; then read to end of file and count the answers",
    requires: WITH_END_OF_INPUT,
    run: long,
};

/// The number of requests that arrive at the server together, followed by end of file.
const REQUESTS: usize = 20;

/// The longest time from the requests to the end of input that follows them at once.
const AT_ONCE: Duration = Duration::from_millis(5);

/// The number of attempts to have the end of input follow at once: on a busy machine another thread may run in between.
const ATTEMPTS: usize = 10;

fn run(server: &mut Server) -> check::Result {
    for _ in 0..ATTEMPTS {
        if is_answered_before_end(server)? {
            return Ok(());
        }
    }
    Err(Finding::broken("requests that arrive together with the end of input", "the machine is too busy"))
}

/// Sends requests and the end of input to a server that is launched for that, and expects all answers. Returns whether the
/// end followed the requests at once.
fn is_answered_before_end(server: &mut Server) -> check::Result<bool> {
    let mut client = begin(server)?.pipelining();
    let turn = usual_turn(server.spec().protocol());
    for _ in 0..REQUESTS {
        client.queue_request(turn, b"asked")?;
    }
    client.send_rest()?;
    client.shut_down_write()?;
    let at_once = client.time_since_write() < AT_ONCE;
    expect_all(client, REQUESTS)?;
    Ok(at_once)
}

fn long(server: &mut Server) -> check::Result {
    let mut client = begin(server)?.pipelining();
    let requests = ask_without_reading(server, &mut client)?;
    client.shut_down_write()?;
    // The server now writes into a full pipe or socket, or exits with the rest in its buffers.
    server.await_reaction()?;
    expect_all(client, requests)
}

/// Reads to the end of the server's output, and expects an answer to each of `requests` requests.
fn expect_all(client: Client, requests: usize) -> check::Result {
    let mut client = client.with_tolerance_of_cut();
    let received = client.received();
    let ended = client.receive_to_end();
    let unanswered = client.unanswered();
    if unanswered == 0 {
        // A server that answers everything and lives on is the subject of stdio/ends-at-eof.
        return Ok(());
    }
    let answered = requests.saturating_sub(unanswered);
    let bytes = count_with_noun(client.received() - received, "byte");
    let part = match client.cut_bytes() {
        0 => String::new(),
        length => format!(", the last {length} of them a part of the next answer"),
    };
    let end = if ended.is_ok() { "then end of file" } else { "then nothing more" };
    let actual = format!("{answered} answers of {requests}, in {bytes} after the end of input{part}, {end}");
    Err(Finding::fail(format!("{} answered", count_with_noun(requests, "request")), actual)
        .because("the server exits before it has written its answers, or reads no further"))
}
