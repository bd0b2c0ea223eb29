//! The load generator of `echospec load`: many connections, every reply verified, latencies without coordinated
//! omission.
//!
//! | file | content |
//! |---|---|
//! | `plan`, `schedule` | how many connections, how fast, how long; the send times of an open loop |
//! | `exchange`, `message`, `script` | requests and expected replies, made without allocation |
//! | `verify` | compares replies with memory, and asks the protocol where they differ |
//! | `target`, `connection` | sockets that never wait |
//! | `client/` | a thread's event loop |
//! | `record`, `results` | latencies, errors, figures |
//! | `cost` | processor time and memory of server and client |
//! | `run`, `knee` | threads and phases of one run; runs at rising rates |
//! | `report`, `plot`, `units` | results as text, JSON and SVG |

mod client;
mod connection;
mod cost;
mod exchange;
mod knee;
mod message;
mod plan;
mod plot;
mod record;
mod report;
mod results;
mod run;
mod schedule;
mod script;
mod shared;
mod target;
mod units;
mod verify;

pub use knee::{Limit, Step, find_knee};
pub use plan::Plan;
pub use plot::draw_latencies;
pub use report::{Heading, write_json, write_knee, write_knee_json, write_text};
pub use results::Results;
pub use run::{Progress, RunError, run};
pub use script::DEFAULT_SIZE;
pub use target::TRANSPORTS;
pub use units::format_time;
