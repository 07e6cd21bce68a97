//! Durations as header fields say them: whole seconds, of which none is greater than 2^31.

/// What every greater number of seconds is taken for (RFC 9111 section 1.2.2).
pub const MAX: u32 = 1 << 31;

/// Reads delta-seconds (RFC 9111 section 1.2.2): digits and nothing else.
pub fn parse(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0, |sum: u32, &byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        Some(sum.saturating_mul(10).saturating_add(digit).min(MAX))
    })
}

/// A number of seconds within what delta-seconds can say: 0 for a negative one.
pub fn clamp(seconds: i64) -> u32 {
    // It is at most MAX then.
    u32::try_from(seconds.clamp(0, i64::from(MAX))).unwrap_or(MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delta_seconds_are_digits_and_end_at_2_to_the_31() {
        let table = [
            ("0", Some(0)),
            ("003600", Some(3600)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", Some(MAX)),
            ("2147483649", Some(MAX)),
            ("4294967296", Some(MAX)),
            ("99999999999999999999999999", Some(MAX)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            (" 1", None),
            ("1a", None),
            ("0x1", None),
        ];
        for (text, want) in table {
            assert_eq!(parse(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn seconds_are_clamped_to_what_delta_seconds_say() {
        for (seconds, want) in [(i64::MIN, 0), (-1, 0), (7, 7), (1 << 31, MAX), (i64::MAX, MAX)] {
            assert_eq!(clamp(seconds), want, "{seconds}");
        }
    }
}
