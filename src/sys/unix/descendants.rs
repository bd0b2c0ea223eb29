//! Descendants of processes.

use std::collections::HashSet;
use std::io;

use nix::unistd::Pid;

use crate::sys::{Process, children};

/// Returns `roots` and all their descendants, each once, parents before their children. `children_of` lists the
/// children of one process.
pub fn with_descendants(roots: Vec<Pid>, mut children_of: impl FnMut(Pid) -> Vec<Pid>) -> Vec<Pid> {
    let mut seen: HashSet<Pid> = roots.iter().copied().collect();
    let mut found = roots;
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(children_of(parent).into_iter().filter(|&child| seen.insert(child)));
        next += 1;
    }
    found
}

/// Returns the descendants of `root`, zombies included, without `root` itself. Like [`children`], this can miss
/// a process while others exit.
///
/// # Errors
/// `Unsupported` where the system does not list processes.
pub fn descendants(root: Pid) -> io::Result<Vec<Process>> {
    let mut found = children(root)?;
    let first = found.iter().map(|child| child.pid).collect();
    with_descendants(first, |parent| {
        let next = children(parent).unwrap_or_default();
        let pids = next.iter().map(|child| child.pid).collect();
        found.extend(next);
        pids
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_grandchildren_once_and_no_strangers() {
        let parents = [(2, 1), (3, 2), (4, 3), (5, 1)];
        let children_of = |parent: Pid| {
            let children = parents.iter().filter(|(_, of)| *of == parent.as_raw());
            children.map(|(pid, _)| Pid::from_raw(*pid)).collect()
        };
        let found = with_descendants(vec![Pid::from_raw(2), Pid::from_raw(3)], children_of);
        assert_eq!(found, [2, 3, 4].map(Pid::from_raw));
    }
}
