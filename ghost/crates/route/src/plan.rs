//! What is done to the header of an answer, as one value that every door to the client applies.

use std::borrow::Cow;

use ghost_config::{Filters, HeaderModifier};

/// The header of an answer, whoever holds it. Names are compared without regard to case.
pub trait Fields {
    /// Why a field cannot be added.
    type Error;

    /// Keeps the fields whose names `keep` says so of.
    fn retain(&mut self, keep: impl FnMut(&[u8]) -> bool);

    /// Replaces every field of a name by one.
    fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), Self::Error>;

    /// Adds a field.
    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Self::Error>;
}

/// What is done to an answer: the filters of the rule that the request fits, and then of the backendRef that the
/// answer came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponsePlan<'a> {
    rule: &'a [HeaderModifier],
    backend: Cow<'a, [HeaderModifier]>,
}

impl<'a> ResponsePlan<'a> {
    /// The plan for an answer of the gateway's own.
    pub fn of_rule(rule: &'a Filters) -> Self {
        Self { rule: &rule.response_headers, backend: Cow::default() }
    }

    /// The plan for an answer that a backend gave, by the filters of its backendRef.
    pub fn with_backend(self, backend: impl Into<Cow<'a, [HeaderModifier]>>) -> Self {
        Self { backend: backend.into(), ..self }
    }

    /// Changes the header.
    ///
    /// # Errors
    /// The first field that could not be added; what comes after it was not done.
    pub fn apply<F: Fields>(&self, fields: &mut F) -> Result<(), F::Error> {
        for modifier in self.rule.iter().chain(&*self.backend) {
            fields.retain(|name| !modifier.drops(name));
            // Of two that set the same field, the last one counts.
            for header in &modifier.set {
                fields.set(&header.name, &header.value)?;
            }
            for header in &modifier.add {
                fields.add(&header.name, &header.value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ghost_config::Header;
    use proptest::prelude::*;

    use super::*;
    use crate::modify::modify;

    type Lines = Vec<(Vec<u8>, Vec<u8>)>;

    struct Answer {
        lines: Lines,
        room: usize,
    }

    impl Fields for Answer {
        type Error = &'static str;

        fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
            self.lines.retain(|(name, _)| keep(name));
        }

        fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), Self::Error> {
            self.retain(|other| !other.eq_ignore_ascii_case(name));
            self.add(name, value)
        }

        fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Self::Error> {
            if self.lines.len() >= self.room {
                return Err("no room");
            }
            self.lines.push((name.to_vec(), value.to_vec()));
            Ok(())
        }
    }

    fn name() -> impl Strategy<Value = Box<[u8]>> {
        prop::sample::select(vec!["a", "A", "b", "c"]).prop_map(|name| name.as_bytes().into())
    }

    fn headers() -> impl Strategy<Value = Vec<Header>> {
        let header =
            (name(), "[12]").prop_map(|(name, value)| Header { name, value: value.as_bytes().into() });
        prop::collection::vec(header, 0..3)
    }

    fn modifiers() -> impl Strategy<Value = Vec<HeaderModifier>> {
        let one = (prop::collection::vec(name(), 0..2), headers(), headers())
            .prop_map(|(remove, set, add)| HeaderModifier { remove, set, add });
        prop::collection::vec(one, 0..3)
    }

    proptest! {
        #[test]
        fn a_plan_does_what_its_modifiers_say_one_after_another(
            lines in headers(),
            rule in modifiers(),
            backend in modifiers(),
        ) {
            let lines: Lines = lines.into_iter().map(|h| (h.name.into(), h.value.into())).collect();
            let mut expected = Lines::new();
            modify(&lines[..], rule.iter().chain(&backend), |name, value| {
                expected.push((name.to_vec(), value.to_vec()));
            });
            let filters = Filters { response_headers: rule, ..Filters::default() };
            let mut answer = Answer { lines, room: usize::MAX };
            prop_assert_eq!(ResponsePlan::of_rule(&filters).with_backend(backend).apply(&mut answer), Ok(()));
            prop_assert_eq!(answer.lines, expected);
        }
    }

    #[test]
    fn an_answer_without_room_is_told_of() {
        let header = Header { name: b"a".as_slice().into(), value: b"1".as_slice().into() };
        let add = [HeaderModifier { add: vec![header], ..HeaderModifier::default() }];
        let mut answer = Answer { lines: Lines::new(), room: 0 };
        assert_eq!(ResponsePlan::default().with_backend(&add[..]).apply(&mut answer), Err("no room"));
    }
}
