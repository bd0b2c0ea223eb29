//! Finding a server's address in its output.

use crate::transport::Address;

/// Reports whether `text`, which a server has printed, contains the path of `address`, or its port as a whole number.
pub(super) fn contains_address(text: &str, address: &Address) -> bool {
    match address {
        Address::Inet(inet) => numbers(text).any(|number| number == inet.port().to_string()),
        Address::Path(path) => text.contains(&*path.to_string_lossy()),
        Address::Stdio => false,
    }
}

/// Returns every sequence of decimal digits in `text`, which may contain a port.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter(|run| !run.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_port_but_not_as_part_of_a_longer_number() {
        let address = Address::Inet("127.0.0.1:7007".parse().unwrap());
        assert!(contains_address("Listening on port 7007.", &address));
        assert!(!contains_address("[70071] started", &address));
    }
}
