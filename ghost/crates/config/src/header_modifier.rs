//! Header modification.

use crate::diagnostic::Findings;
use crate::field::{is_field_value, is_token};
use crate::wire;

/// A header field, as bytes that may be written as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Name, as its author spelt it; compared without regard to case.
    pub name: Box<[u8]>,
    /// Value.
    pub value: Box<[u8]>,
}

/// Changes headers: first it removes, then it sets (replacing every copy), then it adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderModifier {
    /// Names of which every copy goes.
    pub remove: Vec<Box<[u8]>>,
    /// Headers that replace every copy of theirs.
    pub set: Vec<Header>,
    /// Headers that stand beside the copies that are there.
    pub add: Vec<Header>,
}

impl HeaderModifier {
    /// Whether the headers of this name that were there before do not outlive this modifier.
    pub fn drops(&self, name: &[u8]) -> bool {
        let same = |other: &[u8]| other.eq_ignore_ascii_case(name);
        self.remove.iter().any(|removed| same(removed)) || self.set.iter().any(|set| same(&set.name))
    }

    /// Takes Host out of a request's modifier, and says what it is set to. A request has exactly one Host:
    /// it can be replaced, but neither removed nor doubled, so that it stands beside the rewrites.
    pub(crate) fn take_host(&mut self) -> Option<Box<[u8]>> {
        let is_host = |name: &[u8]| name.eq_ignore_ascii_case(b"host");
        let host = self.set.iter().rfind(|header| is_host(&header.name)).map(|header| header.value.clone());
        self.remove.retain(|name| !is_host(name));
        self.set.retain(|header| !is_host(&header.name));
        self.add.retain(|header| !is_host(&header.name));
        host
    }

    pub(crate) fn compile(wire: wire::HeaderModifier, findings: &mut Findings) -> Option<Self> {
        let set = headers(wire.set, "set", findings);
        let add = headers(wire.add, "add", findings);
        let remove = names(wire.remove, findings);
        Some(Self { remove: remove?, set: set?, add: add? })
    }
}

fn headers(wire: Vec<wire::Header>, list: &str, findings: &mut Findings) -> Option<Vec<Header>> {
    let mut sound = true;
    let mut headers = Vec::with_capacity(wire.len());
    for (index, header) in wire.into_iter().enumerate() {
        findings.element(list, index, |f| {
            sound &= check(is_token(&header.name), "name", &header.name, f);
            sound &= check(is_field_value(&header.value), "value", &header.value, f);
        });
        headers
            .push(Header { name: header.name.into_bytes().into(), value: header.value.into_bytes().into() });
    }
    sound.then_some(headers)
}

fn names(wire: Vec<String>, findings: &mut Findings) -> Option<Vec<Box<[u8]>>> {
    let mut sound = true;
    let mut names = Vec::with_capacity(wire.len());
    for (index, name) in wire.into_iter().enumerate() {
        if !is_token(&name) {
            findings.element("remove", index, |f| f.note(format!("{name:?} is no header name")));
            sound = false;
        }
        names.push(name.into_bytes().into());
    }
    sound.then_some(names)
}

fn check(sound: bool, part: &str, text: &str, findings: &mut Findings) -> bool {
    if !sound {
        findings.field(part, |f| f.note(format!("{text:?} is no header {part}")));
    }
    sound
}
