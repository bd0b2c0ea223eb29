//! Chooses the two processors that a comparison runs on.

use std::io;

use crate::sys::{Core, core_of, usable_processors};

/// The two processors that a comparison uses, for client and server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorPair {
    /// The processor of the client. In placements on one processor the server runs on it, too.
    pub client: usize,
    /// The processor of the server in placements on two. `None` if this process may use only one.
    pub server: Option<usize>,
    /// A sentence for the user that states the chosen processors and the reason.
    pub description: String,
}

/// Chooses two processors, for client and server, among the processors that this process may use.
///
/// Prefers two cores to two threads of one core, and one package to two. Prefers high numbers, because the lowest ones
/// handle most interrupts.
///
/// # Errors
/// The errors of [`usable_processors`].
pub fn choose_processors() -> io::Result<ProcessorPair> {
    let usable = usable_processors()?;
    choose_among(&usable, |processor| core_of(processor).ok())
        .ok_or_else(|| io::Error::other("this process may use no processor at all"))
}

/// The distance between two processors, the best one for measuring first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    SamePackage,
    Unknown,
    OtherPackage,
    SameCore,
}

fn choose_among(usable: &[usize], core: impl Fn(usize) -> Option<Core>) -> Option<ProcessorPair> {
    let mut best: Option<(Distance, usize, usize)> = None;
    for (index, &server) in usable.iter().enumerate().rev() {
        for &client in usable[..index].iter().rev() {
            let distance = distance(client, core(client).as_ref(), core(server).as_ref());
            if best.is_none_or(|(known, ..)| distance < known) {
                best = Some((distance, client, server));
            }
        }
    }
    match best {
        Some((distance, client, server)) => {
            let description = format!("processors {client} and {server}: {}", distance.description());
            Some(ProcessorPair { client, server: Some(server), description })
        }
        None => usable.first().map(|&client| ProcessorPair {
            client,
            server: None,
            description: format!("processor {client}: this process may use no other"),
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
    fn description(self) -> &'static str {
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

    /// Describes a test machine, two packages of two cores with two threads: 0 and 4 share a core, 0 to 3 alternate
    /// between the packages.
    fn server_board(processor: usize) -> Option<Core> {
        let first = processor % 4;
        Some(Core { package: first % 2, threads: vec![first, first + 4] })
    }

    fn chosen(usable: &[usize], core: fn(usize) -> Option<Core>) -> (usize, Option<usize>) {
        let pair = choose_among(usable, core).unwrap();
        (pair.client, pair.server)
    }

    #[test]
    fn prefers_two_cores_of_one_package() {
        assert_eq!(chosen(&[0, 1, 2, 3, 4, 5, 6, 7], server_board), (5, Some(7)));
    }

    #[test]
    fn prefers_two_packages_to_one_core() {
        assert_eq!(chosen(&[0, 1, 4], server_board), (1, Some(4)));
    }

    #[test]
    fn prefers_two_threads_of_one_core_to_one_processor() {
        assert_eq!(chosen(&[0, 4], server_board), (0, Some(4)));
        assert!(choose_among(&[0, 4], server_board).unwrap().description.contains("one core"));
    }

    #[test]
    fn single_processor_has_no_second() {
        assert_eq!(chosen(&[3], server_board), (3, None));
        assert_eq!(choose_among(&[], server_board), None);
    }

    #[test]
    fn describes_an_unknown_topology() {
        assert_eq!(chosen(&[0, 1, 2], |_| None), (1, Some(2)));
        assert!(choose_among(&[0, 1], |_| None).unwrap().description.contains("not tell"));
    }

    #[test]
    fn chooses_a_usable_processor() {
        assert!(usable_processors().unwrap().contains(&choose_processors().unwrap().client));
    }
}
