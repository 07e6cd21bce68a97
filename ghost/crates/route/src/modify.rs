//! Header modification.

use ghost_config::HeaderModifier;

use crate::request::Headers;

/// Writes headers into `sink` as they are after modifiers that apply one after another. Each removes, then
/// sets (one line instead of all of that name), then adds. Nothing is copied or allocated.
pub fn modify<'m, H, M>(headers: &H, modifiers: M, mut sink: impl FnMut(&[u8], &[u8]))
where
    H: Headers + ?Sized,
    M: Iterator<Item = &'m HeaderModifier> + Clone,
{
    let kept = |from: usize, name: &[u8]| !modifiers.clone().skip(from).any(|later| later.drops(name));
    for (name, value) in headers.lines().filter(|(name, _)| kept(0, name)) {
        sink(name, value);
    }
    for (index, modifier) in modifiers.clone().enumerate() {
        let set = modifier.set.iter().enumerate().filter(|(at, header)| {
            let again = |other: &ghost_config::Header| other.name.eq_ignore_ascii_case(&header.name);
            !modifier.set[at + 1..].iter().any(again)
        });
        for header in set.map(|(_, header)| header).chain(&modifier.add) {
            if kept(index + 1, &header.name) {
                sink(&header.name, &header.value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghost_config::Header;

    fn modifier(remove: &[&str], set: &[(&str, &str)], add: &[(&str, &str)]) -> HeaderModifier {
        let header = |(name, value): &(&str, &str)| Header {
            name: name.as_bytes().into(),
            value: value.as_bytes().into(),
        };
        HeaderModifier {
            remove: remove.iter().map(|name| name.as_bytes().into()).collect(),
            set: set.iter().map(header).collect(),
            add: add.iter().map(header).collect(),
        }
    }

    fn modified(headers: &[(&str, &str)], modifiers: &[HeaderModifier]) -> Vec<String> {
        let mut lines = Vec::new();
        modify(headers, modifiers.iter(), |name, value| {
            lines.push(format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
        });
        lines
    }

    #[test]
    fn set_replaces_every_copy_and_add_keeps_them() {
        let headers = [("A", "1"), ("b", "2"), ("a", "3")];
        assert_eq!(modified(&headers, &[modifier(&[], &[("a", "x")], &[])]), ["b: 2", "a: x"]);
        assert_eq!(
            modified(&headers, &[modifier(&[], &[], &[("a", "x")])]),
            ["A: 1", "b: 2", "a: 3", "a: x"]
        );
        assert_eq!(modified(&headers, &[modifier(&["a"], &[], &[])]), ["b: 2"]);
    }

    #[test]
    fn one_modifier_removes_then_sets_then_adds() {
        let all = modifier(&["a"], &[("a", "set")], &[("a", "added")]);
        assert_eq!(modified(&[("a", "1")], &[all]), ["a: set", "a: added"]);
        let twice = modifier(&[], &[("a", "1"), ("A", "2")], &[]);
        assert_eq!(modified(&[], &[twice]), ["A: 2"]);
    }

    #[test]
    fn a_later_modifier_sees_what_an_earlier_one_did() {
        let add = modifier(&[], &[], &[("a", "rule")]);
        let set = modifier(&[], &[("a", "backend")], &[]);
        assert_eq!(modified(&[("a", "1")], &[add.clone(), set.clone()]), ["a: backend"]);
        assert_eq!(modified(&[("a", "1")], &[set, add]), ["a: backend", "a: rule"]);
        let remove = modifier(&["a"], &[], &[]);
        assert_eq!(modified(&[], &[modifier(&[], &[("a", "x")], &[]), remove]), Vec::<String>::new());
    }
}
