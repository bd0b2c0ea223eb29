//! BSD's /dev/bpf is root's, and another protocol: only Linux hears packets here.

use std::io;
use std::time::Duration;

use crate::sys::types::CapturedPacket;

#[derive(Debug)]
pub enum PacketCapture {}

impl PacketCapture {
    pub fn open(_port: Option<u16>, _room: u32) -> io::Result<PacketCapture> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn next_packet<'a>(
        &self,
        _room: &'a mut [u8],
        _limit: Duration,
    ) -> io::Result<Option<CapturedPacket<'a>>> {
        match *self {}
    }

    pub fn take_dropped(&self) -> io::Result<u64> {
        match *self {}
    }
}
