//! Formats figures with three significant digits and a unit.

/// A unit: its size in base units, and its name.
type Unit = (f64, &'static str);

const TIMES: &[Unit] = &[(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
const DATA_RATES: &[Unit] = &[(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1.0, "B/s")];
const SIZES: &[Unit] = &[(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1024.0, "KiB"), (1.0, "B")];

/// Formats a time in nanoseconds: `1.83 µs`.
#[must_use]
pub fn format_time(nanoseconds: u64) -> String {
    scaled(nanoseconds as f64, TIMES)
}

/// Formats a data rate in bytes per second: `12.1 GB/s`.
pub(super) fn format_data_rate(bytes: f64) -> String {
    scaled(bytes, DATA_RATES)
}

/// Formats a size in bytes: `4.00 KiB`.
pub(super) fn format_size(bytes: f64) -> String {
    if bytes < 0.0 { format!("-{}", scaled(-bytes, SIZES)) } else { scaled(bytes, SIZES) }
}

/// Formats a number with three significant digits: `2.00`, `14.1`, `230`.
pub(super) fn format_number(value: f64) -> String {
    format!("{value:.0$}", decimals(value))
}

/// Formats a count with its digits in groups of three: `1,234,567`.
pub(super) fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn scaled(value: f64, units: &[Unit]) -> String {
    // A value that is rounded up to 1000 belongs to the next unit.
    let unit = units.iter().find(|(size, _)| value >= size * 0.9995).or(units.last());
    let (size, name) = unit.copied().unwrap_or((1.0, ""));
    let number = value / size;
    let is_whole = size == 1.0 && number.fract() == 0.0;
    if is_whole { format!("{number} {name}") } else { format!("{} {name}", format_number(number)) }
}

fn decimals(value: f64) -> usize {
    match value.abs() {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(format_time(1_830), "1.83 µs");
        assert_eq!(format_time(999_999), "1.00 ms");
        assert_eq!(format_time(0), "0 ns");
        assert_eq!(format_size(4096.0), "4.00 KiB");
        assert_eq!(format_size(-512.0), "-512 B");
        assert_eq!(format_count(1_234_567), "1,234,567");
        assert_eq!(format_count(12), "12");
    }
}
