//! Finds the descriptors of files that share one open file description: one offset, one set of flags. open(2).
//!
//! A pipe or a socket has an id that is the same in every process. The path of a file does not say as much: two
//! processes can each have opened the file, or one can have inherited the descriptor that the other opened.

use super::process::{DescriptorRow, Process};
use crate::sys::{self, Object};

/// Numbers the open file descriptions of visible files, in [`DescriptorRow::description`]. Descriptors of one
/// description get the same number. Numbers nothing if the system cannot compare descriptions.
pub(super) fn number_descriptions(processes: &mut [Process]) {
    let files: Vec<(usize, usize)> = visible_files(processes);
    let mut next = 0;
    for (count, &file) in files.iter().enumerate() {
        let same = files[..count].iter().find(|&&earlier| share_description(processes, earlier, file));
        let number = same.and_then(|&(process, row)| processes[process].rows[row].description);
        processes[file.0].rows[file.1].description = number.or_else(|| {
            next += 1;
            is_comparable(processes, file).then_some(next)
        });
    }
}

fn visible_files(processes: &[Process]) -> Vec<(usize, usize)> {
    let of = |(index, process): (usize, &Process)| {
        let is_file = |row: &DescriptorRow| row.visible && matches!(row.object, Object::File(_));
        let rows = process.rows.iter().enumerate().filter(|(_, row)| is_file(row));
        rows.map(|(row, _)| (index, row)).collect::<Vec<_>>()
    };
    processes.iter().enumerate().flat_map(of).collect()
}

fn share_description(processes: &[Process], one: (usize, usize), other: (usize, usize)) -> bool {
    let row = |(process, row): (usize, usize)| &processes[process].rows[row];
    let name = |at: (usize, usize)| (processes[at.0].pid, row(at).number);
    row(one).object == row(other).object && sys::same_open_file(name(one), name(other)).unwrap_or(false)
}

/// Returns whether the system can compare open file descriptions: if it can, a descriptor equals itself.
fn is_comparable(processes: &[Process], file: (usize, usize)) -> bool {
    share_description(processes, file, file)
}
