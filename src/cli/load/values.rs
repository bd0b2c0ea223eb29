//! Values of the options of `echospec load`.

use std::time::Duration;

/// Parses a time with a unit, such as `500ms`, `10s` or `2m`. A number without a unit counts seconds.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a time such as 500ms, 10s or 2m, not '{text}'");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit.trim() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        _ => return Err(wrong()),
    };
    let seconds = number * factor;
    if seconds > LONGEST { Err("at most 1 hour".into()) } else { Ok(Duration::from_secs_f64(seconds)) }
}

/// The longest time that an option takes, in seconds.
const LONGEST: f64 = 3600.0;

/// Parses a time that is not zero.
pub(super) fn parse_positive_time(text: &str) -> Result<Duration, String> {
    match parse_time(text)? {
        Duration::ZERO => Err("expected a time above 0".into()),
        time => Ok(time),
    }
}

/// Parses a number of requests a second.
pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(thousands) => (thousands, 1e3),
        None => (text, 1.0),
    };
    let rate = digits.parse().map(|number: f64| number * factor).ok();
    rate.filter(|rate| (0.1..=10_000_000.0).contains(rate)).ok_or_else(|| {
        format!("expected between 0.1 and 10000000 requests a second, such as 5000 or 5k, not '{text}'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_times_with_units() {
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_time("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_time("2m"), Ok(Duration::from_secs(120)));
        assert!(parse_time("ten").unwrap_err().contains("such as 500ms"));
        assert!(parse_time("2h").is_err() && parse_time("-1s").is_err() && parse_time("61m").is_err());
        assert!(parse_positive_time("0s").is_err());
    }

    #[test]
    fn parses_rates() {
        assert_eq!(parse_rate("5k"), Ok(5000.0));
        assert!(parse_rate("0").is_err() && parse_rate("fast").is_err() && parse_rate("NaN").is_err());
    }
}
