//! The memory of a connection, and what 100,000 short connections leave behind.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use echospec::deadline::{is_interrupted, until};
use echospec::server::Server;
use serde::{Deserialize, Serialize};

use super::cell::thousands;
use super::runnable::Runnable;

/// The memory that a server holds for each idle connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memory {
    pub server: String,
    /// The number of idle connections.
    pub connections: usize,
    /// Bytes for each connection that has exchanged one message and is idle since.
    pub idle: f64,
    /// The seconds until all were connected, one after the other, and had exchanged their messages.
    pub connect_seconds: f64,
}

/// The state of a server before and after many short connections.
#[derive(Debug)]
pub struct Churn {
    pub cycles: usize,
    pub descriptors: [usize; 2],
    /// Bytes of memory.
    pub memory: [u64; 2],
}

/// The number of idle connections.
const IDLE: usize = 1_000;

/// The number of connections of the churn, and of those before its first reading.
const CYCLES: usize = 100_000;
const WARM_UP: usize = 10_000;

/// The deadline of each exchange.
const REPLY: Duration = Duration::from_secs(10);

/// The time in which the server closes the last connections.
const CLOSE: Duration = Duration::from_secs(5);

/// Measures the memory of a connection of each server. Leaves out those that fail, with a warning.
pub fn measure(servers: &[Runnable], processor: usize) -> Vec<Memory> {
    let many = servers.iter().filter(|it| it.contender.max_connections >= IDLE);
    let measure = |server: &Runnable| match memory_of(server, processor) {
        Ok(memory) => Some(memory),
        Err(error) => {
            eprintln!("warning: {}: no memory of a connection: {error:#}", server.contender.name);
            None
        }
    };
    many.take_while(|_| !is_interrupted()).filter_map(measure).collect()
}

fn memory_of(runnable: &Runnable, processor: usize) -> Result<Memory> {
    let server = runnable.launch(processor)?;
    let address = runnable.address(&server)?;
    // The first exchange may allocate what the server needs once.
    exchange(&mut connect(address)?)?;
    let before = memory(&server)?;
    let began = Instant::now();
    // All connect before the first exchange, as fast as the backlog allows.
    let mut clients: Vec<_> = (0..IDLE).map(|_| connect(address)).collect::<Result<_>>()?;
    clients.iter_mut().try_for_each(exchange)?;
    let connect_seconds = began.elapsed().as_secs_f64();
    let after = memory(&server)?;
    let idle = (after as f64 - before as f64) / IDLE as f64;
    Ok(Memory { server: runnable.contender.name.to_owned(), connections: IDLE, idle, connect_seconds })
}

/// Opens and closes many connections, and compares the server's descriptors and memory.
pub fn churn(runnable: &Runnable, processor: usize) -> Result<Churn> {
    let server = runnable.launch(processor)?;
    let address = runnable.address(&server)?;
    let idle = descriptors(&server)?;
    connect_and_close(address, WARM_UP)?;
    await_descriptors(&server, idle);
    let before = (descriptors(&server)?, memory(&server)?);
    connect_and_close(address, CYCLES)?;
    await_descriptors(&server, idle);
    let after = (descriptors(&server)?, memory(&server)?);
    Ok(Churn { cycles: CYCLES, descriptors: [before.0, after.0], memory: [before.1, after.1] })
}

impl Churn {
    /// Whether descriptors and memory are back. An allocator may keep a megabyte.
    pub fn is_back(&self) -> bool {
        self.descriptors[1] <= self.descriptors[0] && self.memory[1] <= self.memory[0] + (1 << 20)
    }
}

impl fmt::Display for Churn {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Churn { cycles, descriptors, memory } = self;
        let verdict = if self.is_back() { "back" } else { "NOT back" };
        write!(
            to,
            "{verdict} after {} connections: descriptors {} to {}, memory {} to {} KiB",
            thousands(*cycles),
            descriptors[0],
            descriptors[1],
            memory[0] >> 10,
            memory[1] >> 10
        )
    }
}

fn connect_and_close(address: SocketAddr, cycles: usize) -> Result<()> {
    for _ in 0..cycles {
        ensure!(!is_interrupted(), "interrupted");
        exchange(&mut connect(address)?)?;
    }
    Ok(())
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let client = TcpStream::connect(address).context("cannot connect")?;
    client.set_read_timeout(Some(REPLY))?;
    Ok(client)
}

/// Verifies the echo of one message.
fn exchange(client: &mut TcpStream) -> Result<()> {
    // The client's port makes each message different.
    let message = format!("{:>64}", client.local_addr()?.to_string());
    client.write_all(message.as_bytes())?;
    let mut reply = vec![0; message.len()];
    client.read_exact(&mut reply).context("no reply")?;
    ensure!(reply == message.as_bytes(), "a wrong reply: {:?}", String::from_utf8_lossy(&reply));
    Ok(())
}

/// Waits until the server has no more descriptors than `number`. If it keeps some, the reading shows them.
fn await_descriptors(server: &Server, number: usize) {
    let _ = until(CLOSE, || Ok(descriptors(server).ok().filter(|&now| now <= number)));
}

/// Returns the number of descriptors of all processes of the server.
fn descriptors(server: &Server) -> Result<usize> {
    let processes = server.processes().map_err(|it| anyhow!(it.reason))?;
    let counts = processes.iter().map(|process| server.descriptor_count(process.pid).unwrap_or_default());
    Ok(counts.sum())
}

/// Returns the memory of all processes of the server. A page that several processes share counts once: `Pss` of
/// proc_pid_smaps(5).
fn memory(server: &Server) -> Result<u64> {
    let processes = server.processes().map_err(|it| anyhow!(it.reason))?;
    let mut sum = 0;
    for process in processes {
        let path = format!("/proc/{}/smaps_rollup", process.pid);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            // The process has exited since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
        };
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        sum += kibibytes << 10;
    }
    Ok(sum)
}
