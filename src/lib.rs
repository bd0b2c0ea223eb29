//! echospec
pub mod checks;
pub mod os;
pub mod patience;
pub mod payload;
pub mod runner;
pub mod server;
pub mod transport;
pub mod verdict;
