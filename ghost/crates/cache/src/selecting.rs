//! Header fields of a request in the form by which a stored response's Vary compares them (RFC 9111
//! section 4.1): one line a field, and for lists that are known no space that says nothing.
//!
//! Two requests whose fields are the same in this form mean the same. So the origin is asked in it, and
//! whoever compares looks at one line.

use ghost_route::Headers;

use crate::policy::KeyPolicy;
use crate::{cookie, list};

/// A field that has another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as the first line writes it.
    pub name: Vec<u8>,
    /// The value that stands for its lines.
    pub value: Vec<u8>,
}

/// The fields of a request that are not in this form yet. Allocates nothing where there are none. What the
/// policy reduces in the key is not among them, and Accept-Encoding never: Varnish has reduced it. Nor are
/// conditions and Range: the origin is not asked for what they say.
pub fn others<H: Headers + ?Sized>(policy: &KeyPolicy, headers: &H) -> Vec<Field> {
    let mut found: Vec<Field> = Vec::new();
    let mut seen = Seen::default();
    for (name, value) in headers.lines() {
        let syntax = Syntax::of(name, policy);
        let may_be_second = seen.is_there(name);
        if !may_be_second && syntax.is_normal(value) {
            continue;
        }
        let is_it = |other: &[u8]| other.eq_ignore_ascii_case(name);
        if syntax == Syntax::Reduced || found.iter().any(|field| is_it(&field.name)) {
            continue;
        }
        let mut lines = headers.lines().filter(|(other, _)| is_it(other));
        let Some((name, first)) = lines.next() else { continue };
        let mut form = Vec::with_capacity(first.len());
        syntax.write(first, true, &mut form);
        let is_one = lines.next().is_none();
        if is_one && (syntax.is_normal(first) || form == list::trim(first)) {
            continue;
        }
        for (_, value) in headers.lines().filter(|(other, _)| is_it(other)).skip(1) {
            syntax.write(value, false, &mut form);
        }
        found.push(Field { name: name.to_vec(), value: form });
    }
    found
}

/// What is known of how a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    /// It is not for Vary to compare.
    Reduced,
    /// A list of elements with parameters: Accept, Accept-Charset (RFC 9110 sections 12.5.1 and 12.5.2).
    List,
    /// A list of languages, which have no case (RFC 9110 section 12.5.4, RFC 5646 section 2.1.1).
    Languages,
    /// Cookie, whose lines are put together with a semicolon (RFC 9113 section 8.2.3).
    Cookie,
    /// Nothing. Only what stands in several lines is known to be a list (RFC 9110 section 5.3).
    Unknown,
}

impl Syntax {
    fn of(name: &[u8], policy: &KeyPolicy) -> Self {
        // Most fields are none of these.
        if !matches!(name.first(), Some(b'a' | b'A' | b'c' | b'C' | b'i' | b'I' | b'r' | b'R')) {
            return Syntax::Unknown;
        }
        if name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"if-")) {
            return Syntax::Reduced;
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            5 if is("range") => Syntax::Reduced,
            6 if is("accept") => Syntax::List,
            6 if is("cookie") => Syntax::Cookie,
            14 if is("accept-charset") => Syntax::List,
            15 if is("accept-language") && policy.languages.is_some() => Syntax::Reduced,
            15 if is("accept-language") => Syntax::Languages,
            15 if is("accept-encoding") => Syntax::Reduced,
            _ => Syntax::Unknown,
        }
    }

    /// Whether a value is surely in its form already. It may be where this is false.
    fn is_normal(self, value: &[u8]) -> bool {
        let has_space = || value.iter().any(|byte| matches!(byte, b' ' | b'\t'));
        match self {
            Syntax::Reduced | Syntax::Cookie | Syntax::Unknown => true,
            Syntax::List => !has_space(),
            Syntax::Languages => !has_space() && elements(value).all(|(range, _)| is_cased(range)),
        }
    }

    /// Writes a line behind those that were written before.
    fn write(self, value: &[u8], is_first: bool, out: &mut Vec<u8>) {
        let separate = |out: &mut Vec<u8>, separator: &[u8]| {
            if !out.is_empty() {
                out.extend_from_slice(separator);
            }
        };
        match self {
            Syntax::Reduced | Syntax::Unknown => {
                if !is_first {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(list::trim(value));
            }
            Syntax::Cookie => {
                for (_, pair) in cookie::pairs(value) {
                    separate(out, b"; ");
                    out.extend_from_slice(pair);
                }
            }
            Syntax::List | Syntax::Languages => {
                for (name, parameters) in elements(value) {
                    separate(out, b",");
                    match self {
                        Syntax::Languages => out.extend(cased(name)),
                        _ => out.extend_from_slice(name),
                    }
                    for parameter in parameters.into_iter().flat_map(|text| list::split(text, b';')) {
                        out.push(b';');
                        out.extend_from_slice(parameter);
                    }
                }
            }
        }
    }
}

/// The elements of a list, and the parameters of each.
fn elements(value: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    list::elements(value).map(|element| match element.iter().position(|byte| *byte == b';') {
        Some(at) => (list::trim(&element[..at]), Some(&element[at + 1..])),
        None => (element, None),
    })
}

fn is_cased(range: &[u8]) -> bool {
    range.iter().copied().eq(cased(range))
}

/// A language in the case that RFC 5646 section 2.1.1 recommends, as browsers write it: `zh-Hant-TW`.
fn cased(range: &[u8]) -> impl Iterator<Item = u8> {
    let (mut start, mut is_first, mut is_behind_single) = (0, true, false);
    range.iter().enumerate().map(move |(at, &byte)| {
        if byte == b'-' {
            is_behind_single |= at - start == 1;
            (start, is_first) = (at + 1, false);
            return byte;
        }
        let rest = &range[start..];
        let length = rest.iter().position(|byte| *byte == b'-').unwrap_or(rest.len());
        let is_upper = match length {
            _ if is_first || is_behind_single => false,
            2 => true,
            4 => at == start,
            _ => false,
        };
        if is_upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }
    })
}

/// The names that came before, as far as one word tells them apart.
#[derive(Default)]
struct Seen(u64);

impl Seen {
    /// Whether a name may have come before. False for one that has not.
    fn is_there(&mut self, name: &[u8]) -> bool {
        let middle = name.get(name.len() / 2).map_or(0, |byte| usize::from(byte.to_ascii_lowercase()));
        let last = name.last().map_or(0, |byte| usize::from(byte.to_ascii_lowercase()));
        let bit = 1 << ((name.len() * 7 + middle * 3 + last) % 64);
        let is_there = self.0 & bit != 0;
        self.0 |= bit;
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Languages;

    fn found(policy: &KeyPolicy, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        others(policy, headers).into_iter().map(|field| (text(field.name), text(field.value))).collect()
    }

    #[test]
    fn requests_that_mean_the_same_look_the_same() {
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);
        let table: [Row<'_>; 23] = [
            (&[], &[]),
            // what browsers send is in this form
            (
                &[
                    ("Host", "a.io"),
                    ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
                    ("Accept-Language", "zh-Hant-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7"),
                    ("Accept-Encoding", "gzip, deflate, br"),
                    ("Cookie", "a=1; b=2"),
                    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
                ],
                &[],
            ),
            // RFC 9111 section 4.1: lines of one name are put together
            (&[("Foo", "1"), ("X", "y"), ("foo", "2"), ("FOO", "3")], &[("Foo", "1, 2, 3")]),
            (&[("Foo", "1"), ("Foo", "")], &[("Foo", "1, ")]),
            (&[("Foo", ""), ("Foo", "1")], &[("Foo", ", 1")]),
            (&[("Cookie", "a=1"), ("Cookie", "b=2;c=3")], &[("Cookie", "a=1; b=2; c=3")]),
            (&[("Accept", "a/b"), ("Accept", " c/d ;q=0.5 ")], &[("Accept", "a/b,c/d;q=0.5")]),
            // ... and space goes where the field's syntax has it say nothing
            (&[("Accept-Language", "en , \t de")], &[("Accept-Language", "en,de")]),
            (&[("accept-language", "en ; q=0.5,,de,")], &[("accept-language", "en;q=0.5,de")]),
            (&[("Accept", r#"a/b; x="1, 2""#)], &[("Accept", r#"a/b;x="1, 2""#)]),
            (&[("Accept", r#"a/b;x="1, 2""#)], &[]),
            (&[("Accept-Charset", "utf-8, *;q=0")], &[("Accept-Charset", "utf-8,*;q=0")]),
            // ... which nobody knows of others
            (&[("Foo", "1,2")], &[]),
            (&[("Foo", "1, 2")], &[]),
            (&[("Cookie", "a=1,2; b=1, 2")], &[]),
            // languages have no case
            (&[("Accept-Language", "EN,dE-ch")], &[("Accept-Language", "en,de-CH")]),
            (&[("Accept-Language", "ZH-HANT-tw")], &[("Accept-Language", "zh-Hant-TW")]),
            (&[("Accept-Language", "EN-CA-X-CA,*")], &[("Accept-Language", "en-CA-x-ca,*")]),
            (&[("Accept", "Text/HTML")], &[]),
            // their order may say something (RFC 9110 section 12.5.4)
            (&[("Accept-Language", "en,de")], &[]),
            (&[("Accept-Language", "de,en")], &[]),
            // the cache answers these by itself
            (&[("If-None-Match", "\"0\""), ("if-none-match", "\"1\""), ("Range", "x"), ("Range", "y")], &[]),
            // Varnish makes `gzip` of it, or nothing
            (&[("Accept-Encoding", "gzip , br"), ("Accept-Encoding", "x")], &[]),
        ];
        for (headers, want) in table {
            let want: Vec<_> =
                want.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            assert_eq!(found(&KeyPolicy::default(), headers), want, "{headers:?}");
        }
        let languages = Some(Languages { default: "en".into(), others: vec!["de".into()] });
        let policy = KeyPolicy { languages, ..KeyPolicy::default() };
        assert_eq!(found(&policy, &[("Accept-Language", "EN , de")]), []);
    }
}
