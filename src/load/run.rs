//! Runs a plan: starts the threads, sets the phases, and gathers the results.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::client::{Client, Task, ThreadResult};
use super::cost::{ServerUse, own_wait, server_use};
use super::plan::Plan;
use super::record::{Errors, Interval, Recorder, new_histogram};
use super::results::{IntervalResult, Results};
use super::script::Script;
use super::shared::{NEVER, Shared, nanoseconds};
use super::target::Target;
use crate::deadline::is_interrupted;
use crate::server::Server;

/// The interval at which the run looks at its threads, and at the program's interrupt.
const LOOK: Duration = Duration::from_millis(20);

/// The figures of a run while it goes on.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The number of connections on which the server has answered.
    pub connected: usize,
    /// The time since the beginning of the measurement; `None` before it.
    pub measured: Option<Duration>,
    /// The number of verified replies a second since the last report.
    pub rate: f64,
    /// The 50th and 99th percentile of the latencies since the last report, and the longest, in nanoseconds.
    pub latencies: [u64; 3],
    /// The number of errors so far.
    pub errors: u64,
}

/// A failure of the load generator itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The protocol, its size or the transport does not fit.
    #[error("{0}")]
    Usage(String),
    /// A system call of the load generator failed.
    #[error("the load generator failed: {0}")]
    Io(#[from] io::Error),
}

/// Loads `server` as `plan` says. Calls `watch` about every `report_every` with what is known so far.
///
/// # Errors
/// [`RunError`]. Failures of the server are part of the results.
pub fn run(
    plan: &Plan,
    server: &Server,
    report_every: Duration,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Results, RunError> {
    let script = Script::new(server.spec().protocol(), plan.size, plan.seed).map_err(RunError::Usage)?;
    let target = Target::new(server.spec().transport(), server.address())?;
    let shared = Shared::new();
    let before = server_use(server);
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for number in 0..plan.threads {
            let task = Task { plan, script: &script, target: &target, shared: &shared, number };
            threads.push(spawn(scope, task, Recorder::new(plan.interval(), sender.clone()))?);
        }
        drop(sender);
        let run =
            Run { plan, server, shared: &shared, receiver, report_every, gathered: Gathered::default() };
        run.follow(threads, before, watch)
    })
}

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    task: Task<'scope>,
    recorder: Recorder,
) -> io::Result<ScopedJoinHandle<'scope, io::Result<ThreadResult>>> {
    let builder = std::thread::Builder::new().name(format!("load {}", task.number));
    builder.spawn_scoped(scope, move || Client::new(task, recorder)?.run())
}

struct Run<'a> {
    plan: &'a Plan,
    server: &'a Server,
    shared: &'a Shared,
    receiver: Receiver<Interval>,
    report_every: Duration,
    gathered: Gathered,
}

/// The intervals that the threads have handed on. They are added up only where a figure is needed, because that takes
/// processor time while requests are measured.
#[derive(Default)]
struct Gathered {
    intervals: Vec<Interval>,
    /// The number of intervals that a progress report has told of.
    reported: usize,
}

/// The processor time and memory of the server at the edges of the measurement, and when each was read.
#[derive(Default)]
struct Edges {
    start: Option<(u64, Option<ServerUse>)>,
    end: Option<(u64, Option<ServerUse>)>,
    /// The time that this process had waited for a processor at both edges.
    waits: [Option<Duration>; 2],
}

impl Edges {
    /// Returns the processor time of the server in the measured time. The thread that reads it may come late, so the time
    /// between both readings is scaled.
    fn server_cpu(&self, measured: Duration) -> Option<Duration> {
        let ((began, before), (ended, after)) = self.start.zip(self.end)?;
        let used = after?.cpu.saturating_sub(before?.cpu);
        let between = Duration::from_nanos(ended.saturating_sub(began));
        (!between.is_zero()).then(|| used.mul_f64(measured.as_secs_f64() / between.as_secs_f64()))
    }
}

impl Run<'_> {
    fn follow(
        mut self,
        threads: Vec<ScopedJoinHandle<'_, io::Result<ThreadResult>>>,
        before: Option<ServerUse>,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Results, RunError> {
        let mut edges = Edges::default();
        let mut has_started = false;
        let mut last_report = self.shared.now();
        loop {
            let ended = self.receive(&edges);
            let now = self.shared.now();
            self.begin_when_ready(now);
            if is_interrupted() {
                self.shared.end_now(now);
            }
            let phases = self.shared.phases();
            if !has_started && now >= phases.start {
                has_started = true;
                edges.start = Some(self.server_use());
                edges.waits[0] = own_wait();
            }
            if edges.end.is_none() && (now >= phases.end || ended) {
                edges.end = Some(self.server_use());
                edges.waits[1] = own_wait();
            }
            if now - last_report >= nanoseconds(self.report_every) {
                watch(&self.progress(now, last_report));
                last_report = now;
            }
            if ended {
                break;
            }
        }
        let mut results = Vec::new();
        for thread in threads {
            results.push(thread.join().map_err(|_| io::Error::other("a thread panicked"))??);
        }
        Ok(self.results(results, &edges, before))
    }

    /// Takes what the threads hand on until something else is to be done. Returns whether all threads have ended.
    fn receive(&mut self, edges: &Edges) -> bool {
        let phases = self.shared.phases();
        let edge =
            if edges.end.is_none() && self.shared.now() >= phases.start { phases.end } else { phases.start };
        let until_edge = Duration::from_nanos(edge.saturating_sub(self.shared.now()));
        let wait = if until_edge.is_zero() { LOOK } else { LOOK.min(until_edge) };
        match self.receiver.recv_timeout(wait) {
            Ok(interval) => {
                self.gathered.intervals.push(interval);
                while let Ok(interval) = self.receiver.try_recv() {
                    self.gathered.intervals.push(interval);
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        }
    }

    /// Reads what the server uses. The time is that in the middle of the reading.
    fn server_use(&self) -> (u64, Option<ServerUse>) {
        let began = self.shared.now();
        let used = server_use(self.server);
        (u64::midpoint(began, self.shared.now()), used)
    }

    fn begin_when_ready(&self, now: u64) {
        if self.shared.phases().begin == NEVER && self.shared.ready_threads() == self.plan.threads {
            self.shared.set_phases(now, self.plan.warm_up, self.plan.duration);
        }
    }

    fn progress(&mut self, now: u64, since: u64) -> Progress {
        let phases = self.shared.phases();
        let (recent, replies) = self.gathered.take_recent();
        let quantile = |share| recent.value_at_quantile(share);
        let seconds = now.saturating_sub(since.max(phases.start)).max(1) as f64 / 1e9;
        Progress {
            connected: self.shared.served(),
            measured: (now >= phases.start).then(|| Duration::from_nanos(now - phases.start)),
            rate: replies as f64 / seconds,
            latencies: [quantile(0.5), quantile(0.99), recent.max()],
            errors: self.shared.errors(),
        }
    }

    fn results(self, threads: Vec<ThreadResult>, edges: &Edges, before: Option<ServerUse>) -> Results {
        let phases = self.shared.phases();
        let is_interrupted = is_interrupted();
        let mut errors = Errors::default();
        let mut lateness = new_histogram();
        let (mut unanswered, mut reconnects, mut last_reply, mut busiest) = (0, 0, 0, Duration::ZERO);
        let mut client_cpu = Duration::ZERO;
        for thread in threads {
            errors.merge(thread.errors);
            // Cannot fail: the histogram grows.
            let _ = lateness.add(&thread.lateness);
            unanswered += thread.unanswered;
            reconnects += thread.reconnects;
            last_reply = last_reply.max(thread.last_reply);
            busiest = busiest.max(thread.cpu);
            client_cpu += thread.cpu;
            drop(thread.sockets);
        }
        // An open loop, or one with a number of requests, ends with its last reply.
        let ends_with_reply = self.plan.requests.is_some() || self.plan.rate.is_some();
        let end = match (ends_with_reply, self.plan.requests.is_some()) {
            (true, true) => last_reply,
            (true, false) => last_reply.max(phases.end),
            _ => phases.end,
        };
        let measured = Duration::from_nanos(end.min(self.shared.now()).saturating_sub(phases.start));
        let server_cpu = edges.server_cpu(measured);
        let grown = |end: u64, start: u64| {
            i64::try_from(end).unwrap_or(i64::MAX) - i64::try_from(start).unwrap_or(i64::MAX)
        };
        let waited = edges.waits[1].zip(edges.waits[0]).map(|(end, start)| end.saturating_sub(start));
        let seconds = measured.as_secs_f64();
        Results {
            connected: self.shared.served(),
            measured,
            replies: self.gathered.intervals.iter().map(|interval| interval.replies).sum(),
            bytes: self.gathered.intervals.iter().map(|interval| interval.bytes).sum(),
            unanswered,
            lateness,
            latencies: merge(&self.gathered.intervals),
            intervals: self.gathered.results(self.plan.interval()),
            errors,
            reconnects,
            server_cpu,
            server_memory: edges
                .end
                .and_then(|(_, end)| end)
                .zip(before)
                .map(|(end, start)| (end.resident, grown(end.resident, start.resident))),
            client_cpu,
            busiest_thread: if seconds > 0.0 { busiest.as_secs_f64() / seconds } else { 0.0 },
            waited_for_cpu: waited.filter(|_| seconds > 0.0).map(|waited| waited.as_secs_f64() / seconds),
            is_interrupted,
        }
    }
}

impl Gathered {
    /// Returns the latencies and the number of replies since the last call.
    fn take_recent(&mut self) -> (Histogram<u64>, u64) {
        let recent = &self.intervals[self.reported..];
        let replies = recent.iter().map(|interval| interval.replies).sum();
        let latencies = merge(recent);
        self.reported = self.intervals.len();
        (latencies, replies)
    }

    /// Returns the results of each interval of this length, over all threads.
    fn results(mut self, length: Duration) -> Vec<IntervalResult> {
        self.intervals.retain(|interval| !interval.latencies.is_empty());
        self.intervals.sort_by_key(|interval| interval.number);
        let same = self.intervals.chunk_by(|one, next| one.number == next.number);
        let result = |same: &[Interval]| {
            let latencies = merge(same);
            IntervalResult {
                began: length * u32::try_from(same[0].number).unwrap_or(u32::MAX),
                replies: same.iter().map(|interval| interval.replies).sum(),
                p50: latencies.value_at_quantile(0.5),
                p99: latencies.value_at_quantile(0.99),
                max: latencies.max(),
            }
        };
        same.map(result).collect()
    }
}

/// Returns the latencies of all `intervals` together.
fn merge(intervals: &[Interval]) -> Histogram<u64> {
    let mut sum = new_histogram();
    for interval in intervals {
        // Cannot fail: the histogram grows.
        let _ = sum.add(&interval.latencies);
    }
    sum
}
