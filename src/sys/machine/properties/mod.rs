//! What is known of the machine that changes figures, each with where it was read. What cannot be read says why.

use std::io;

#[cfg(target_os = "freebsd")]
#[path = "freebsd.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
#[path = "other.rs"]
mod system;

#[cfg(target_os = "linux")]
mod hardware;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
mod sysctl;

/// Something about the machine.
#[derive(Debug)]
pub struct Property {
    /// Its name, as the system calls it where it has one: `net.ipv4.tcp_congestion_control`.
    pub name: &'static str,
    /// The file, call or variable that tells it.
    pub source: String,
    /// What it is, or why that is not known.
    pub value: Result<String, String>,
}

impl Property {
    fn new(name: &'static str, source: impl Into<String>, value: io::Result<String>) -> Property {
        let value = value.map(tidy).map_err(|error| explain(&error));
        Property { name, source: source.into(), value }
    }
}

/// Everything that this system tells, in the order in which it should be read. `processors` are those that are used.
#[must_use]
pub fn properties(processors: &[usize]) -> Vec<Property> {
    system::properties(processors)
}

/// The model of the processor.
///
/// # Errors
/// `NotFound` or `Unsupported` where the system does not tell.
pub fn processor_model() -> io::Result<String> {
    system::processor_model()
}

/// In one line.
fn tidy(text: String) -> String {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "this machine does not have it, or does not tell".into(),
        io::ErrorKind::PermissionDenied => "this user may not read it".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::usable_processors;
    use super::*;

    #[test]
    fn everything_is_told_or_says_why_not_and_no_name_comes_twice() {
        let all = properties(&usable_processors().unwrap());
        for property in &all {
            assert!(!property.source.is_empty(), "{property:?}");
            let text = property.value.as_ref().unwrap_or_else(|why| why);
            assert!(!text.contains('\n') && !text.trim().is_empty(), "{property:?}");
            assert_eq!(all.iter().filter(|other| other.name == property.name).count(), 1, "{property:?}");
        }
    }

    #[test]
    fn what_is_not_there_says_so() {
        let absent = Property::new("nothing", "/nowhere", Err(io::ErrorKind::NotFound.into()));
        assert!(absent.value.unwrap_err().contains("does not"));
    }
}
