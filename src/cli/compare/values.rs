//! Numbers as people write them.

use crate::bench::plan::LARGEST;

/// The lowest and the highest rate of an open loop, in messages a second.
const RATES: std::ops::RangeInclusive<f64> = 0.1..=100_000.0;

/// `64`, `4K`, `1M`: bytes.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1024,
        "m" | "M" => 1024 * 1024,
        _ => return Err("write bytes, or 4K, or 1M".into()),
    };
    let number: usize = digits.parse().map_err(|_| "not a size: write bytes, or 4K, or 1M")?;
    match number.checked_mul(unit) {
        Some(bytes @ 1..=LARGEST) => Ok(bytes),
        _ => Err(format!("a size lies between 1 and {}M", LARGEST / 1024 / 1024)),
    }
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number of messages a second")?;
    if RATES.contains(&rate) { Ok(rate) } else { Err("a rate lies between 0.1 and 100000 a second".into()) }
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    if (1.0..=86_400.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("a time lies between 1 s and a day".into())
    }
}

/// Per cent, as a part of one.
pub(super) fn percentage(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| "not a number of per cent")?;
    if (0.0..=1000.0).contains(&number) { Ok(number / 100.0) } else { Err("lies between 0 and 1000".into()) }
}

/// The one of `names` that was probably meant: it shares its beginning, or is a slip of the finger away.
pub(super) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let close = names.into_iter().map(|name| (slips(text, name), name)).min()?;
    (close.0 <= 2).then_some(close.1)
}

/// How many letters must be put in, taken out or changed to get from one word to the other (Levenshtein).
fn slips(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (place, &wanted) in other.iter().enumerate() {
            let changed = corner + usize::from(letter != wanted);
            corner = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_write_them() {
        assert_eq!(["64", "4K", "1m"].map(|text| size(text).unwrap()), [64, 4096, 1024 * 1024]);
        for text in ["", "K", "4KK", "0", "-1", "4G", "99999999999999999999M", "64M"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_out_of_reason_are_refused() {
        assert!(rate("0").is_err() && rate("nan").is_err() && rate("1000").is_ok());
        assert!(seconds("inf").is_err() && seconds("8").is_ok());
        assert_eq!(percentage("5%"), Ok(0.05));
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert_eq!(nearest("tpc", ["pipe", "tcp"]), Some("tcp"));
        assert_eq!(nearest("elephant", ["pipe", "tcp"]), None);
        assert_eq!((slips("kitten", "sitting"), slips("", "abc")), (3, 3));
    }
}
