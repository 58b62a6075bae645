//! Numbers as people read them.

use std::time::Duration;

/// A size: `512 B`, `1.5 MiB`.
pub fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}

/// A time span: `0.4 s`, `12 s`, `3 min 5 s`.
pub fn seconds(span: Duration) -> String {
    let total = span.as_secs();
    match total {
        0..=9 => format!("{:.1} s", span.as_secs_f64()),
        10..=119 => format!("{total} s"),
        _ => format!("{} min {} s", total / 60, total % 60),
    }
}

/// A count with its noun: `1 part`, `2 parts`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(seconds(Duration::from_millis(440)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 5 s");
        assert_eq!(plural(1, "part") + &plural(2, "part"), "1 part2 parts");
    }
}
