//! The values that the measuring loop of a comparison's client collects.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

use crate::bench::comparison::Round;

/// The number of significant digits in a histogram of times: it distinguishes 1.234 µs from 1.235 µs.
const DIGITS: u8 = 3;

/// Maximum time that a histogram holds: one minute in ns. A longer time is recorded as one minute.
const MAX_TIME: u64 = 60_000_000_000;

/// A histogram of the round-trip times of single messages.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub fn new() -> Latencies {
        // Cannot fail: the bounds are valid constants.
        Latencies(Histogram::new_with_bounds(1, MAX_TIME, DIGITS).unwrap_or_else(|_| unreachable!()))
    }

    #[inline]
    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(MAX_TIME));
    }

    pub fn quantile(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }

    pub fn min(&self) -> u64 {
        self.0.min()
    }

    pub fn max(&self) -> u64 {
        self.0.max()
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Adds the times of the histogram `other` to this histogram.
    pub fn add(&mut self, other: &Latencies) {
        // Cannot fail: both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// Encodes a histogram of times as other tools read it: compressed V2 encoding of `HdrHistogram`, in base64.
    pub fn encode(&self) -> Option<String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).ok()?;
        Some(STANDARD.encode(bytes))
    }

    /// Decodes a histogram of times from the text that [`encode`](Latencies::encode) returns.
    pub fn decode(text: &str) -> Option<Latencies> {
        let bytes = STANDARD.decode(text).ok()?;
        let decoded: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
        let mut latencies = Latencies::new();
        latencies.0.add(decoded).ok()?;
        Some(latencies)
    }
}

impl Round {
    /// Returns the mean time of single messages in ns, or `None` if they were not timed.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let latencies = self.histogram.as_deref().and_then(Latencies::decode)?;
        Some(latencies.0.mean())
    }
}

/// The result of one loop in which the client exchanged and timed messages.
#[derive(Debug)]
pub(crate) struct LoopResult {
    pub value: f64,
    pub messages: u64,
    pub seconds: f64,
    pub latencies: Option<Latencies>,
    /// The time that the measuring client spent on its own work between messages.
    pub bookkeeping: Duration,
    pub checking: Option<Duration>,
    pub lateness: Option<Latencies>,
}

impl LoopResult {
    /// Creates the result of a measuring loop that timed each message. Its value is the median time.
    pub fn from_latencies(latencies: Latencies, elapsed: Duration, bookkeeping: Duration) -> LoopResult {
        LoopResult {
            value: latencies.quantile(0.5) as f64,
            messages: latencies.count(),
            seconds: elapsed.as_secs_f64(),
            latencies: Some(latencies),
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
    fn decodes_what_it_encodes() {
        let mut latencies = Latencies::new();
        (1..=1000).for_each(|micros| latencies.record(Duration::from_micros(micros)));
        let again = Latencies::decode(&latencies.encode().unwrap()).unwrap();
        assert_eq!(again.count(), 1000);
        assert_eq!((again.min(), again.quantile(0.5)), (latencies.min(), latencies.quantile(0.5)));
        assert!(Latencies::decode("no histogram").is_none());
    }

    #[test]
    fn counts_a_time_beyond_the_maximum() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_secs(3600));
        assert_eq!(latencies.count(), 1);
    }
}
