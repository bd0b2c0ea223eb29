//! An archive from which the kernel fills the memory of a machine: cpio(5), format "newc".

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// An archive that is being written.
#[derive(Debug)]
pub struct Archive<W> {
    to: W,
    files: u32,
}

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

impl<W: Write> Archive<W> {
    pub fn new(to: W) -> Archive<W> {
        Archive { to, files: 0 }
    }

    pub fn add_directory(&mut self, name: &str) -> Result<()> {
        self.add(name, DIRECTORY, &[])
    }

    /// Adds a file that can be executed.
    pub fn add_file(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.add(name, PROGRAM, content)
    }

    /// Adds a copy of the file at `path`.
    pub fn add_copy(&mut self, name: &str, path: &Path) -> Result<()> {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.add_file(name, &content)
    }

    /// Writes the end of the archive.
    pub fn finish(mut self) -> Result<()> {
        self.add("TRAILER!!!", 0, &[])?;
        Ok(self.to.flush()?)
    }

    fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.files += 1;
        let length = u32::try_from(content.len()).context("the file is too long for the archive")?;
        let name_length = u32::try_from(name.len() + 1)?;
        // The owner, the time and the devices are 0. The last number is a sum that this format does not use.
        let numbers = [self.files, mode, 0, 0, 1, 0, length, 0, 0, 0, 0, name_length, 0];
        let header: String = numbers.iter().map(|number| format!("{number:08x}")).collect();
        let head = format!("070701{header}{name}\0");
        self.write_padded(head.as_bytes())?;
        self.write_padded(content)
    }

    fn write_padded(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes)?;
        let padding = bytes.len().next_multiple_of(4) - bytes.len();
        Ok(self.to.write_all(&[0; 3][..padding])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_begins_at_a_multiple_of_four() {
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.add_file("init", b"hello").unwrap();
        archive.finish().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("07070100000001000081ed"), "{text:?}");
        assert_eq!(&text[54..62], "00000005", "the length of the file");
        assert_eq!(&text[110..124], "init\0\0hello\0\0\0");
        assert!(text.ends_with("TRAILER!!!\0\0\0\0") && text.len().is_multiple_of(4), "{text:?}");
    }
}
