//! The file that Wireshark and its like open: draft-ietf-opsawg-pcapng.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgBlock, PcapNgWriter};
use pcap_file::{DataLink, Endianness, PcapError};

use crate::sys::CapturedPacket;

/// A capture file that is whole after each [`flush`](Pcapng::flush), however the program ends.
pub struct Pcapng {
    file: File,
    blocks: PcapNgWriter<Vec<u8>>,
}

impl Pcapng {
    /// Begins with what describes the interface; `room` is how much of each packet is kept, in bytes.
    pub fn begin(file: File, room: u32) -> io::Result<Pcapng> {
        let program = concat!("echospec ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![
                SectionHeaderOption::OS(std::env::consts::OS.into()),
                SectionHeaderOption::UserApplication(program.into()),
            ],
            ..SectionHeaderBlock::default()
        };
        let mut blocks = PcapNgWriter::with_section_header(Vec::new(), section).map_err(plain)?;
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen: room,
            options: vec![
                InterfaceDescriptionOption::IfName("lo".into()),
                // Time stamps in units of 10⁻⁹ s.
                InterfaceDescriptionOption::IfTsResol(9),
            ],
        };
        blocks.write_pcapng_block(interface).map_err(plain)?;
        let mut begun = Pcapng { file, blocks };
        begun.flush()?;
        Ok(begun)
    }

    /// Adds a packet, to be written with the next flush.
    pub fn add(&mut self, frame: &CapturedPacket<'_>) -> io::Result<()> {
        self.put(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: frame.timestamp,
            original_len: u32::try_from(frame.length).unwrap_or(u32::MAX),
            data: Cow::Borrowed(frame.bytes),
            options: Vec::new(),
        })
    }

    /// Adds how many packets of the interface were missed.
    pub fn end(&mut self, at: Duration, missed: u64) -> io::Result<()> {
        self.put(InterfaceStatisticsBlock {
            interface_id: 0,
            // The crate writes it as one little-endian number, where the format has the high half first.
            timestamp: u64::try_from(at.as_nanos()).unwrap_or_default().rotate_left(32),
            options: vec![InterfaceStatisticsOption::IsbOsDrop(missed)],
        })?;
        self.flush()
    }

    /// Writes whole blocks alone.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&std::mem::take(self.blocks.get_mut()))
    }

    fn put<'a>(&mut self, block: impl PcapNgBlock<'a>) -> io::Result<()> {
        self.blocks.write_pcapng_block(block).map(drop).map_err(plain)
    }
}

fn plain(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}
