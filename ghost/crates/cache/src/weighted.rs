//! Elements with a weight, as Accept-Encoding and Accept-Language have them (RFC 9110 section
//! 12.4.2).

use crate::list;

/// The weight of an element that has none, in thousandths.
pub const FULL: u16 = 1000;

/// The elements of a field line with their weights in thousandths. One whose weight cannot be read
/// is left out.
pub fn elements(line: &[u8]) -> impl Iterator<Item = (&[u8], u16)> {
    list::elements(line).filter_map(|element| {
        // Most have none.
        let Some(at) = element.iter().position(|byte| *byte == b';') else { return Some((element, FULL)) };
        let name = list::trim(&element[..at]);
        let mut parts = list::split(&element[at + 1..], b';');
        let is_weight = |part: &&[u8]| part.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"q="));
        let weight = parts.find(is_weight).map_or(Some(FULL), |part| weight(&part[2..]))?;
        (!name.is_empty()).then_some((name, weight))
    })
}

/// A weight: `0` or `1`, and at most three decimals.
fn weight(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text {
        [whole] => (whole, &b""[..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let mut weight = match whole {
        b'0' => 0,
        b'1' => 1,
        _ => return None,
    };
    for index in 0..3 {
        let digit = decimals.get(index).copied().unwrap_or(b'0');
        weight = weight * 10 + u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    (weight <= FULL).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_weights() {
        let table: [(&str, &[(&str, u16)]); 7] = [
            ("gzip", &[("gzip", 1000)]),
            ("a;q=0.5, b ; Q=0.123,c;q=1.000", &[("a", 500), ("b", 123), ("c", 1000)]),
            ("a;q=0, b;q=0.", &[("a", 0), ("b", 0)]),
            ("a;x=1;q=0.2", &[("a", 200)]),
            ("a;q=2, b;q=1.1, c;q=x, d;q=0.1234, e;q=, f;q=-1", &[]),
            (";q=1, ,", &[]),
            ("", &[]),
        ];
        for (line, want) in table {
            let found: Vec<_> =
                elements(line.as_bytes()).map(|(name, q)| (str::from_utf8(name).unwrap(), q)).collect();
            assert_eq!(found, want, "{line}");
        }
    }
}
