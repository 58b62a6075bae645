//! When to try again, and how long to wait before.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(60);

/// The wait before a try, the first one being number 0: twice as long each time, less up to half of it by chance, so
/// that many clients of a server that was down do not all come back at once.
pub(super) fn wait(first: Duration, number: u32) -> Duration {
    let full = first.saturating_mul(1 << number.min(16)).min(LONGEST);
    full - full.mul_f64(chance() / 2.0)
}

/// A number from 0 up to 1, another one each time.
fn chance() -> f64 {
    // The standard library seeds each of these anew.
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// The wait a server asks for, of a `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(header: &str, now: jiff::Timestamp) -> Option<Duration> {
    if header.trim().bytes().all(|byte| byte.is_ascii_digit()) && !header.trim().is_empty() {
        // More than any number holds is for ever.
        return Some(Duration::from_secs(header.trim().parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(header.trim()).ok()?;
    // One that is past already means now.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_differ() {
        let first = Duration::from_secs(1);
        for number in 0..12 {
            let full = Duration::from_secs(1 << number).min(LONGEST);
            let waits: Vec<Duration> = (0..50).map(|_| wait(first, number)).collect();
            assert!(waits.iter().all(|wait| *wait <= full && *wait >= full / 2), "{number}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }

    #[test]
    fn servers_say_when_in_seconds_or_by_date() {
        let now: jiff::Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 22 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 22 Nov 2026 09:00:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(retry_after("soon", now), None);
    }
}
