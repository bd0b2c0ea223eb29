//! Which descriptors refer to one open file description: one offset, one set of flags. open(2).
//!
//! A pipe or a socket has a number by which it is known in every process. The name of a file says less: two
//! processes may each have opened it, or one have inherited what the other opened.

use super::picture::{Player, Row};
use crate::sys::{self, Object};

/// Gives descriptors of the same file that share one open file description the same number for it. None gets one
/// where the system does not tell.
pub(super) fn find_descriptions(processes: &mut [Player]) {
    let places: Vec<(usize, usize)> = places(processes);
    let mut next = 0;
    for (index, &place) in places.iter().enumerate() {
        let same = places[..index].iter().find(|&&earlier| are_one(processes, earlier, place));
        let number = same.and_then(|&(process, row)| processes[process].rows[row].description);
        processes[place.0].rows[place.1].description = number.or_else(|| {
            next += 1;
            is_told(processes, place).then_some(next)
        });
    }
}

/// Every descriptor of a file that is shown.
fn places(processes: &[Player]) -> Vec<(usize, usize)> {
    let of = |(process, player): (usize, &Player)| {
        let shown = |row: &Row| row.visible && matches!(row.object, Object::File(_));
        let rows = player.rows.iter().enumerate().filter(|(_, row)| shown(row));
        rows.map(|(row, _)| (process, row)).collect::<Vec<_>>()
    };
    processes.iter().enumerate().flat_map(of).collect()
}

fn are_one(processes: &[Player], one: (usize, usize), other: (usize, usize)) -> bool {
    let row = |place: (usize, usize)| &processes[place.0].rows[place.1];
    let name = |place: (usize, usize)| (processes[place.0].pid, row(place).number);
    row(one).object == row(other).object && sys::same_open_file(name(one), name(other)).unwrap_or(false)
}

/// Whether the system answers the question at all: a descriptor is the same as itself.
fn is_told(processes: &[Player], place: (usize, usize)) -> bool {
    are_one(processes, place, place)
}
