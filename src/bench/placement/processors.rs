//! Which two processors a comparison runs on.

use std::io;

use crate::sys::{Core, core_of, usable_processors};

/// The two processors, and why they were chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The client's; the server's too where both run on the same.
    pub client: usize,
    /// The server's where it is placed apart; absent where there is only one processor.
    pub server: Option<usize>,
    /// What was chosen, for the reader.
    pub says: String,
}

/// Chooses among the processors that this process may use: two cores rather than two threads of one, one package
/// rather than two, and the highest numbers, since interrupts prefer the lowest.
///
/// # Errors
/// As [`usable_processors`].
pub fn choose() -> io::Result<Pair> {
    let usable = usable_processors()?;
    choose_among(&usable, |processor| core_of(processor).ok())
        .ok_or_else(|| io::Error::other("this process may use no processor at all"))
}

/// How near two processors are; the nearest that shares no core is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    SamePackage,
    Unknown,
    OtherPackage,
    SameCore,
}

fn choose_among(usable: &[usize], core: impl Fn(usize) -> Option<Core>) -> Option<Pair> {
    let mut best: Option<(Distance, usize, usize)> = None;
    for (place, &server) in usable.iter().enumerate().rev() {
        for &client in usable[..place].iter().rev() {
            let distance = distance(client, core(client).as_ref(), core(server).as_ref());
            if best.is_none_or(|(known, ..)| distance < known) {
                best = Some((distance, client, server));
            }
        }
    }
    match best {
        Some((distance, client, server)) => {
            let says = format!("processors {client} and {server}: {}", distance.says());
            Some(Pair { client, server: Some(server), says })
        }
        None => usable.first().map(|&client| Pair {
            client,
            server: None,
            says: format!("processor {client}: this process may use no other"),
        }),
    }
}

fn distance(client: usize, one: Option<&Core>, other: Option<&Core>) -> Distance {
    match (one, other) {
        (Some(_), Some(other)) if other.threads.contains(&client) => Distance::SameCore,
        (Some(one), Some(other)) if one.package == other.package => Distance::SamePackage,
        (Some(_), Some(_)) => Distance::OtherPackage,
        _ => Distance::Unknown,
    }
}

impl Distance {
    fn says(self) -> &'static str {
        match self {
            Distance::SamePackage => "two cores of one package",
            Distance::OtherPackage => "cores of two packages, which share no cache",
            Distance::SameCore => "two threads of one core, which slow each other down",
            Distance::Unknown => "the system does not tell whether they share a core",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two packages of two cores with two threads: 0 and 4 share a core, 0 to 3 alternate between the packages.
    fn server_board(processor: usize) -> Option<Core> {
        let first = processor % 4;
        Some(Core { package: first % 2, threads: vec![first, first + 4] })
    }

    fn chosen(usable: &[usize], core: fn(usize) -> Option<Core>) -> (usize, Option<usize>) {
        let pair = choose_among(usable, core).unwrap();
        (pair.client, pair.server)
    }

    #[test]
    fn two_cores_of_one_package_are_preferred() {
        assert_eq!(chosen(&[0, 1, 2, 3, 4, 5, 6, 7], server_board), (5, Some(7)));
    }

    #[test]
    fn two_packages_are_better_than_one_core() {
        assert_eq!(chosen(&[0, 1, 4], server_board), (1, Some(4)));
    }

    #[test]
    fn two_threads_of_one_core_are_better_than_one() {
        assert_eq!(chosen(&[0, 4], server_board), (0, Some(4)));
        assert!(choose_among(&[0, 4], server_board).unwrap().says.contains("one core"));
    }

    #[test]
    fn one_processor_makes_no_pair() {
        assert_eq!(chosen(&[3], server_board), (3, None));
        assert_eq!(choose_among(&[], server_board), None);
    }

    #[test]
    fn what_is_not_told_is_said() {
        assert_eq!(chosen(&[0, 1, 2], |_| None), (1, Some(2)));
        assert!(choose_among(&[0, 1], |_| None).unwrap().says.contains("not tell"));
    }

    #[test]
    fn this_machine_has_a_processor() {
        assert!(usable_processors().unwrap().contains(&choose().unwrap().client));
    }
}
