//! Sizes and times as people write them.

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// A size such as `10GiB`, `500 MB` or `4096`, in bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let size: bytesize::ByteSize = text.parse().map_err(|_| format!("`{text}` is no size such as 10GiB or 500MB"))?;
    Ok(size.as_u64())
}

/// A time such as `30 days`, `12h` or `1h 30m`. A day has 24 hours.
pub(super) fn time(text: &str) -> Result<SignedDuration, String> {
    let wrong = |_| format!("`{text}` is no time such as 30 days or 12h");
    let span: Span = text.trim().parse().map_err(wrong)?;
    let time = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(wrong)?;
    if time.is_negative() { Err(format!("`{text}` is before now")) } else { Ok(time) }
}

/// A load average such as `2` or `1.5`.
pub(super) fn load(text: &str) -> Result<f64, String> {
    let load = text.parse().ok().filter(|load: &f64| load.is_finite() && *load >= 0.0);
    load.ok_or_else(|| format!("`{text}` is no load average such as 2 or 1.5"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_written() {
        assert_eq!(size("10GiB"), Ok(10 << 30));
        assert_eq!(size("1.5 MB"), Ok(1_500_000));
        assert_eq!(size("0"), Ok(0));
        assert!(size("much").is_err() && size("").is_err() && size("-1").is_err());
        assert_eq!(time("30 days"), Ok(SignedDuration::from_hours(720)));
        assert_eq!(time("1w 2h"), Ok(SignedDuration::from_hours(170)));
        assert_eq!(time("0s"), Ok(SignedDuration::ZERO));
        assert_eq!((load("0"), load("1.5")), (Ok(0.0), Ok(1.5)));
        assert!(load("-1").is_err() && load("nan").is_err() && load("much").is_err());
        assert!(time("soon").is_err() && time("-1h").is_err() && time("1 month").is_err());
    }
}
