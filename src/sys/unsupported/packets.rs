//! Packets: echospec captures them only on Linux. `/dev/bpf` of the BSDs needs root.

use std::io;
use std::time::Duration;

use super::unsupported;
use crate::sys::types::CapturedPacket;

/// Stands for a packet capture, which echospec has only on Linux. The type has no values.
#[derive(Debug)]
pub enum PacketCapture {}

impl PacketCapture {
    /// Returns `Unsupported`: echospec captures packets only on Linux.
    pub fn open(_port: Option<u16>, _snap_length: u32) -> io::Result<PacketCapture> {
        unsupported("echospec captures packets only on Linux")
    }

    /// Is never called, because on this system there is no packet capture to read from.
    pub fn next_packet<'a>(
        &self,
        _buffer: &'a mut [u8],
        _timeout: Duration,
    ) -> io::Result<Option<CapturedPacket<'a>>> {
        match *self {}
    }

    /// Is never called, because on this system there is no packet capture that could drop packets.
    pub fn take_dropped(&self) -> io::Result<u64> {
        match *self {}
    }
}
