//! A thread of the load generator: an event loop over its share of the connections.
//!
//! | file | content |
//! |---|---|
//! | `connecting` | opens connections, and opens failed ones again |
//! | `exchanging` | sends requests, and verifies replies |
//! | `pacing` | decides when the next request begins: at once, or by the schedule |

mod connecting;
mod exchanging;
mod pacing;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::event::Event;
use mio::{Events, Poll};
use nix::time::{ClockId, clock_gettime};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use super::connection::{Connection, State};
use super::exchange::THREAD_SHIFT;
use super::plan::Plan;
use super::record::{Errors, Recorder, new_histogram};
use super::schedule::Schedule;
use super::script::Script;
use super::shared::{NEVER, Phases, Shared, nanoseconds};
use super::target::Target;
use super::verify::Memory;
use crate::sys;

/// The number of events that one call of the kernel returns at most.
const EVENTS: usize = 1024;

/// The size in bytes of the buffer that receives replies.
const BUFFER: usize = 256 * 1024;

/// The interval at which a thread looks for replies that are overdue, and for the end of the run.
const TICK: u64 = 50_000_000;

/// The interval at which a thread whose connections are open looks whether those of the others are.
const READY_TICK: u64 = 1_000_000;

/// The time that an interrupted run waits for replies.
const HURRIED: u64 = 1_000_000_000;

/// The part of the run that a thread needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub plan: &'a Plan,
    pub script: &'a Script,
    pub target: &'a Target,
    pub shared: &'a Shared,
    /// The number of the thread.
    pub number: usize,
}

/// The result of a thread, besides the latencies that its recorder has handed on.
#[derive(Debug)]
pub(super) struct ThreadResult {
    pub errors: Errors,
    /// How late the open loop sent requests although a connection was free.
    pub lateness: Histogram<u64>,
    /// The number of requests that were due in the measured time and got no reply.
    pub unanswered: u64,
    /// The time at which the last measured reply came.
    pub last_reply: u64,
    /// The processor time of the thread during the measurement.
    pub cpu: Duration,
    /// The number of times that a connection was opened after its first time.
    pub reconnects: u64,
    /// The open connections. A server with a process for each would end it before its processor time is read.
    pub sockets: Vec<Socket>,
}

/// A thread's connections and the state of its event loop.
#[derive(Debug)]
pub(super) struct Client<'a> {
    task: Task<'a>,
    poll: Poll,
    connections: Vec<Connection>,
    /// The connections that wait for a request, in the order in which they became idle (open loop).
    idle: VecDeque<usize>,
    /// The connections that will be opened again, and when.
    retries: BinaryHeap<Reverse<(u64, usize)>>,
    /// The number of connections that were opened at least once.
    opened: usize,
    /// The number of connections that are open, or being opened, and that the server has not answered.
    unserved: usize,
    /// The number of connections that are not given up.
    alive: usize,
    /// The number of requests that are begun and not answered.
    in_flight: usize,
    /// The number of requests that may still begin, if the plan limits it.
    quota: Option<u64>,
    schedule: Option<Schedule>,
    phases: Phases,
    is_ready: bool,
    /// The time by which the next connection must be answered, so that the thread goes on waiting for the rest.
    ready_deadline: u64,
    next_tick: u64,
    next_number: u64,
    memory: Memory,
    buffer: Vec<u8>,
    request: Vec<u8>,
    recorder: Recorder,
    /// The processor time of the thread at the beginning of the measurement.
    cpu_at_start: Option<Duration>,
    cpu_used: Option<Duration>,
    result: ThreadResult,
}

impl<'a> Client<'a> {
    /// Returns the client of one thread.
    ///
    /// # Errors
    /// The errors of `epoll_create(2)` or kqueue(2).
    pub fn new(task: Task<'a>, recorder: Recorder) -> io::Result<Client<'a>> {
        let count = task.plan.share(task.plan.connections as u64, task.number) as usize;
        let quota = task.plan.requests.map(|requests| task.plan.share(requests, task.number));
        let timeout = nanoseconds(task.plan.timeout);
        Ok(Client {
            poll: Poll::new()?,
            connections: (0..count).map(|_| Connection::new()).collect(),
            idle: VecDeque::with_capacity(count),
            retries: BinaryHeap::new(),
            opened: 0,
            unserved: 0,
            alive: count,
            in_flight: 0,
            quota,
            schedule: None,
            phases: task.shared.phases(),
            is_ready: false,
            ready_deadline: task.shared.now() + nanoseconds(task.plan.ramp) + timeout,
            next_tick: 0,
            // A thread has room for 2⁵⁰ exchanges.
            next_number: task.plan.seed ^ ((task.number as u64) << THREAD_SHIFT),
            memory: Memory::default(),
            buffer: vec![0; BUFFER],
            request: Vec::new(),
            recorder,
            cpu_at_start: None,
            cpu_used: None,
            result: ThreadResult {
                errors: Errors::default(),
                lateness: new_histogram(),
                unanswered: 0,
                last_reply: 0,
                cpu: Duration::ZERO,
                reconnects: 0,
                sockets: Vec::new(),
            },
            task,
        })
    }

    /// Runs the event loop until the run ends.
    ///
    /// # Errors
    /// The errors of `epoll_wait(2)` or kevent(2).
    pub fn run(mut self) -> io::Result<ThreadResult> {
        if self.task.plan.rate.is_some() {
            sys::minimize_timer_slack();
        }
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let now = self.now();
            self.follow_phases(now);
            if now >= self.next_tick {
                self.tick(now);
            }
            self.open_more(now);
            self.begin_waiting(now);
            self.send_due(now);
            if self.is_done(now) {
                break;
            }
            self.wait(&mut events, now)?;
            for event in &events {
                self.handle(event.token().0, event);
            }
        }
        Ok(self.finish())
    }

    #[inline]
    fn now(&self) -> u64 {
        self.task.shared.now()
    }

    /// Reads the times of the phases, and notes the processor time at their edges.
    fn follow_phases(&mut self, now: u64) {
        self.phases = self.task.shared.phases();
        if self.phases.begin != NEVER
            && self.schedule.is_none()
            && let Some(rate) = self.task.plan.rate
        {
            let plan = self.task.plan;
            self.schedule = Some(Schedule::new(rate, plan.threads, self.task.number, self.phases.begin));
        }
        if now >= self.phases.start {
            self.cpu_at_start.get_or_insert_with(thread_cpu);
            self.recorder.advance(now - self.phases.start);
        }
        if now >= self.phases.end {
            self.note_cpu_at_end();
        }
    }

    fn note_cpu_at_end(&mut self) {
        if let (Some(before), None) = (self.cpu_at_start, self.cpu_used) {
            self.cpu_used = Some(thread_cpu().saturating_sub(before));
        }
    }

    /// Waits for events, but not beyond the next time at which something is due.
    fn wait(&mut self, events: &mut Events, now: u64) -> io::Result<()> {
        let left = self.next_wake(now).saturating_sub(now);
        let precise = self.schedule.is_some() && left > 0;
        if precise {
            // The timeout of epoll_wait(2) counts milliseconds; that of ppoll(2) counts nanoseconds.
            let time = Timespec { tv_sec: (left / 1_000_000_000) as _, tv_nsec: (left % 1_000_000_000) as _ };
            let _ = poll(&mut [PollFd::new(&self.poll.registry().as_fd(), PollFlags::IN)], Some(&time));
        }
        let timeout = if precise { Duration::ZERO } else { Duration::from_nanos(left) };
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    /// Returns the time of the next tick, of the next retry or of the next request that is due.
    fn next_wake(&self, now: u64) -> u64 {
        if self.is_ready && self.phases.begin == NEVER {
            return now + READY_TICK;
        }
        let retry = self.retries.peek().map_or(NEVER, |Reverse((time, _))| *time);
        self.next_tick.min(retry).min(self.next_due())
    }

    #[inline]
    fn handle(&mut self, index: usize, event: &Event) {
        match self.connections[index].state {
            State::Closed => {}
            State::Connecting => self.finish_connecting(index),
            State::Opening | State::Idle | State::Busy => {
                if event.is_writable() && self.connections[index].watches_writable {
                    self.write(index);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.read(index, event.is_read_closed());
                }
            }
        }
    }

    /// Fails what is overdue, opens failed connections again, and notes whether all connections are open.
    fn tick(&mut self, now: u64) {
        self.next_tick = now + TICK;
        let timeout = nanoseconds(self.task.plan.timeout);
        for index in 0..self.opened {
            let connection = &self.connections[index];
            if connection.is_waiting() && now.saturating_sub(connection.since) > timeout {
                self.time_out(index, now);
            }
        }
        let is_open = self.opened == self.connections.len() && self.unserved == 0;
        if !self.is_ready && (is_open || now > self.ready_deadline) {
            self.is_ready = true;
            self.task.shared.add_ready_thread();
        }
    }

    fn is_done(&self, now: u64) -> bool {
        if self.alive == 0 || (self.quota == Some(0) && self.in_flight == 0) {
            return true;
        }
        if now < self.phases.end {
            return false;
        }
        let limit = if self.task.shared.hurries() { HURRIED } else { nanoseconds(self.task.plan.timeout) };
        let is_answered = self.in_flight == 0 && self.next_intended() >= self.phases.end;
        is_answered || now.saturating_sub(self.phases.end) > limit
    }

    /// Hands on the last interval, and counts the requests that have no reply.
    fn finish(mut self) -> ThreadResult {
        self.note_cpu_at_end();
        let now = self.now();
        if !self.task.shared.hurries() {
            self.count_unanswered(now);
        }
        self.recorder.hand_on(0);
        self.result.cpu = self.cpu_used.unwrap_or_default();
        self.result.sockets = self.connections.into_iter().filter_map(|it| it.socket).collect();
        if !self.is_ready {
            self.task.shared.add_ready_thread();
        }
        self.result
    }
}

/// Returns the processor time of the calling thread.
fn thread_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
