//! What a server says about where it is.

use crate::transport::Address;

/// Whether `text` names `address`: its path, or its port as a number of its own.
pub(super) fn names(text: &str, address: &Address) -> bool {
    match address {
        Address::Inet(inet) => numbers(text).any(|number| number == inet.port().to_string()),
        Address::Path(path) => text.contains(&*path.to_string_lossy()),
        Address::Stdio => false,
    }
}

/// Every run of decimal digits.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter(|run| !run.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_by_its_port_and_by_no_part_of_a_longer_number() {
        let address = Address::Inet("127.0.0.1:7007".parse().unwrap());
        assert!(names("Listening on port 7007.", &address));
        assert!(!names("[70071] started", &address));
    }
}
