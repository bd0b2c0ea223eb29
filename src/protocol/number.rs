//! How a protocol writes a length: in digits, as an integer of some width, or as a varint.

use super::error::join_with_or;

/// The way in which a length is written as bytes in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LengthEncoding {
    Decimal,
    Hexadecimal,
    /// The length is an integer of this many bytes, most significant first.
    Big(u8),
    /// The length is an integer of this many bytes, least significant first.
    Little(u8),
    /// The length has seven bits in each byte, least significant first. The top bit of a byte says that more bytes
    /// follow.
    Varint,
}

const NAMES: [(&str, LengthEncoding); 10] = [
    ("decimal", LengthEncoding::Decimal),
    ("hex", LengthEncoding::Hexadecimal),
    ("u8", LengthEncoding::Big(1)),
    ("u16be", LengthEncoding::Big(2)),
    ("u16le", LengthEncoding::Little(2)),
    ("u32be", LengthEncoding::Big(4)),
    ("u32le", LengthEncoding::Little(4)),
    ("u64be", LengthEncoding::Big(8)),
    ("u64le", LengthEncoding::Little(8)),
    ("varint", LengthEncoding::Varint),
];

/// The maximum length that a reply may state for itself. A larger length is a mistake of the server.
pub(super) const MAX_LENGTH: u64 = 1 << 40;

/// A length as a protocol writes it: `u32be+4` is an integer of four bytes that is 4 more than the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LengthFormat {
    pub(super) kind: LengthEncoding,
    pub(super) plus: i64,
}

impl LengthFormat {
    pub(super) const DECIMAL: LengthFormat = LengthFormat { kind: LengthEncoding::Decimal, plus: 0 };

    /// Parses the notation of a length: `u16be`, `u32be+4`, `decimal-1`, `+4`.
    ///
    /// # Errors
    /// The part of `text` that is wrong, and what was expected in its place.
    pub(super) fn parse(text: &str) -> Result<LengthFormat, (&str, String)> {
        let end = text.find(['+', '-']).unwrap_or(text.len());
        let (name, plus) = text.split_at(end);
        let kind = if name.is_empty() && !plus.is_empty() {
            LengthEncoding::Decimal
        } else {
            let found = NAMES.iter().find(|(known, _)| *known == name);
            found.ok_or_else(|| (name, format!("expected {}", join_with_or(LengthFormat::names()))))?.1
        };
        let plus = match plus {
            "" => 0,
            digits => digits
                .parse()
                .ok()
                .filter(|number: &i64| number.abs() <= 1 << 20)
                .ok_or_else(|| (plus, "expected a small number, as in `+4`".to_string()))?,
        };
        Ok(LengthFormat { kind, plus })
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Returns the number of bytes that the encoded length takes, if that is the same for all lengths.
    pub(super) fn width(self) -> Option<usize> {
        match self.kind {
            LengthEncoding::Big(width) | LengthEncoding::Little(width) => Some(width.into()),
            LengthEncoding::Decimal | LengthEncoding::Hexadecimal | LengthEncoding::Varint => None,
        }
    }

    /// Returns the longest length that this encoding can express.
    pub(super) fn max_length(self) -> u64 {
        let largest = match self.kind {
            LengthEncoding::Big(width) | LengthEncoding::Little(width) if width < 8 => {
                (1 << (8 * u32::from(width))) - 1
            }
            _ => MAX_LENGTH,
        };
        largest.saturating_add_signed(-self.plus).min(MAX_LENGTH)
    }

    /// Returns the bytes that represent `length` in this format.
    pub(super) fn encode(self, length: u64) -> Vec<u8> {
        let mut number = length.saturating_add_signed(self.plus);
        match self.kind {
            LengthEncoding::Decimal => number.to_string().into_bytes(),
            LengthEncoding::Hexadecimal => format!("{number:x}").into_bytes(),
            LengthEncoding::Big(width) => number.to_be_bytes()[8 - usize::from(width)..].to_vec(),
            LengthEncoding::Little(width) => number.to_le_bytes()[..usize::from(width)].to_vec(),
            LengthEncoding::Varint => {
                let mut bytes = Vec::new();
                while number >= 0x80 {
                    bytes.push((number & 0x7f) as u8 | 0x80);
                    number >>= 7;
                }
                bytes.push(number as u8);
                bytes
            }
        }
    }
}

/// The state of decoding a length, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LengthDecoder {
    value: u64,
    bytes: u8,
    ended: bool,
}

impl LengthDecoder {
    /// Decodes one more byte of a length. Returns `None` if no length can continue with `byte`.
    pub(super) fn add_byte(self, number: LengthFormat, byte: u8) -> Option<LengthDecoder> {
        let LengthDecoder { value, bytes, .. } = self;
        let place = 8 * u32::from(bytes);
        let (value, ended) = match number.kind {
            _ if self.ended => return None,
            LengthEncoding::Decimal => (value * 10 + u64::from((byte as char).to_digit(10)?), false),
            LengthEncoding::Hexadecimal => (value * 16 + u64::from((byte as char).to_digit(16)?), false),
            LengthEncoding::Big(width) => (value << 8 | u64::from(byte), bytes + 1 == width),
            LengthEncoding::Little(width) => (value | u64::from(byte) << place, bytes + 1 == width),
            LengthEncoding::Varint if bytes < 6 => {
                (value | u64::from(byte & 0x7f) << (7 * bytes), byte < 0x80)
            }
            LengthEncoding::Varint => return None,
        };
        // More than `LONGEST` plus what is added to it, in eight bytes too.
        let fits = value <= 2 * MAX_LENGTH || (number.width().is_some() && !ended);
        let length_fits = !ended || value.checked_add_signed(-number.plus).is_some();
        (fits && length_fits).then_some(LengthDecoder { value, bytes: bytes.saturating_add(1), ended })
    }

    /// Returns the decoded length, if a length can end after the bytes decoded so far.
    pub(super) fn length(self, number: LengthFormat) -> Option<u64> {
        let may_end = match number.kind {
            LengthEncoding::Decimal | LengthEncoding::Hexadecimal => self.bytes > 0,
            _ => self.ended,
        };
        let length = self.value.checked_add_signed(-number.plus)?;
        may_end.then_some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: LengthFormat, bytes: &[u8]) -> Option<u64> {
        let mut reading = LengthDecoder::default();
        for &byte in bytes {
            reading = reading.add_byte(number, byte)?;
        }
        reading.length(number)
    }

    #[test]
    fn every_format_reads_what_it_writes() {
        for (name, _) in NAMES {
            for suffix in ["", "+4", "-3"] {
                let number = LengthFormat::parse(&format!("{name}{suffix}")).unwrap();
                for length in [3, 77, 127, 128, 200] {
                    assert_eq!(read(number, &number.encode(length)), Some(length), "{name}{suffix}");
                }
            }
        }
    }

    #[test]
    fn formats_write_known_bytes() {
        let encode = |name: &str, length| LengthFormat::parse(name).unwrap().encode(length);
        assert_eq!(encode("u16be", 258), [1, 2]);
        assert_eq!(encode("u32le+4", 254), [2, 1, 0, 0]);
        assert_eq!(encode("varint", 321), [0xc1, 0x02]);
        assert_eq!(encode("decimal", 12), b"12");
        assert_eq!(encode("+1", 12), b"13");
    }

    #[test]
    fn a_number_below_what_is_added_is_refused() {
        let number = LengthFormat::parse("u16be+4").unwrap();
        assert_eq!(read(number, &[0, 3]), None);
        assert_eq!(read(number, &[0, 4]), Some(0));
    }

    #[test]
    fn a_huge_number_is_refused() {
        assert_eq!(read(LengthFormat::parse("u64be").unwrap(), &[0xff; 8]), None);
        assert_eq!(read(LengthFormat::DECIMAL, &[b'9'; 30]), None);
    }

    #[test]
    fn a_wrong_format_names_its_wrong_part() {
        assert_eq!(LengthFormat::parse("u15be").unwrap_err().0, "u15be");
        assert_eq!(LengthFormat::parse("u16be+x").unwrap_err().0, "+x");
    }
}
