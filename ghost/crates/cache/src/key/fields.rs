//! Header fields in a key.

use ghost_route::Headers;

use super::sink::{Part, Sink};
use crate::policy::KeyPolicy;
use crate::{cookie, list};

/// The values of the lines with this name, without the space around them.
pub fn lines<'a, H: Headers + ?Sized>(name: &[u8], headers: &'a H) -> impl Iterator<Item = &'a [u8]> {
    headers.lines().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| list::trim(value))
}

/// Writes a header field: nothing where it is not there, else its lines, joined as one value (RFC
/// 9110 section 5.2). Space in a list counts for nothing where the field is known to be one (RFC
/// 9111 section 4.1).
pub fn header<H, S>(name: &[u8], headers: &H, buffer: &mut Vec<u8>, sink: &mut S)
where
    H: Headers + ?Sized,
    S: Sink + ?Sized,
{
    let mut lines = lines(name, headers);
    let Some(first) = lines.next() else { return };
    let second = lines.next();
    if second.is_none() && !is_list(name) {
        return sink.part(Part::Header(name), first);
    }
    buffer.clear();
    for (index, line) in std::iter::once(first).chain(second).chain(lines).enumerate() {
        if !is_list(name) {
            join(buffer, index == 0, line);
            continue;
        }
        for element in list::elements(line) {
            let is_first = buffer.is_empty();
            join(buffer, is_first, element);
        }
    }
    sink.part(Part::Header(name), buffer);
}

fn join(buffer: &mut Vec<u8>, is_first: bool, value: &[u8]) {
    if !is_first {
        buffer.extend_from_slice(b", ");
    }
    buffer.extend_from_slice(value);
}

/// Whether the field is a list (RFC 9110 section 12.5).
fn is_list(name: &[u8]) -> bool {
    ["accept", "accept-charset", "accept-encoding", "accept-language"]
        .iter()
        .any(|list| name.eq_ignore_ascii_case(list.as_bytes()))
}

/// Writes the cookies that the policy names, in its order; those of one name in the request's.
pub fn cookies<H, S>(policy: &KeyPolicy, headers: &H, sink: &mut S)
where
    H: Headers + ?Sized,
    S: Sink + ?Sized,
{
    for pattern in &policy.cookies {
        for (_, pair) in
            lines(b"cookie", headers).flat_map(cookie::pairs).filter(|(name, _)| pattern.fits(name))
        {
            sink.part(Part::Cookie, pair);
        }
    }
}
