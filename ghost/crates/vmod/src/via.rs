//! The field Via, in which a gateway names itself by a pseudonym (RFC 9110 section 7.6.3).
//!
//! Varnish has put a Via of its own where VCL begins, with the name of the host and its version. What the client
//! or backend sent stands before it.

use std::ffi::CStr;

use crate::message::{Message, NoRoom};

const VIA: &[u8] = b"Via";

/// The gateway's element in what backends answer.
pub const OF_BACKENDS: &[u8] = b"1.1 varnish-gateway";

/// What the comment of Varnish's own element begins with.
const OF_VARNISH: &[u8] = b"(Varnish/";

/// The lines that say how a message was received, by its version.
fn line(version: u8) -> &'static CStr {
    match version {
        20.. => c"Via: 2.0 varnish-gateway",
        11.. => c"Via: 1.1 varnish-gateway",
        _ => c"Via: 1.0 varnish-gateway",
    }
}

/// Names the gateway in a request, behind those that `pristine` came through.
pub fn request(req: &mut Message<'_>, pristine: &Message<'_>) -> Result<(), NoRoom> {
    let before = pristine.values(VIA).collect();
    name_behind(req, before, line(pristine.version()))
}

/// Names the gateway in an answer, behind those that it came through. Backends speak HTTP/1.1.
pub fn answer(resp: &mut Message<'_>) -> Result<(), NoRoom> {
    let own = line(11);
    match before(resp.field(VIA).unwrap_or_default(), element(own)) {
        Before::Named => Ok(()),
        Before::Nothing => {
            resp.remove(VIA);
            resp.add_static(own)
        }
        Before::Others(others) => resp.set(VIA, &[others, element(own)].join(&b", "[..])),
    }
}

/// Names the gateway in the answer of a backend that Varnish has added nothing to.
pub fn passed(resp: &mut Message<'_>) -> Result<(), NoRoom> {
    let before: Vec<_> = resp.values(VIA).collect();
    if before.is_empty() {
        return resp.add_static(line(11));
    }
    name_behind(resp, before, line(11))
}

/// Whether the gateway has received a request, as it is sent on, by HTTP/1.1.
pub fn is_of_http_1_1(request: &Message<'_>) -> bool {
    let own = element(line(11));
    let value = request.values(VIA).last().unwrap_or_default();
    value.strip_suffix(own).is_some_and(|others| others.is_empty() || others.ends_with(b", "))
}

/// Names the gateway behind those that are named before it.
fn name_behind(message: &mut Message<'_>, mut names: Vec<&[u8]>, own: &'static CStr) -> Result<(), NoRoom> {
    message.remove(VIA);
    if names.is_empty() {
        return message.add_static(own);
    }
    names.push(element(own));
    message.add(VIA, &names.join(&b", "[..]))
}

/// Who stands in a Via before the gateway.
#[derive(Debug, PartialEq, Eq)]
enum Before<'a> {
    Nothing,
    Others(&'a [u8]),
    /// The gateway is named already.
    Named,
}

fn before<'a>(value: &'a [u8], own: &[u8]) -> Before<'a> {
    let comma = value.windows(2).rposition(|pair| pair == b", ");
    let (others, last) = match comma {
        Some(at) => (&value[..at], &value[at + 2..]),
        None => (&b""[..], value),
    };
    if last == own {
        return Before::Named;
    }
    let comment = last.iter().position(|byte| *byte == b'(').map_or(&b""[..], |at| &last[at..]);
    let is_varnishs = comment.starts_with(OF_VARNISH);
    match if is_varnishs { others } else { value } {
        [] => Before::Nothing,
        others => Before::Others(others),
    }
}

/// A line's value.
fn element(line: &'static CStr) -> &'static [u8] {
    &line.to_bytes()[VIA.len() + 2..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varnishs_own_element_goes_and_others_stay() {
        let table = [
            ("", Before::Nothing),
            ("1.1 pod-7 (Varnish/7.7)", Before::Nothing),
            ("1.1 cdn (x, y), 1.1 pod-7 (Varnish/7.7)", Before::Others(b"1.1 cdn (x, y)")),
            ("1.1 pod (Varnish/7.7), 1.1 pod-7 (Varnish/7.7)", Before::Others(b"1.1 pod (Varnish/7.7)")),
            ("1.1 cdn", Before::Others(b"1.1 cdn")),
            ("1.1 cdn, 1.1 varnish-gateway", Before::Named),
        ];
        for (value, expected) in table {
            assert_eq!(before(value.as_bytes(), element(line(11))), expected, "{value}");
        }
    }

    #[test]
    fn a_version_is_written_with_its_minor() {
        for (version, expected) in [(10, "1.0"), (11, "1.1"), (20, "2.0")] {
            assert_eq!(element(line(version)), format!("{expected} varnish-gateway").as_bytes());
        }
    }
}
