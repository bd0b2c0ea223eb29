//! Writes pcapng files, which Wireshark and tcpdump read: draft-ietf-opsawg-pcapng.

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

/// Writes a packet capture file in the format pcapng. After each [`flush`](PcapngWriter::flush) the file is complete,
/// even if the program is killed.
pub struct PcapngWriter {
    file: File,
    blocks: PcapNgWriter<Vec<u8>>,
}

impl PcapngWriter {
    /// Writes the file's header and the description of the network interface. `snaplen` is the number of bytes kept of
    /// each packet.
    pub fn new(file: File, snaplen: u32) -> io::Result<PcapngWriter> {
        let program = concat!("echospec ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![
                SectionHeaderOption::OS(std::env::consts::OS.into()),
                SectionHeaderOption::UserApplication(program.into()),
            ],
            ..SectionHeaderBlock::default()
        };
        let mut blocks = PcapNgWriter::with_section_header(Vec::new(), section).map_err(to_io_error)?;
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen,
            options: vec![
                InterfaceDescriptionOption::IfName("lo".into()),
                // Timestamps in units of 10⁻⁹ s.
                InterfaceDescriptionOption::IfTsResol(9),
            ],
        };
        blocks.write_pcapng_block(interface).map_err(to_io_error)?;
        let mut writer = PcapngWriter { file, blocks };
        writer.flush()?;
        Ok(writer)
    }

    /// Adds a packet to the capture file. The next flush writes it.
    pub fn add(&mut self, frame: &CapturedPacket<'_>) -> io::Result<()> {
        self.push(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: frame.timestamp,
            original_len: u32::try_from(frame.length).unwrap_or(u32::MAX),
            data: Cow::Borrowed(frame.bytes),
            options: Vec::new(),
        })
    }

    /// Writes to the capture file how many packets the kernel dropped until `at`.
    pub fn finish(&mut self, at: Duration, dropped: u64) -> io::Result<()> {
        self.push(InterfaceStatisticsBlock {
            interface_id: 0,
            // The crate writes the timestamp as one little-endian number, but the format has the high half first.
            timestamp: u64::try_from(at.as_nanos()).unwrap_or_default().rotate_left(32),
            options: vec![InterfaceStatisticsOption::IsbOsDrop(dropped)],
        })?;
        self.flush()
    }

    /// Writes all packets that were added since the last flush to the capture file. Only complete blocks are written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&std::mem::take(self.blocks.get_mut()))
    }

    fn push<'a>(&mut self, block: impl PcapNgBlock<'a>) -> io::Result<()> {
        self.blocks.write_pcapng_block(block).map(drop).map_err(to_io_error)
    }
}

fn to_io_error(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}
