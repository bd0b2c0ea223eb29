//! The head of an HTTP response: its status line and header fields.

use crate::protocol::pattern::ExpectedBytes;

/// The fields of an HTTP response's head that decide how the response ends.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) old: bool,
    pub(super) chunked: bool,
    pub(super) other_coding: bool,
    pub(super) length: Option<u64>,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
}

impl Head {
    /// Reads a header field of an HTTP response, if it decides how the response ends.
    pub(super) fn field(&mut self, line: &[u8]) -> Result<(), ExpectedBytes> {
        let text = String::from_utf8_lossy(line);
        let Some((name, value)) = text.split_once(':') else { return Ok(()) };
        let value = value.trim().to_ascii_lowercase();
        let words = || value.split(',').map(str::trim);
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                for word in words() {
                    let number = word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit()));
                    let agrees = self.length.is_none() || self.length == number;
                    if number.is_none() || !agrees {
                        return Err(ExpectedBytes::of("one Content-Length, a number"));
                    }
                    self.length = number;
                }
            }
            // Only the last coding can be chunked.
            "transfer-encoding" => {
                self.chunked = words().next_back() == Some("chunked");
                self.other_coding = !self.chunked;
            }
            "connection" => {
                self.close |= words().any(|word| word == "close");
                self.keep_alive |= words().any(|word| word == "keep-alive");
            }
            _ => {}
        }
        Ok(())
    }
}
