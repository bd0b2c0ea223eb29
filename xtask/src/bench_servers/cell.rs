//! The cells of the comparison: the numbers of connections and the sizes of messages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of connections and a size of messages, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    pub size: usize,
    pub connections: usize,
}

/// The sizes that are measured.
pub const SIZES: [usize; 2] = [64, 64 << 10];

/// The numbers of connections that are measured.
pub const CONNECTIONS: [usize; 4] = [1, 50, 1_000, 10_000];

/// Socket buffers would hold more than this many bytes of messages: the cell would measure the limits of memory.
const MAX_BYTES: usize = 256 << 20;

/// Returns all cells.
pub fn all() -> Vec<Cell> {
    let cells = SIZES.into_iter().flat_map(|size| CONNECTIONS.map(|connections| Cell { size, connections }));
    cells.filter(|cell| cell.size * cell.connections <= MAX_BYTES).collect()
}

impl Cell {
    /// Returns the size with its unit.
    pub fn size_label(self) -> String {
        if self.size >= 1 << 10 { format!("{} KiB", self.size >> 10) } else { format!("{} B", self.size) }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} × {}", self.size_label(), thousands(self.connections))
    }
}

/// Writes a number with a comma before each group of three digits.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_has_units_and_groups_of_digits() {
        assert_eq!(Cell { size: 65_536, connections: 10_000 }.to_string(), "64 KiB × 10,000");
        assert_eq!(Cell { size: 64, connections: 1 }.to_string(), "64 B × 1");
    }

    #[test]
    fn cells_fit_into_memory() {
        assert_eq!(all().len(), 7);
    }
}
