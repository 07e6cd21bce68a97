//! What of Range an answer out of the cache heeds (RFC 9110 section 14.2): one part, by bytes. A
//! server may ignore all else, which is more use to a client than a 416.

use crate::date;

/// What of the field is heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heeded {
    /// Nothing: the whole is the answer.
    Nothing,
    /// What it says. It may still ask for what is behind the end (416).
    Part,
    /// All from this position on: where it ends is behind the end of anything.
    From(u64),
}

/// More bytes than any response has.
const ENORMOUS: u64 = 1 << 59;

/// Reads the lines of Range of a request.
pub fn heeded<'a>(method: &[u8], mut lines: impl Iterator<Item = &'a [u8]>) -> Heeded {
    // Range is about GET alone.
    let (b"GET", Some(line), None) = (method, lines.next(), lines.next()) else { return Heeded::Nothing };
    let is_bytes = line.get(..6).is_some_and(|unit| unit.eq_ignore_ascii_case(b"bytes="));
    let Some(range) = line.get(6..).filter(|_| is_bytes) else { return Heeded::Nothing };
    let Some(hyphen) = range.iter().position(|byte| *byte == b'-') else { return Heeded::Nothing };
    let (first, last) = (&range[..hyphen], &range[hyphen + 1..]);
    match (first, last) {
        (b"", last) => match number(last) {
            Some(ENORMOUS) => Heeded::From(0),
            Some(_) => Heeded::Part,
            None => Heeded::Nothing,
        },
        (first, b"") => number(first).map_or(Heeded::Nothing, |_| Heeded::Part),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if last < first => Heeded::Nothing,
            (Some(ENORMOUS), Some(_)) => Heeded::Part,
            (Some(first), Some(ENORMOUS)) => Heeded::From(first),
            (Some(_), Some(_)) => Heeded::Part,
            _ => Heeded::Nothing,
        },
    }
}

/// A number, [`ENORMOUS`] at most.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: u64, digit: &u8| (sum.saturating_mul(10) + u64::from(digit - b'0')).min(ENORMOUS);
    Some(digits.iter().fold(0, add))
}

/// Whether Last-Modified can be the condition of If-Range: it is at least a second before Date (RFC
/// 9110 sections 8.8.2.2 and 13.1.5). `now` is as for [`date::parse`].
pub fn is_strong(last_modified: &[u8], date: &[u8], now: i64) -> bool {
    matches!((date::parse(last_modified, now), date::parse(date, now)), (Some(made), Some(date)) if made < date)
}

#[cfg(test)]
mod tests {
    use super::Heeded::{From, Nothing, Part};
    use super::*;

    #[test]
    fn one_part_by_bytes_is_heeded_and_nothing_else() {
        let table: [(&str, &[&str], Heeded); 28] = [
            // RFC 9110 section 14.1.2
            ("GET", &["bytes=0-499"], Part),
            ("GET", &["bytes=500-"], Part),
            ("GET", &["bytes=-500"], Part),
            ("GET", &["bytes=5-5"], Part),
            // section 14.1: names of units have no case
            ("GET", &["Bytes=0-4"], Part),
            // nothing of it is there: 416
            ("GET", &["bytes=-0"], Part),
            ("GET", &["bytes=99999999999999999999-"], Part),
            ("GET", &["bytes=99999999999999999999-99999999999999999999"], Part),
            // an end behind the end is the end
            ("GET", &["bytes=7-99999999999999999999"], From(7)),
            ("GET", &["bytes=-99999999999999999999"], From(0)),
            // section 14.2: a server may ignore it
            ("GET", &[], Nothing),
            ("GET", &["bytes=0-1,5-6"], Nothing),
            ("GET", &["bytes=0-0,-1"], Nothing),
            ("GET", &["bytes=0-4,"], Nothing),
            ("GET", &["bytes=0-1", "bytes=5-6"], Nothing),
            ("GET", &["items=0-4"], Nothing),
            ("GET", &["byte=0-4"], Nothing),
            ("GET", &["=0-4"], Nothing),
            ("GET", &["bytes"], Nothing),
            ("GET", &["bytes="], Nothing),
            ("GET", &["bytes=-"], Nothing),
            ("GET", &["bytes=abc"], Nothing),
            ("GET", &["bytes=5-2"], Nothing),
            ("GET", &["bytes=99999999999999999999-2"], Nothing),
            ("GET", &["bytes= 0-4"], Nothing),
            ("GET", &["bytes=0 - 4"], Nothing),
            ("HEAD", &["bytes=0-4"], Nothing),
            ("POST", &["bytes=0-4"], Nothing),
        ];
        for (method, lines, want) in table {
            let lines = lines.iter().map(|line| line.as_bytes());
            assert_eq!(
                heeded(method.as_bytes(), lines.clone()),
                want,
                "{method} {:?}",
                lines.collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_date_is_strong_a_second_later() {
        // RFC 9110 section 8.8.2.2
        let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
        let table: [(&[u8], bool); 4] = [
            (b"Sun, 06 Nov 1994 08:49:36 GMT", true),
            (date, false),
            (b"Sun, 06 Nov 1994 08:49:38 GMT", false),
            (b"never", false),
        ];
        for (last_modified, want) in table {
            assert_eq!(is_strong(last_modified, date, 0), want, "{}", last_modified.escape_ascii());
        }
    }
}
