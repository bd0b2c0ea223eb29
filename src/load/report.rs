//! The report of a run, as text and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::knee::{Step, last_good};
use super::plan::Plan;
use super::record::ErrorKind;
use super::results::{ACHIEVED, Results};
use super::units::{format_count, format_data_rate, format_number, format_size, format_time};
use crate::text::{count_with_noun, one_line};

/// The percentiles of a report: name in JSON, name in text, and share.
const PERCENTILES: [(&str, &str, f64); 9] = [
    ("p50", "p50", 0.5),
    ("p75", "p75", 0.75),
    ("p90", "p90", 0.9),
    ("p95", "p95", 0.95),
    ("p99", "p99", 0.99),
    ("p99_9", "p99.9", 0.999),
    ("p99_99", "p99.99", 0.9999),
    ("p99_999", "p99.999", 0.99999),
    ("max", "max", 1.0),
];

/// The server and the plan of a run, as a report names them.
#[derive(Debug)]
pub struct Heading<'a> {
    /// The name of the protocol.
    pub protocol: &'a str,
    /// The name of the transport.
    pub transport: &'a str,
    /// The command of the server, or the address of one that runs already.
    pub server: &'a str,
    /// The length of the payloads; 0 if requests carry none.
    pub size: usize,
    /// The plan of the run.
    pub plan: &'a Plan,
}

impl Heading<'_> {
    /// Returns the heading in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let plan = self.plan;
        let size = if self.size > 0 { format!(", {}", format_size(self.size as f64)) } else { String::new() };
        let pace = match plan.rate {
            Some(rate) => format!("open loop at {} requests/s", format_number(rate)),
            None => "closed loop".into(),
        };
        let churn = if plan.churn { ", a new one for each exchange" } else { "" };
        format!(
            "{} over {}: {}{churn}{size}, {pace}, {}",
            self.protocol,
            self.transport,
            count_with_noun(plan.connections, "connection"),
            count_with_noun(plan.threads, "thread"),
        )
    }
}

/// Writes the report of a run as text.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_text(heading: &Heading<'_>, results: &Results, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", heading.line())?;
    writeln!(out, "server: {}", one_line(heading.server))?;
    writeln!(out)?;
    let seconds = results.measured.as_secs_f64();
    writeln!(
        out,
        "  {:.0} requests/s   {} verified replies in {seconds:.2} s, {}",
        results.rate(),
        format_count(results.replies),
        format_data_rate(results.bytes as f64 / seconds.max(f64::MIN_POSITIVE)),
    )?;
    write_latencies(heading.plan, results, out)?;
    write_cost(results, out)?;
    write_errors(results, out)?;
    for warning in warnings(heading.plan, results) {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(())
}

fn write_latencies(plan: &Plan, results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let latencies = &results.latencies;
    if latencies.is_empty() {
        return Ok(());
    }
    let from = if plan.rate.is_some() { "from the intended send time" } else { "from the send" };
    writeln!(out, "  latency, {from}:")?;
    for (_, name, share) in PERCENTILES {
        let value = latencies.value_at_quantile(share);
        // A percentile of fewer requests than it divides them into is the maximum.
        if name == "max" || (1.0 - share) * latencies.len() as f64 >= 1.0 {
            writeln!(out, "    {name:<8} {}", format_time(value))?;
        }
    }
    Ok(())
}

fn write_cost(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let seconds = results.measured.as_secs_f64();
    if let Some(cpu) = results.server_cpu
        && let Some(each) = results.per_reply(cpu)
    {
        let cores = format_number(cpu.as_secs_f64() / seconds);
        write!(out, "  server   {} µs of CPU a request, {cores} cores", format_number(each))?;
        if let Some(memory) = results.memory_per_connection() {
            write!(out, ", {} of memory a connection", format_size(memory))?;
        }
        writeln!(out)?;
    }
    if let Some(each) = results.per_reply(results.client_cpu) {
        let busy = results.busiest_thread * 100.0;
        writeln!(out, "  client   {} µs of CPU a request, busiest thread {busy:.0} %", format_number(each))?;
    }
    Ok(())
}

fn write_errors(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    if results.errors.total() == 0 && results.unanswered == 0 {
        return writeln!(out, "  errors   none");
    }
    for kind in ErrorKind::ALL {
        let errors = results.errors.of(kind);
        if errors.count > 0 {
            let first = one_line(errors.first.as_deref().unwrap_or_default());
            writeln!(out, "  errors   {} {}: first: {first}", format_count(errors.count), kind.words())?;
        }
    }
    if results.unanswered > 0 {
        writeln!(out, "  errors   {} requests without a reply at the end", format_count(results.unanswered))?;
    }
    Ok(())
}

/// Returns what a reader must know before using the figures.
fn warnings(plan: &Plan, results: &Results) -> Vec<String> {
    let mut warnings = Vec::new();
    if results.client_is_limit() {
        warnings.push(format!(
            "a thread of the client was busy for {:.0} % of the time: the rate is the client's, not the server's. \
             Use more threads (--threads), or a lower rate (--rate)",
            results.busiest_thread * 100.0
        ));
    }
    if results.is_disturbed() {
        warnings.push(format!(
            "the client was ready to run but waited for a processor for {:.0} % of the time: latencies and rate are \
             those of a busy machine. Processor time a request stays comparable",
            results.waited_for_cpu.unwrap_or_default() * 100.0
        ));
    }
    if results.connected < plan.connections {
        warnings.push(format!(
            "the server answered on {} of {} connections",
            results.connected, plan.connections
        ));
    }
    if let Some(rate) = plan.rate
        && plan.requests.is_none()
        && results.rate() < rate * ACHIEVED
        && !results.is_interrupted
    {
        warnings.push(format!(
            "{:.0} requests/s were answered of {rate:.0} that were due: the latencies grow with the time of the run",
            results.rate()
        ));
    }
    if results.is_interrupted {
        warnings.push("the run was interrupted: these are the results so far".into());
    }
    warnings
}

/// Writes the report of a run as one JSON object.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_json(heading: &Heading<'_>, results: &Results, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &json(heading, results))?;
    writeln!(out)?;
    out.flush()
}

/// Writes the rates that a search for the knee has tried, as text.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_knee(heading: &Heading<'_>, steps: &[Step], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", heading.line())?;
    writeln!(out, "server: {}", one_line(heading.server))?;
    writeln!(out)?;
    writeln!(out, "  {:>12}  {:>12}  {:>10}  {:>10}", "requests/s", "achieved", "p50", "p99")?;
    for step in steps {
        let [p50, p99] =
            [0.5, 0.99].map(|share| format_time(step.results.latencies.value_at_quantile(share)));
        let (rate, achieved) = (step.rate, step.results.rate());
        let verdict = step.broken.as_deref().unwrap_or("good");
        writeln!(out, "  {rate:>12.0}  {achieved:>12.0}  {p50:>10}  {p99:>10}  {verdict}")?;
    }
    match last_good(steps) {
        Some(step) => writeln!(out, "knee: {:.0} requests/s", step.rate),
        None => writeln!(out, "knee: none of these rates is good"),
    }
}

/// Writes the rates that a search for the knee has tried, as one JSON object.
///
/// # Errors
/// The errors of writing to `out`.
pub fn write_knee_json(heading: &Heading<'_>, steps: &[Step], out: &mut dyn Write) -> io::Result<()> {
    let step = |step: &Step| {
        let plan = Plan { rate: Some(step.rate), ..heading.plan.clone() };
        json!({
            "rate": step.rate,
            "broken": step.broken,
            "results": json(&Heading { plan: &plan, ..*heading }, &step.results),
        })
    };
    let object = json!({
        "version": 1,
        "knee": last_good(steps).map(|step| step.rate),
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &object)?;
    writeln!(out)?;
    out.flush()
}

fn json(heading: &Heading<'_>, results: &Results) -> Value {
    let plan = heading.plan;
    let server = results.server_cpu.map(|cpu| {
        json!({
            "cpu_us_per_request": results.per_reply(cpu),
            "cpu_seconds": cpu.as_secs_f64(),
            "memory_bytes": results.server_memory.map(|(bytes, _)| bytes),
            "memory_bytes_per_connection": results.memory_per_connection(),
        })
    });
    let intervals = results.intervals.iter().map(|interval| {
        json!({
            "began_seconds": interval.began.as_secs_f64(),
            "requests": interval.replies,
            "p50_ns": interval.p50,
            "p99_ns": interval.p99,
            "max_ns": interval.max,
        })
    });
    json!({
        "version": 1,
        "protocol": heading.protocol,
        "transport": heading.transport,
        "server_command": heading.server,
        "loop": if plan.rate.is_some() { "open" } else { "closed" },
        "rate": plan.rate,
        "connections": plan.connections,
        "connected": results.connected,
        "threads": plan.threads,
        "size": heading.size,
        "churn": plan.churn,
        "seed": plan.seed,
        "seconds": results.measured.as_secs_f64(),
        "requests": results.replies,
        "requests_per_second": results.rate(),
        "bytes": results.bytes,
        "latency_ns": latency(results),
        "lateness_p99_ns": plan.rate.map(|_| results.lateness.value_at_quantile(0.99)),
        "server": server,
        "client": {
            "cpu_us_per_request": results.per_reply(results.client_cpu),
            "cpu_seconds": results.client_cpu.as_secs_f64(),
            "busiest_thread": results.busiest_thread,
            "is_limit": results.client_is_limit(),
            "waited_for_cpu": results.waited_for_cpu,
        },
        "errors": errors(results),
        "wrong_replies": results.wrong_replies(),
        "unanswered": results.unanswered,
        "reconnects": results.reconnects,
        "interrupted": results.is_interrupted,
        "warnings": warnings(plan, results),
        "intervals": intervals.collect::<Vec<_>>(),
    })
}

fn latency(results: &Results) -> Value {
    if results.latencies.is_empty() {
        return Value::Null;
    }
    let values = PERCENTILES.map(|(name, _, share)| (name, results.latencies.value_at_quantile(share)));
    let mut object = json!({ "min": results.latencies.min(), "mean": results.latencies.mean() });
    for (name, value) in values {
        object[name] = value.into();
    }
    object
}

fn errors(results: &Results) -> Value {
    let of = |kind: ErrorKind| {
        let errors = results.errors.of(kind);
        (kind.name().to_owned(), json!({ "count": errors.count, "first": errors.first }))
    };
    Value::Object(ErrorKind::ALL.map(of).into_iter().collect())
}
