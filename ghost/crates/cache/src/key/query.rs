//! The query in a key. Escapes stay as they are: what an origin may tell apart is told apart.

use ghost_config::path::escape;

use super::sink::{Part, Sink};
use crate::policy::{Parameters, QueryKey};

/// What is needed to choose and order parameters.
#[derive(Debug, Default)]
pub struct Buffers {
    /// A decoded name.
    name: Vec<u8>,
    /// Where each parameter begins and ends, and ends its name.
    ranges: Vec<Range>,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    start: usize,
    name_end: usize,
    end: usize,
}

/// Splits a request target into its path and its query, which is none where there is no `?`.
pub fn split(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}

/// Writes the parameters that count.
pub fn write<S: Sink + ?Sized>(policy: &QueryKey, query: Option<&[u8]>, buffers: &mut Buffers, sink: &mut S) {
    let Some(query) = query else { return };
    if policy.parameters == Parameters::All && !policy.sort && !policy.drop_empty {
        return sink.part(Part::Query, query);
    }
    let Buffers { name, ranges } = buffers;
    ranges.clear();
    ranges.extend(parameters(query).filter(|range| {
        let is_empty = range.start == range.end;
        !(is_empty && policy.drop_empty) && policy.parameters.contain(decode(range.name(query), name))
    }));
    if policy.sort {
        // No two are the same: a stable sort would allocate.
        ranges.sort_unstable_by(|a, b| {
            comparable(a.name(query)).cmp(comparable(b.name(query))).then(a.start.cmp(&b.start))
        });
    }
    for range in ranges {
        sink.part(Part::Parameter, &query[range.start..range.end]);
    }
}

impl Range {
    fn name<'a>(&self, query: &'a [u8]) -> &'a [u8] {
        &query[self.start..self.name_end]
    }
}

fn parameters(query: &[u8]) -> impl Iterator<Item = Range> {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let rest = &query[from..];
        let length = rest.iter().position(|byte| *byte == b'&');
        start = length.map(|length| from + length + 1);
        let end = from + length.unwrap_or(rest.len());
        let equals = query[from..end].iter().position(|byte| *byte == b'=');
        Some(Range { start: from, name_end: equals.map_or(end, |at| from + at), end })
    })
}

/// The bytes of a name, percent-decoded.
fn decoded(mut text: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let first = *text.first()?;
        let byte = escape(text);
        text = &text[if byte.is_some() { 3 } else { 1 }..];
        Some(byte.unwrap_or(first))
    })
}

/// The form by which parameters are put in order. Names that some origin might take for one another
/// are the same in it, so that their order stays: escapes, `+` for a space, and case.
fn comparable(name: &[u8]) -> impl Iterator<Item = u8> {
    // A `+` that is written as an escape is no space, but keeping its order as well does no harm.
    decoded(name).map(|byte| if byte == b'+' { b' ' } else { byte.to_ascii_lowercase() })
}

/// The name without escapes.
fn decode<'a>(name: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if !name.contains(&b'%') {
        return name;
    }
    buffer.clear();
    buffer.extend(decoded(name));
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(policy: &QueryKey, target: &str) -> Vec<String> {
        struct Collect(Vec<String>);
        impl Sink for Collect {
            fn part(&mut self, part: Part<'_>, value: &[u8]) {
                assert!(matches!(part, Part::Query | Part::Parameter), "{part:?}");
                self.0.push(String::from_utf8(value.to_vec()).unwrap());
            }
        }
        let mut sink = Collect(Vec::new());
        write(policy, split(target.as_bytes()).1, &mut Buffers::default(), &mut sink);
        sink.0
    }

    fn patterns(names: &[&str]) -> Vec<crate::policy::NamePattern> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn parameters_are_chosen_and_put_in_order() {
        let all = QueryKey::default();
        let sort = QueryKey { sort: true, ..all.clone() };
        let drop_empty = QueryKey { drop_empty: true, ..all.clone() };
        let include = QueryKey { parameters: Parameters::Include(patterns(&["a", "b"])), ..all.clone() };
        let exclude =
            QueryKey { parameters: Parameters::Exclude(patterns(&["utm_*", "x y"])), ..all.clone() };
        let table: [(&str, &QueryKey, &str, &[&str]); 25] = [
            ("no query", &all, "/", &[]),
            ("an empty one is one", &all, "/?", &[""]),
            ("as it stands", &all, "/?b=1&a=2&&a=%61?", &["b=1&a=2&&a=%61?"]),
            ("in order", &sort, "/?b=1&a=2", &["a=2", "b=1"]),
            ("values keep theirs", &sort, "/?b=1&a=2&a=1", &["a=2", "a=1", "b=1"]),
            // RFC 3986 section 6.2.2.2: these are one name
            ("escapes do not hide a name", &sort, "/?%61=2&b=1&a=1", &["%61=2", "a=1", "b=1"]),
            ("case may not", &sort, "/?a=1&b=1&A=2", &["a=1", "A=2", "b=1"]),
            ("nor a plus", &sort, "/?a+b=2&a%20b=1&a%2Bb=3", &["a+b=2", "a%20b=1", "a%2Bb=3"]),
            ("a shorter name is first", &sort, "/?ab=1&a=2&a", &["a=2", "a", "ab=1"]),
            ("malformed escapes are names", &sort, "/?b&%zz&%", &["%", "%zz", "b"]),
            ("empty ones stay", &sort, "/?b&&a", &["", "a", "b"]),
            ("unless they are dropped", &drop_empty, "/?b&&a&", &["b", "a"]),
            ("all of them", &drop_empty, "/?&", &[]),
            ("a name without a value is not empty", &drop_empty, "/?a=&=", &["a=", "="]),
            ("some", &include, "/?a=1&c=2&b=3", &["a=1", "b=3"]),
            ("by their decoded names", &include, "/?%61=1&%41=2", &["%61=1"]),
            ("names have a case", &include, "/?A=1&aa=2", &[]),
            ("none of them is no query", &include, "/?c=1", &[]),
            ("an empty name is not among them", &include, "/?&=1", &[]),
            ("all but some", &exclude, "/?utm_source=x&a=1&utm_=2", &["a=1"]),
            ("by their decoded names", &exclude, "/?utm%5Fsource=x&x%20y=1&a=1", &["a=1"]),
            (
                "those that begin otherwise stay",
                &exclude,
                "/?xutm_source=x&utm=1",
                &["xutm_source=x", "utm=1"],
            ),
            ("none is left", &exclude, "/?utm_source=x", &[]),
            (
                "a second question mark is no other query",
                &exclude,
                "/?a=1?utm_source=x",
                &["a=1?utm_source=x"],
            ),
            ("a semicolon separates nothing", &exclude, "/?a=1;utm_x=2", &["a=1;utm_x=2"]),
        ];
        for (name, policy, target, want) in table {
            assert_eq!(parts(policy, target), want, "{name}: {target}");
        }
    }
}
