//! The client of a measurement, in a process of its own: it takes a [`Job`], and answers task by task.
//!
//! Nothing bounds its waits. Whoever launched it ends it when no answer comes any more.

use std::io::{self, BufRead, Write};

use nix::unistd::Pid;

use super::comparison::Measure;
use crate::bench::session::job::{Answer, Job, Sample, Task};
use crate::sys;
use crate::transport::{Channel, ChannelRequest, Ends, Transport};

mod byte_stream;
mod connections;
mod conversation;
mod cost;
mod round_trip;
mod tally;
mod throughput;
mod timing;

use byte_stream::Script;
use conversation::{Conversation, Trouble};
use cost::{Counting, Effort};
use tally::Tally;
pub(crate) use tally::Times;
use timing::{Clock, Limit};

/// Reads one job, a line, from `input` and answers to `output` until it is done, or until the conversation breaks off.
/// Then it waits for the end of `input`: what a process has used can be asked only as long as it lives.
///
/// # Errors
/// Where the job cannot be read, or nobody takes the answers.
pub fn serve(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    let longest = job.tasks.iter().map(|task| task.size).max().unwrap_or(0).max(throughput::RECEIVE);
    let script = Script::new(job.seed, longest);
    if let Some(processor) = job.processor {
        sys::pin_thread(&[processor])?;
    }
    sys::minimize_timer_slack();
    let mut session = Client::new(&job, &script)?;
    for task in &job.tasks {
        let answer = session.answer(task);
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
        output.flush()?;
        if matches!(answer, Answer::Wrong(_) | Answer::Broken(_)) {
            break;
        }
    }
    io::copy(&mut input, &mut io::sink()).map(drop)
}

/// Each conversation begins at another place of the stream, so that a server which sends one client the bytes of the
/// client before it is found out. A prime, for the same reason as the stream's period.
const STRIDE: u64 = 4099;

/// One client, and what it has open.
struct Client<'a> {
    job: &'a Job,
    script: &'a Script,
    transport: &'static Transport,
    clock: Clock,
    ends: Option<Ends>,
    opened: u64,
    /// Absent where nothing is to be counted, or the system does not tell.
    counting: Option<Counting>,
    current: Option<Conversation<'a>>,
}

impl<'a> Client<'a> {
    fn new(job: &'a Job, script: &'a Script) -> io::Result<Client<'a>> {
        let transport = Transport::named(&job.transport).ok_or(io::ErrorKind::NotFound)?;
        let ends = if job.lent {
            Some(Ends { read: sys::take_inherited_descriptor(3)?, write: sys::take_inherited_descriptor(4)? })
        } else {
            None
        };
        let clock = Clock::calibrated();
        let counts = job.count.then(|| Counting::begin(Pid::from_raw(job.server)).ok());
        let counting = counts.flatten();
        Ok(Client { job, script, transport, clock, ends, opened: 0, counting, current: None })
    }

    fn answer(&mut self, task: &Task) -> Answer {
        match self.measure(task) {
            Ok(sample) => Answer::Measured(Box::new(sample)),
            Err(Trouble::Impossible(why)) => Answer::Impossible(why),
            Err(Trouble::Wrong(what)) => Answer::Wrong(what),
            Err(Trouble::Broken(how)) => Answer::Broken(how),
        }
    }

    fn measure(&mut self, task: &Task) -> Result<Sample, Trouble> {
        self.attempt(task, Limit::of_time(task.warm_up))?;
        let limit = match self.counting {
            Some(_) => Limit::of_counting(task.timed, task.size),
            None => Limit::of_time(task.timed),
        };
        let before = Effort::now(self.server());
        let calls = self.counting.as_ref().and_then(|it| it.look().ok());
        let tally = self.attempt(task, limit)?;
        let calls = calls.zip(self.counting.as_ref().and_then(|it| it.look().ok()));
        let mut cost = Effort::now(self.server()).each_since(&before, tally.messages, tally.bookkeeping);
        if let Some((counting, looks)) = self.counting.as_ref().zip(calls) {
            counting.charge(looks, tally.messages, &mut cost);
        }
        Ok(Sample {
            figure: tally.figure,
            messages: tally.messages,
            seconds: tally.seconds,
            cost,
            histogram: tally.times.as_ref().and_then(Times::encode),
            clock: self.clock.cost.as_nanos() as f64,
            checking: tally.checking.map(|time| time.as_secs_f64()),
            lateness: tally.lateness.map(|times| times.quantile(0.5) as f64),
        })
    }

    fn server(&self) -> Pid {
        Pid::from_raw(self.job.server)
    }

    fn attempt(&mut self, task: &Task, limit: Limit) -> Result<Tally, Trouble> {
        let (clock, size, job) = (self.clock, task.size, self.job);
        if task.measure == Measure::Connections {
            // A server of one client at a time would not hear another.
            self.current = None;
            return connections::run(|| self.connect(), size, limit, clock);
        }
        let conversation = self.conversation()?;
        conversation.admits(size)?;
        match (task.measure, task.rate) {
            (Measure::Throughput, _) => throughput::run(conversation, size, limit, job.shared, clock),
            (_, Some(rate)) => {
                round_trip::open_loop(conversation, (size, rate), limit.time, job.waiting, clock)
            }
            (_, None) => round_trip::closed_loop(conversation, size, limit, clock),
        }
    }

    /// The one conversation of all tasks that need no new one.
    fn conversation(&mut self) -> Result<&mut Conversation<'a>, Trouble> {
        let current = match self.current.take() {
            Some(current) => current,
            None => self.connect()?,
        };
        Ok(self.current.insert(current))
    }

    fn connect(&mut self) -> Result<Conversation<'a>, Trouble> {
        let channel = self.open()?;
        Ok(Conversation::new(channel, self.script, self.opened * STRIDE))
    }

    fn open(&mut self) -> Result<Box<dyn Channel>, Trouble> {
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
            io::ErrorKind::Unsupported => Trouble::Impossible(error.to_string()),
            _ => Trouble::Broken(format!("no conversation with the server at {}: {error}", self.job.address)),
        })
    }
}
