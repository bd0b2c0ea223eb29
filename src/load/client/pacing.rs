//! Decides when a request begins: in a closed loop when the last reply has come, in an open loop when it is due.

use super::super::connection::State;
use super::super::record::ErrorKind;
use super::super::schedule::Schedule;
use super::super::script::Way;
use super::super::shared::{NEVER, nanoseconds};
use super::Client;

impl Client<'_> {
    /// Begins a request on a connection, if the run still begins any. Its latency counts from `intended`.
    pub(super) fn begin_if_allowed(&mut self, index: usize, intended: u64, now: u64) {
        let is_measured = intended >= self.phases.start;
        if intended >= self.phases.end || (is_measured && self.quota == Some(0)) {
            return;
        }
        if let Some(quota) = self.quota.as_mut().filter(|_| is_measured) {
            *quota -= 1;
        }
        self.in_flight += 1;
        let connection = &mut self.connections[index];
        (connection.intended, connection.counts, connection.has_request) = (intended, is_measured, true);
        if connection.state == State::Closed {
            self.connect(index, now);
        } else {
            self.send_request(index, now);
        }
    }

    /// Handles the end of a connection's opening: it sends its request, or waits for one.
    pub(super) fn opening_is_done(&mut self, index: usize) {
        let now = self.now();
        let connection = &mut self.connections[index];
        if !matches!(self.task.script.way, Way::Codec) {
            connection.codec = None;
        }
        connection.state = State::Idle;
        if connection.has_request {
            self.send_request(index, now);
        } else {
            self.go_on(index, now);
        }
    }

    /// Handles a verified reply.
    pub(super) fn complete(&mut self, index: usize, closes: bool) {
        let now = self.now();
        let length = self.task.script.request_length();
        let connection = &mut self.connections[index];
        connection.state = State::Idle;
        connection.has_request = false;
        connection.failures = 0;
        self.in_flight -= 1;
        if !connection.is_served {
            self.note_served(index, now);
        }
        let connection = &self.connections[index];
        if self.is_recorded(connection.counts, now) {
            self.recorder.reply(now.saturating_sub(connection.intended), connection.received);
            self.result.last_reply = now;
        }
        // A reply that is complete before its request was sent leaves the connection out of step.
        let is_cut = connection.codec.is_none() && length.is_some_and(|length| connection.sent < length);
        if closes || is_cut || self.task.plan.churn {
            self.close(index);
            self.result.reconnects += u64::from(!self.task.plan.churn);
        }
        self.go_on(index, now);
    }

    fn note_served(&mut self, index: usize, now: u64) {
        let connection = &mut self.connections[index];
        connection.is_served = true;
        if std::mem::take(&mut connection.is_counted_unserved) {
            self.unserved -= 1;
        }
        self.ready_deadline = now + nanoseconds(self.task.plan.timeout);
        self.task.shared.add_served();
        // The thread may be ready now: look without delay.
        if self.unserved == 0 && self.opened == self.connections.len() {
            self.next_tick = now;
        }
    }

    /// Whether a reply that came `now` is measured. In a closed loop without a number of requests, all replies are that
    /// come in the measured time; otherwise those to requests that were due in it.
    #[inline]
    fn is_recorded(&self, counts: bool, now: u64) -> bool {
        if self.schedule.is_some() || self.quota.is_some() {
            counts
        } else {
            now >= self.phases.start && now < self.phases.end
        }
    }

    /// Gives a connection that is free its next request, or lets it wait for one.
    #[inline]
    pub(super) fn go_on(&mut self, index: usize, now: u64) {
        if self.task.plan.rate.is_none() {
            // Open connections wait for the opening of the others, and then until all events are handled.
            if self.phases.begin != NEVER || self.connections[index].is_served {
                return self.idle.push_back(index);
            }
            return self.begin_if_allowed(index, now, now);
        }
        match &mut self.schedule {
            Some(schedule) if schedule.next() <= now && schedule.next() < self.phases.end => {
                let intended = schedule.next();
                schedule.advance();
                self.begin_if_allowed(index, intended, now);
            }
            _ => self.idle.push_back(index),
        }
    }

    /// Begins a request on every connection that is free (closed loop). A processor that sends many requests one after
    /// another keeps the kernel's code for it in its cache.
    pub(super) fn begin_waiting(&mut self, now: u64) {
        if self.phases.begin != NEVER && self.task.plan.rate.is_none() {
            while let Some(index) = self.idle.pop_front() {
                self.begin_if_allowed(index, now, now);
            }
        }
    }

    /// Sends the requests that are due, as long as connections are free.
    pub(super) fn send_due(&mut self, now: u64) {
        while self.next_due() <= now {
            let (Some(schedule), Some(index)) = (&mut self.schedule, self.idle.pop_front()) else { return };
            let intended = schedule.next();
            schedule.advance();
            if intended >= self.phases.start {
                // Cannot fail: the histogram grows.
                let _ = self.result.lateness.record(now - intended);
            }
            self.begin_if_allowed(index, intended, now);
        }
    }

    /// Returns the time at which the next request is due for which a connection is free.
    pub(super) fn next_due(&self) -> u64 {
        let next = self.next_intended();
        if self.idle.is_empty() || next >= self.phases.end || self.quota == Some(0) { NEVER } else { next }
    }

    /// Returns the time of the next request in the schedule.
    pub(super) fn next_intended(&self) -> u64 {
        self.schedule.as_ref().map_or(NEVER, Schedule::next)
    }

    /// Handles the end of an idle connection: the server may close it at any time, and the client opens it again.
    pub(super) fn reopen_idle(&mut self, index: usize) {
        self.close(index);
        self.result.reconnects += 1;
    }

    /// Fails a connection that has waited too long.
    pub(super) fn time_out(&mut self, index: usize, now: u64) {
        let connection = &self.connections[index];
        let what = match connection.state {
            State::Connecting => "the connection was not established",
            State::Opening => "the opening of the protocol was not complete",
            _ => "the reply was not complete",
        };
        let seconds = now.saturating_sub(connection.since) as f64 / 1e9;
        self.fail(index, ErrorKind::TimedOut, || format!("{what} after {seconds:.1} s"));
    }

    /// Counts a request that failed. In an open loop, the time that it waited is part of the latencies.
    pub(super) fn count_failed_request(&mut self, index: usize, now: u64) {
        let connection = &self.connections[index];
        if connection.counts && self.schedule.is_some() {
            self.recorder.no_reply(now.saturating_sub(connection.intended));
        }
    }

    /// Counts the requests that were due in the measured time and have no reply at its end.
    pub(super) fn count_unanswered(&mut self, now: u64) {
        let waiting = self.connections.iter().filter(|it| it.has_request && it.counts);
        let mut intended: Vec<u64> = waiting.map(|connection| connection.intended).collect();
        while let Some(schedule) = &mut self.schedule
            && schedule.next() < self.phases.end.min(now)
            && self.quota.is_none()
        {
            intended.push(schedule.next());
            schedule.advance();
        }
        self.result.unanswered = intended.len() as u64;
        if self.schedule.is_some() {
            intended.iter().for_each(|time| self.recorder.no_reply(now.saturating_sub(*time)));
        }
    }
}
