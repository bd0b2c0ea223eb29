//! BSD's /dev/bpf is root's, and another protocol: only Linux hears packets here.

use std::io;
use std::time::Duration;

use crate::sys::types::Frame;

#[derive(Debug)]
pub enum Tap {}

impl Tap {
    pub fn open(_port: Option<u16>, _room: u32) -> io::Result<Tap> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn next<'a>(&self, _room: &'a mut [u8], _limit: Duration) -> io::Result<Option<Frame<'a>>> {
        match *self {}
    }

    pub fn missed(&self) -> io::Result<u64> {
        match *self {}
    }
}
