//! Measures every server in every cell, in rounds: each round measures all servers once, in a new order.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use echospec::bench::placement::processors::{ProcessorPair, choose_processors};
use echospec::deadline::is_interrupted;

use super::cell::Cell;
use super::generator::{Figures, Generator, Load};
use super::results::Sample;
use super::runnable::Runnable;

/// The servers and cells to measure, and how often.
#[derive(Debug)]
pub struct Plan {
    pub servers: Vec<Runnable>,
    pub cells: Vec<Cell>,
    pub rounds: usize,
    /// The duration of the timed part of each measurement.
    pub seconds: f64,
    pub generator: Generator,
    pub processors: ProcessorPair,
}

impl Plan {
    /// Measures all rounds. Stops when the program is interrupted. Prints the progress.
    pub fn measure(&self) -> Vec<Sample> {
        let began = Instant::now();
        let mut samples = Vec::new();
        for round in 0..self.rounds {
            for &cell in &self.cells {
                for server in self.order(round, cell) {
                    if is_interrupted() {
                        return samples;
                    }
                    samples.push(self.sample(server, cell, round));
                }
            }
            self.print_progress(round + 1, began.elapsed());
        }
        samples
    }

    /// Returns the servers of a cell in the order of a round. Each order is as likely as any other.
    fn order(&self, round: usize, cell: Cell) -> Vec<&Runnable> {
        let mut servers: Vec<_> =
            self.servers.iter().filter(|it| cell.connections <= it.contender.max_connections).collect();
        servers.sort_by_cached_key(|it| {
            let mut hasher = DefaultHasher::new();
            (round, cell.size, cell.connections, it.contender.name).hash(&mut hasher);
            hasher.finish()
        });
        servers
    }

    fn sample(&self, server: &Runnable, cell: Cell, round: usize) -> Sample {
        let figures = self.measure_once(server, cell).map_err(|error| format!("{error:#}"));
        if let Err(reason) = &figures
            && !is_interrupted()
        {
            eprintln!("warning: {} at {cell}: {reason}", server.contender.name);
        }
        let (figures, error) = match figures {
            Ok(figures) => (Some(figures), None),
            Err(error) => (None, Some(error)),
        };
        Sample { server: server.contender.name.to_owned(), cell, round, figures, error }
    }

    fn measure_once(&self, runnable: &Runnable, cell: Cell) -> Result<Figures> {
        let load = Load {
            cell,
            seconds: self.seconds,
            client_processor: self.processors.client,
            server_processor: self.server_processor(),
        };
        self.generator.drive(&load, runnable)
    }

    /// Returns the processor of the server: the client's, if there is no other.
    pub fn server_processor(&self) -> usize {
        self.processors.server.unwrap_or(self.processors.client)
    }

    fn print_progress(&self, done: usize, elapsed: Duration) {
        let left = elapsed.as_secs_f64() / done as f64 * (self.rounds - done) as f64;
        eprintln!(
            "round {done} of {}; {:.0} min {:02.0} s left",
            self.rounds,
            (left / 60.0).floor(),
            left % 60.0
        );
    }
}

/// Chooses the two processors.
pub fn processors() -> Result<ProcessorPair> {
    choose_processors().context("cannot find the processors that this process may use")
}
