//! Parses the values of options.

use std::ops::RangeInclusive;

use crate::bench::plan::MAX_MESSAGE_SIZE;

/// The permitted rates of an open loop, in messages per second.
const RATES: RangeInclusive<f64> = 0.1..=100_000.0;

/// Parses a size in bytes: `64`, `4K`, `1M`.
pub(in crate::cli) fn parse_size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1024,
        "m" | "M" => 1024 * 1024,
        _ => return Err("write bytes, or 4K, or 1M".into()),
    };
    let number: usize = digits.parse().map_err(|_| "not a size: write bytes, or 4K, or 1M")?;
    match number.checked_mul(unit) {
        Some(bytes @ 1..=MAX_MESSAGE_SIZE) => Ok(bytes),
        _ => Err(format!("a size must be between 1 and {}M", MAX_MESSAGE_SIZE / 1024 / 1024)),
    }
}

/// Parses a rate: a number of messages per second.
pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number of messages per second")?;
    let error = || "a rate must be between 0.1 and 100000 per second".into();
    if RATES.contains(&rate) { Ok(rate) } else { Err(error()) }
}

/// Parses a time in seconds.
pub(super) fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    let error = || "a time must be between 1 s and a day".into();
    if (1.0..=86_400.0).contains(&seconds) { Ok(seconds) } else { Err(error()) }
}

/// Parses a percentage, and returns it as a fraction of one.
pub(super) fn parse_percentage(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| "not a percentage")?;
    let error = || "must be between 0 and 1000".into();
    if (0.0..=1000.0).contains(&number) { Ok(number / 100.0) } else { Err(error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_sizes_with_units() {
        assert_eq!(["64", "4K", "1m"].map(|text| parse_size(text).unwrap()), [64, 4096, 1024 * 1024]);
        for text in ["", "K", "4KK", "0", "-1", "4G", "99999999999999999999M", "64M"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rejects_numbers_out_of_range() {
        assert!(parse_rate("0").is_err() && parse_rate("nan").is_err() && parse_rate("1000").is_ok());
        assert!(parse_seconds("inf").is_err() && parse_seconds("8").is_ok());
        assert_eq!(parse_percentage("5%"), Ok(0.05));
    }
}
