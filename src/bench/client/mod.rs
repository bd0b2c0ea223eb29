//! The client process of a session. It reads a [`Job`] and writes a [`TaskResult`] for each task.
//!
//! It has no deadlines. The harness ends it when no result arrives in time.

use std::io::{self, BufRead, Write};

use nix::unistd::Pid;

use super::comparison::Measure;
use super::session::job::{Job, Sample, Task, TaskResult};
use crate::sys;
use crate::transport::{Channel, ChannelRequest, ConnectionEnds, Transport};

mod byte_stream;
mod connections;
mod conversation;
mod cost;
mod round_trip;
mod tally;
mod throughput;
mod timing;

use byte_stream::ByteStream;
use conversation::{Conversation, MeasureError};
use cost::{CostSnapshot, SystemCallCounters};
pub(crate) use tally::Latencies;
use tally::LoopResult;
use timing::{Clock, MeasurementLimit};

/// Runs the measuring client of `echospec compare`. Reads one job, a line of JSON, from `input`. Writes results to
/// `output` until all tasks are done, or one fails.
///
/// Then waits for the end of `input`: the harness reads what a process has used while it exists.
///
/// # Errors
/// If the job cannot be read, or a result cannot be written.
pub fn run_client(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    let longest = job.tasks.iter().map(|task| task.size).max().unwrap_or(0).max(throughput::RECEIVE_SIZE);
    let stream = ByteStream::new(job.seed, longest);
    if let Some(processor) = job.processor {
        sys::pin_thread(&[processor])?;
    }
    sys::minimize_timer_slack();
    let mut client = Client::new(&job, &stream)?;
    for task in &job.tasks {
        let result = client.run(task);
        serde_json::to_writer(&mut output, &result)?;
        output.write_all(b"\n")?;
        output.flush()?;
        if matches!(result, TaskResult::WrongBytes(_) | TaskResult::Failed(_)) {
            break;
        }
    }
    io::copy(&mut input, &mut io::sink()).map(drop)
}

/// The distance between the positions in the byte stream at which two conversations begin.
///
/// Each conversation begins at a different position, so that bytes of an earlier client are recognised as wrong. It is
/// a prime for the same reason as the stream's period.
const STRIDE: u64 = 4099;

/// The client process of a measurement, as it is between two of its tasks.
struct Client<'a> {
    job: &'a Job,
    stream: &'a ByteStream,
    transport: &'static Transport,
    clock: Clock,
    /// The client's inherited ends of its connection with the server, until a conversation uses them.
    ends: Option<ConnectionEnds>,
    /// The number of channels to the server that the client has opened so far.
    opened: u64,
    /// The counters of system calls, or `None` if system calls are not counted.
    counters: Option<SystemCallCounters>,
    current: Option<Conversation<'a>>,
}

impl<'a> Client<'a> {
    fn new(job: &'a Job, stream: &'a ByteStream) -> io::Result<Client<'a>> {
        let transport = Transport::named(&job.transport).ok_or(io::ErrorKind::NotFound)?;
        let ends = if job.inherited {
            Some(ConnectionEnds {
                read: sys::take_inherited_descriptor(3)?,
                write: sys::take_inherited_descriptor(4)?,
            })
        } else {
            None
        };
        let clock = Clock::calibrate();
        let server = Pid::from_raw(job.server);
        let counters = if job.count_calls { SystemCallCounters::start(server).ok() } else { None };
        Ok(Client { job, stream, transport, clock, ends, opened: 0, counters, current: None })
    }

    fn run(&mut self, task: &Task) -> TaskResult {
        match self.measure(task) {
            Ok(sample) => TaskResult::Measured(Box::new(sample)),
            Err(MeasureError::Unsupported(reason)) => TaskResult::Unsupported(reason),
            Err(MeasureError::WrongBytes(what)) => TaskResult::WrongBytes(what),
            Err(MeasureError::Failed(reason)) => TaskResult::Failed(reason),
        }
    }

    fn measure(&mut self, task: &Task) -> Result<Sample, MeasureError> {
        self.run_loop(task, MeasurementLimit::after_time(task.warm_up))?;
        let limit = match self.counters {
            Some(_) => MeasurementLimit::for_counting_calls(task.timed, task.size),
            None => MeasurementLimit::after_time(task.timed),
        };
        let before = CostSnapshot::now(self.server());
        let calls = self.counters.as_ref().and_then(|it| it.read().ok());
        let tally = self.run_loop(task, limit)?;
        let calls = calls.zip(self.counters.as_ref().and_then(|it| it.read().ok()));
        let mut cost = CostSnapshot::now(self.server()).cost_per_message_since(
            &before,
            tally.messages,
            tally.bookkeeping,
        );
        if let Some((counters, calls)) = self.counters.as_ref().zip(calls) {
            counters.set_calls_per_message(&mut cost, calls, tally.messages);
        }
        Ok(Sample {
            value: tally.value,
            messages: tally.messages,
            seconds: tally.seconds,
            cost,
            histogram: tally.latencies.as_ref().and_then(Latencies::encode),
            clock: self.clock.cost.as_nanos() as f64,
            checking: tally.checking.map(|time| time.as_secs_f64()),
            lateness: tally.lateness.map(|times| times.quantile(0.5) as f64),
        })
    }

    fn server(&self) -> Pid {
        Pid::from_raw(self.job.server)
    }

    fn run_loop(&mut self, task: &Task, limit: MeasurementLimit) -> Result<LoopResult, MeasureError> {
        let (clock, size, job) = (self.clock, task.size, self.job);
        if task.measure == Measure::Connections {
            // An iterative server accepts no other connection while this one is open.
            self.current = None;
            return connections::measure_connections(|| self.connect(), size, limit, clock);
        }
        let conversation = self.conversation()?;
        conversation.check_size(size)?;
        match (task.measure, task.rate) {
            (Measure::Throughput, _) => {
                throughput::measure_throughput(conversation, size, limit, job.shares_processor, clock)
            }
            (_, Some(rate)) => {
                round_trip::measure_open_loop(conversation, (size, rate), limit.time, job.waiting, clock)
            }
            (_, None) => round_trip::measure_closed_loop(conversation, size, limit, clock),
        }
    }

    /// Returns the conversation with the server that all of the client's tasks share, except tasks that measure
    /// connections.
    fn conversation(&mut self) -> Result<&mut Conversation<'a>, MeasureError> {
        let current = match self.current.take() {
            Some(current) => current,
            None => self.connect()?,
        };
        Ok(self.current.insert(current))
    }

    fn connect(&mut self) -> Result<Conversation<'a>, MeasureError> {
        let channel = self.open()?;
        Ok(Conversation::new(channel, self.stream, self.opened * STRIDE))
    }

    fn open(&mut self) -> Result<Box<dyn Channel>, MeasureError> {
        self.opened += 1;
        let request = ChannelRequest {
            address: &self.job.address,
            ends: self.ends.take(),
            server: self.server(),
            scratch: &self.job.scratch,
            number: self.opened,
            wait_mode: self.job.waiting,
            tuning: &self.job.tuning,
        };
        self.transport.open_channel(request).map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => MeasureError::Unsupported(error.to_string()),
            _ => {
                MeasureError::Failed(format!("cannot connect to the server at {}: {error}", self.job.address))
            }
        })
    }
}
