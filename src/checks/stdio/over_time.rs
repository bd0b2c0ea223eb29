//! Checks of what a server uses over many requests, and while nothing is asked.

use std::io;
use std::time::{Duration, Instant};

use crate::check::{self, Finding};
use crate::checks::Check;
use crate::checks::conversation::{ON_STDIO, begin};
use crate::checks::requests::answered_turns;
use crate::deadline::until;
use crate::outcome::Level::{May, Should};
use crate::outcome::Outcome;
use crate::payload::{KIB, MIB};
use crate::server::Server;
use crate::sys;
use crate::text::count_with_noun;
use crate::transport::Client;

pub const DESCRIPTORS: Check = Check {
    id: "stdio/keeps-nothing-open",
    level: Should,
    sentence: "no descriptor and no thread stays for each request that is answered",
    why: "a language server answers thousands of requests an hour; one that leaves a file open for each stops at EMFILE before the day is over",
    citations: &["getrlimit(2) (RLIMIT_NOFILE)", "open(2) (EMFILE)", "pthread_create(3) (EAGAIN)"],
    recipe: "exchange 100 messages, and count the descriptors and threads of the server's processes; do that up to 20 times; the check fails if a number grows by 25 or more three times in a row, and stays so",
    requires: ON_STDIO,
    run: descriptors,
};

pub const MEMORY: Check = Check {
    id: "stdio/keeps-no-memory",
    level: May,
    sentence: "the memory of the server does not grow with the number of requests that are answered",
    why: "memory that grows with every request ends the server, or the editor beside it, when none is left",
    citations: &["getrusage(2)", "proc(5) (statm)"],
    recipe: "exchange 2,000 messages; read the resident memory of the server's processes after each 500; if it has grown by 4 MiB or more each time, exchange 2,000 more; report growth that goes on, and does not slow down",
    requires: ON_STDIO,
    run: memory,
};

pub const WAKE_UPS: Check = Check {
    id: "stdio/idle-wake-ups",
    level: Should,
    sentence: "the server sleeps until something is asked: its threads do not wake up many times a second",
    why: "an editor runs a dozen of these servers; each that polls keeps a processor from its sleep states and empties the battery",
    citations: &["poll(2)", "read(2)", "proc(5) (voluntary_ctxt_switches)"],
    recipe: "exchange a message; read the voluntary context switches of the server's threads before and after a second without requests, up to five times; the check fails at 100 or more in each; 10 or more are reported",
    requires: ON_STDIO,
    run: wake_ups,
};

/// The number of requests between two counts of descriptors and threads.
const BATCH: usize = 100;

/// The number of batches after which descriptors and threads are counted.
const BATCHES: usize = 20;

/// The growth in one batch that may be a leak, and the number of batches in a row that make it one.
const GROWTH: usize = 25;
const IN_A_ROW: usize = 3;

/// The number of requests that a client sends before it reads their answers.
const AT_ONCE: usize = 10;

fn descriptors(server: &mut Server) -> check::Result {
    let mut client = begin(server)?;
    expect_same_counts(server, &mut client)?;
    server.leave_open(client);
    Ok(())
}

fn expect_same_counts(server: &Server, client: &mut Client) -> check::Result {
    let mut stopwatch = server.stopwatch();
    let mut counts = vec![ask_and_count(server, client, None)?];
    let mut growing = [0; 2];
    for batch in 1..BATCHES {
        let last = counts[batch - 1];
        let now = ask_and_count(server, client, Some(last)).map_err(|finding| {
            let (descriptors, threads) = (last.descriptors, last.threads);
            let after = count_with_noun(batch * BATCH, "request");
            finding.because(format!("after {after} it had {descriptors} descriptors and {threads} threads"))
        })?;
        let grown = [now.descriptors >= last.descriptors + GROWTH, now.threads >= last.threads + GROWTH];
        growing = [0, 1].map(|kind| if grown[kind] { growing[kind] + 1 } else { 0 });
        counts.push(now);
        let leak = ["descriptors", "threads"].into_iter().zip(growing).find(|(_, times)| *times == IN_A_ROW);
        if let Some((what, _)) = leak {
            return Err(grown_finding(what, &counts[batch - IN_A_ROW..]));
        }
        if stopwatch.elapsed() > server.deadlines().no_progress() {
            return if batch >= IN_A_ROW {
                Ok(())
            } else {
                Err(too_slow(batch + 1, BATCH, IN_A_ROW + 1, stopwatch.elapsed()))
            };
        }
    }
    Ok(())
}

/// Returns the finding that the server answers so slowly that `enough` batches take too long.
fn too_slow(batches: usize, batch: usize, enough: usize, time: Duration) -> Finding {
    let seconds = time.as_secs();
    let actual = format!("{} in {seconds} s", count_with_noun(batches * batch, "answer"));
    Finding::unsupported(count_with_noun(enough * batch, "answer"), actual)
}

/// The number of descriptors and threads of all processes of a server.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Count {
    descriptors: usize,
    threads: usize,
}

impl Count {
    fn of(server: &Server) -> check::Result<Count> {
        let threads = server.process_stats()?.threads;
        let mut descriptors = 0;
        for process in server.processes()? {
            descriptors += match server.descriptor_count(process.pid) {
                Err(finding) if finding.outcome == Outcome::Unsupported => return Err(finding),
                // A process that has exited since has none.
                count => count.unwrap_or_default(),
            };
        }
        Ok(Count { descriptors, threads })
    }

    fn has_grown_since(self, last: Count) -> bool {
        self.descriptors >= last.descriptors + GROWTH || self.threads >= last.threads + GROWTH
    }
}

/// Exchanges a batch of messages, and counts. If there is more than `last` time, gives the server time to close it.
fn ask_and_count(server: &Server, client: &mut Client, last: Option<Count>) -> check::Result<Count> {
    ask(server, client, BATCH)?;
    let mut now = Count::of(server)?;
    let Some(last) = last.filter(|&last| now.has_grown_since(last)) else { return Ok(now) };
    until(server.deadlines().quiet(), || {
        now = Count::of(server)?;
        Ok((!now.has_grown_since(last)).then_some(()))
    })?;
    Ok(now)
}

fn grown_finding(what: &str, counts: &[Count]) -> Finding {
    let number = |count: &Count| if what == "threads" { count.threads } else { count.descriptors };
    let (first, rest) = counts.split_first().expect("a leak is seen in several counts");
    let rest: Vec<_> = rest.iter().map(|count| number(count).to_string()).collect();
    let actual = format!("{}, each after {BATCH} more requests", rest.join(", "));
    Finding::fail(format!("about {} {what}, as before", number(first)), actual)
}

/// Exchanges `requests` messages, some at a time.
fn ask(server: &Server, client: &mut Client, requests: usize) -> check::Result {
    let turns = answered_turns(server.spec().protocol());
    let mut next = turns.iter().cycle();
    for _ in 0..requests / AT_ONCE {
        for &turn in next.by_ref().take(AT_ONCE) {
            client.queue_request(turn, b"again")?;
        }
        client.send_rest()?;
        client.expect(&b"again".repeat(AT_ONCE))?;
    }
    Ok(())
}

/// The number of requests between two measurements of memory, and of measurements after the first.
const WINDOW: usize = 500;
const WINDOWS: usize = 3;

/// The growth in each window, in bytes, that may be a leak: 8 KiB for each request.
const KEPT: u64 = (WINDOW * 8 * KIB) as u64;

fn memory(server: &mut Server) -> check::Result {
    let mut client = begin(server)?;
    expect_same_memory(server, &mut client)?;
    server.leave_open(client);
    Ok(())
}

fn expect_same_memory(server: &Server, client: &mut Client) -> check::Result {
    let mut stopwatch = server.stopwatch();
    let limit = server.deadlines().no_progress() * 4;
    let mut resident = vec![ask_and_measure(server, client, 0)?];
    // A collector, a compiler or a cache fills its memory first: growth has to go on as fast in twice the requests.
    for window in 1..=2 * WINDOWS + 1 {
        if stopwatch.elapsed() > limit {
            return Err(too_slow(window, WINDOW, WINDOWS + 1, stopwatch.elapsed()));
        }
        let last = resident[window - 1];
        let now = ask_and_measure(server, client, last + KEPT)?;
        resident.push(now);
        if now < last + KEPT {
            // The rest of the 2,000 requests would show no more.
            return Ok(());
        }
    }
    let first_half = resident[WINDOWS] - resident[0];
    let second_half = resident[2 * WINDOWS + 1] - resident[WINDOWS + 1];
    if second_half < first_half / 4 * 3 {
        return Ok(());
    }
    let mebibytes = |bytes: u64| bytes / MIB as u64;
    let each = (second_half / (WINDOWS * WINDOW) as u64).div_ceil(KIB as u64);
    // This is *info*: from outside, memory that a garbage collector has not freed yet looks like a leak.
    Err(Finding::info(
        "memory that stops growing with the number of requests",
        format!(
            "{} MiB resident after {WINDOW} requests, {} MiB after {}, {each} KiB for each request",
            mebibytes(resident[0]),
            mebibytes(resident[2 * WINDOWS + 1]),
            resident.len() * WINDOW
        ),
    ))
}

/// Exchanges messages, and returns the server's resident memory. Gives the server time to have less than `enough`.
fn ask_and_measure(server: &Server, client: &mut Client, enough: u64) -> check::Result<u64> {
    ask(server, client, WINDOW)?;
    let mut least = u64::MAX;
    until(server.deadlines().quiet(), || {
        least = least.min(server.process_stats()?.resident);
        Ok((enough == 0 || least < enough).then_some(()))
    })?;
    Ok(least)
}

/// The time in which wake-ups are counted, and the number of times.
const SECOND: Duration = Duration::from_secs(1);
const TIMES: usize = 5;

/// The numbers of wake-ups a second that are a fault, and that are reported.
const MANY: u64 = 100;
const SOME: u64 = 10;

fn wake_ups(server: &mut Server) -> check::Result {
    let mut client = begin(server)?;
    expect_sleep(server, &mut client)?;
    server.leave_open(client);
    Ok(())
}

fn expect_sleep(server: &Server, client: &mut Client) -> check::Result {
    let mut fewest = WakeUps { seen: u64::MAX, on_idle_machine: u64::MAX };
    for _ in 0..TIMES {
        let now = wake_ups_in_a_second(server, client)?;
        fewest = WakeUps {
            seen: fewest.seen.min(now.seen),
            on_idle_machine: fewest.on_idle_machine.min(now.on_idle_machine),
        };
        if fewest.seen < SOME && fewest.on_idle_machine < MANY {
            return Ok(());
        }
    }
    let WakeUps { seen, on_idle_machine } = fewest;
    let expected = "a server that sleeps until something is asked";
    let actual = |times| format!("its threads wake up {times} times a second, while nothing is asked");
    Err(if on_idle_machine >= MANY {
        Finding::fail(expected, actual(on_idle_machine))
    } else {
        Finding::info(expected, actual(seen))
    })
}

/// How often threads of the server wake up in a second.
#[derive(Debug, Clone, Copy)]
struct WakeUps {
    /// The number that is seen.
    seen: u64,
    /// The number on an idle machine: without the time in which threads that had woken up waited for a processor.
    on_idle_machine: u64,
}

/// Returns how often threads of the server wake up in a second, in which the client only reads.
fn wake_ups_in_a_second(server: &Server, client: &mut Client) -> check::Result<WakeUps> {
    let before = voluntary_switches(server)?;
    let (began, mut stopwatch) = (Instant::now(), server.stopwatch());
    while began.elapsed() < SECOND {
        client.receive_replies(SECOND.saturating_sub(began.elapsed()))?;
    }
    let switches = voluntary_switches(server)?.saturating_sub(before);
    let each_second = |time: Duration| (switches as f64 / time.as_secs_f64()) as u64;
    Ok(WakeUps { seen: each_second(began.elapsed()), on_idle_machine: each_second(stopwatch.elapsed()) })
}

/// Returns how often the living threads of the server have begun to wait.
fn voluntary_switches(server: &Server) -> check::Result<u64> {
    let missing = || Finding::unsupported("the context switches of the server", "this system does not tell");
    let mut sum = 0;
    for process in server.processes()? {
        let usage = match sys::resource_usage(process.pid) {
            Ok(usage) => usage,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Err(missing()),
            // It exited after it was listed.
            Err(_) => continue,
        };
        sum += usage.switches.ok_or_else(missing)?.values().map(|thread| thread.voluntary).sum::<u64>();
    }
    Ok(sum)
}
