//! What was counted while the clock ran.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

use crate::bench::comparison::Round;

/// Three significant digits: 1.234 µs and 1.235 µs are told apart.
const DIGITS: u8 = 3;

/// One minute in ns: whatever is slower is counted as that.
const SLOWEST: u64 = 60_000_000_000;

/// Times of single messages.
#[derive(Debug, Clone)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub fn new() -> Times {
        // Cannot fail: the bounds are fixed, and valid.
        Times(Histogram::new_with_bounds(1, SLOWEST, DIGITS).unwrap_or_else(|_| unreachable!()))
    }

    #[inline]
    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(SLOWEST));
    }

    pub fn quantile(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }

    pub fn least(&self) -> u64 {
        self.0.min()
    }

    pub fn most(&self) -> u64 {
        self.0.max()
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Takes the times of `other` in.
    pub fn add(&mut self, other: &Times) {
        // Cannot fail: both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// As other tools read it: the V2 encoding, compressed, in base64.
    pub fn encode(&self) -> Option<String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).ok()?;
        Some(STANDARD.encode(bytes))
    }

    /// What [`encode`](Times::encode) made.
    pub fn decode(text: &str) -> Option<Times> {
        let bytes = STANDARD.decode(text).ok()?;
        let decoded: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
        let mut times = Times::new();
        times.0.add(decoded).ok()?;
        Some(times)
    }
}

impl Round {
    /// The mean of the single messages in ns; `None` where none were timed.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let times = self.histogram.as_deref().and_then(Times::decode)?;
        Some(times.0.mean())
    }
}

/// What one loop counted.
#[derive(Debug)]
pub(crate) struct Tally {
    pub figure: f64,
    pub messages: u64,
    pub seconds: f64,
    pub times: Option<Times>,
    /// The client's own work between the messages, as far as it can be told apart.
    pub bookkeeping: Duration,
    pub checking: Option<Duration>,
    pub lateness: Option<Times>,
}

impl Tally {
    /// Of messages that were timed one by one: the figure is their median.
    pub fn of_times(times: Times, took: Duration, bookkeeping: Duration) -> Tally {
        Tally {
            figure: times.quantile(0.5) as f64,
            messages: times.count(),
            seconds: took.as_secs_f64(),
            times: Some(times),
            bookkeeping,
            checking: None,
            lateness: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_their_encoding() {
        let mut times = Times::new();
        (1..=1000).for_each(|micros| times.record(Duration::from_micros(micros)));
        let again = Times::decode(&times.encode().unwrap()).unwrap();
        assert_eq!(again.count(), 1000);
        assert_eq!((again.least(), again.quantile(0.5)), (times.least(), times.quantile(0.5)));
        assert!(Times::decode("no histogram").is_none());
    }

    #[test]
    fn what_is_slower_than_all_bounds_is_not_lost() {
        let mut times = Times::new();
        times.record(Duration::from_secs(3600));
        assert_eq!(times.count(), 1);
    }
}
