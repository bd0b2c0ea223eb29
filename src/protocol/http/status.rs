//! The HTTP statuses that a protocol accepts.

/// A rule for accepted HTTP statuses: three digits, each of them fixed or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct StatusRule([Option<u8>; 3]);

impl StatusRule {
    /// The rule that accepts every HTTP status below 500, which reports no error of the server.
    pub(in crate::protocol) const BELOW_500: StatusRule = StatusRule([None; 3]);

    /// Parses the notation of accepted HTTP statuses: `200` or `2xx`.
    pub(in crate::protocol) fn parse(text: &str) -> Option<StatusRule> {
        let digits: [u8; 3] = text.as_bytes().try_into().ok()?;
        let valid = matches!(digits[0], b'1'..=b'5');
        let mut rule = [None; 3];
        for (place, digit) in rule.iter_mut().zip(digits) {
            *place = match digit {
                b'0'..=b'9' => Some(digit),
                b'x' => None,
                _ => return None,
            };
        }
        valid.then_some(StatusRule(rule))
    }

    /// Returns whether an HTTP status whose first digits are `status` can still be an accepted one.
    pub(super) fn allows(self, status: &[u8]) -> bool {
        let place = status.len() - 1;
        let digit = status[place];
        // 1xx responses may come before any other.
        if !digit.is_ascii_digit() || status[0] == b'1' {
            return digit.is_ascii_digit();
        }
        match self.0[place] {
            Some(wanted) => wanted == digit,
            None => place > 0 || matches!(digit, b'2'..=b'4'),
        }
    }

    pub(super) fn describe(self) -> String {
        if self == StatusRule::BELOW_500 {
            return "a status below 500".into();
        }
        let digits = self.0.iter().map(|digit| digit.map_or('x', char::from));
        format!("status {}", digits.collect::<String>())
    }
}
