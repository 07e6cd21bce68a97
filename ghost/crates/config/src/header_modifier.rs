//! Header modification.

use serde_json::{Value, json};

use crate::diagnostic::Findings;
use crate::field::{is_field_value, is_token};
use crate::reserved_header::{Action, Message, is_reserved};
use crate::rule::each;
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

    /// The JSON of response modifiers in their order, which [`from_json`](Self::from_json) reads.
    pub fn to_json(modifiers: &[Self]) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let header = |h: &Header| json!({"name": text(&h.name), "value": text(&h.value)});
        let one = |modifier: &Self| {
            json!({
                "remove": modifier.remove.iter().map(|name| text(name)).collect::<Vec<_>>(),
                "set": modifier.set.iter().map(header).collect::<Vec<_>>(),
                "add": modifier.add.iter().map(header).collect::<Vec<_>>(),
            })
        };
        Value::from_iter(modifiers.iter().map(one)).to_string()
    }

    /// Reads response modifiers as strictly as those of a file; none where anything is wrong with them.
    pub fn from_json(text: &[u8]) -> Option<Vec<Self>> {
        let wire: Vec<wire::HeaderModifier> = serde_json::from_slice(text).ok()?;
        let mut findings = Findings::default();
        wire.into_iter().map(|modifier| Self::compile(modifier, Message::Response, &mut findings)).collect()
    }

    /// Takes Host out of a request's modifier, and says what it is set to: it stands beside the rewrites.
    pub(crate) fn take_host(&mut self) -> Option<Box<[u8]>> {
        let is_host = |header: &Header| header.name.eq_ignore_ascii_case(b"host");
        let host = self.set.iter().rfind(|header| is_host(header)).map(|header| header.value.clone());
        self.set.retain(|header| !is_host(header));
        host
    }

    /// Compiles what changes such a message; `None` where any of it is broken.
    pub(crate) fn compile(
        wire: wire::HeaderModifier,
        message: Message,
        findings: &mut Findings,
    ) -> Option<Self> {
        let set = headers(wire.set, "set", findings, |name| problem(message, Action::Set, name));
        let add = headers(wire.add, "add", findings, |name| problem(message, Action::Add, name));
        let remove = each(wire.remove, "remove", findings, |name, f| {
            sound(problem(message, Action::Remove, &name), &name, f).then(|| name.into_bytes().into())
        });
        let remove = remove.into_iter().collect::<Option<_>>();
        Some(Self { remove: remove?, set: set?, add: add? })
    }
}

fn headers(
    wire: Vec<wire::Header>,
    list: &str,
    findings: &mut Findings,
    problem: impl Fn(&str) -> Option<&'static str>,
) -> Option<Vec<Header>> {
    let headers = each(wire, list, findings, |header, f| {
        let name = f.field("name", |f| sound(problem(&header.name), &header.name, f));
        let broken = (!is_field_value(&header.value)).then_some("is no header value");
        let value = f.field("value", |f| sound(broken, &header.value, f));
        (name && value).then(|| Header {
            name: header.name.into_bytes().into(),
            value: header.value.into_bytes().into(),
        })
    });
    headers.into_iter().collect()
}

/// Why a filter cannot do this to a field, in words that follow its name.
fn problem(message: Message, action: Action, name: &str) -> Option<&'static str> {
    if !is_token(name) {
        Some("is not the name of a header")
    } else if is_reserved(message, action, name) {
        Some("is written by the gateway itself")
    } else {
        None
    }
}

fn sound(problem: Option<&str>, text: &str, findings: &mut Findings) -> bool {
    if let Some(problem) = problem {
        findings.note(format!("{text:?} {problem}, so this answers 500"));
    }
    problem.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.as_bytes().into(), value: value.as_bytes().into() }
    }

    #[test]
    fn modifiers_are_read_as_they_were_written() {
        let first = HeaderModifier {
            remove: vec![b"Server".as_slice().into()],
            set: vec![header("X-Set", "a \"quoted\", \t é")],
            add: vec![header("X-Add", ""), header("X-Add", "2")],
        };
        let modifiers = [first, HeaderModifier::default()];
        let text = HeaderModifier::to_json(&modifiers);
        assert!(!text.contains(['\r', '\n', '\0']), "it has to fit into a header field: {text}");
        assert_eq!(HeaderModifier::from_json(text.as_bytes()).as_deref(), Some(&modifiers[..]));
        assert_eq!(HeaderModifier::from_json(b"[]"), Some(Vec::new()));
    }

    #[test]
    fn what_no_filter_may_do_is_not_read() {
        for text in [
            "",
            "{}",
            r#"[{"set": [{"name": "Content-Length", "value": "1"}]}]"#,
            r#"[{"remove": ["Transfer-Encoding"]}]"#,
            r#"[{"add": [{"name": "a b", "value": ""}]}]"#,
            r#"[{"add": [{"name": "a", "value": "\r\n"}]}]"#,
        ] {
            assert_eq!(HeaderModifier::from_json(text.as_bytes()), None, "{text}");
        }
    }
}
