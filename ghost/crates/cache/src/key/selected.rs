//! What Accept-Encoding and Accept-Language of a request come down to.

use ghost_route::Headers;

use super::fields::lines;
use super::sink::{Part, Sink};
use crate::policy::{Coding, KeyPolicy};
use crate::{encoding, language};

/// Which of a policy's codings and languages a request selects. It is the same for all requests
/// that share a key, so that the origin has to be asked for just this
/// ([`Selected::accept_encoding`], [`Selected::accept_language`]): what the first of them would
/// like beside it is not for the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selected {
    coding: Option<Coding>,
    language: usize,
}

impl Selected {
    /// What a request selects.
    pub fn of<H: Headers + ?Sized>(policy: &KeyPolicy, headers: &H) -> Self {
        let coding = match policy.codings.is_empty() {
            true => None,
            false => encoding::choose(&policy.codings, lines(b"accept-encoding", headers)),
        };
        let chosen = |languages| language::choose_index(languages, lines(b"accept-language", headers));
        Self { coding, language: policy.languages.as_ref().map_or(0, chosen) }
    }

    /// The Accept-Encoding that the origin is asked with; none where the policy tells no codings
    /// apart, and the request's own may stand.
    pub fn accept_encoding(self, policy: &KeyPolicy) -> Option<&'static str> {
        let name = self.coding.map_or("identity", Coding::name);
        (!policy.codings.is_empty()).then_some(name)
    }

    /// The Accept-Language that the origin is asked with; none where the policy tells no languages
    /// apart.
    pub fn accept_language(self, policy: &KeyPolicy) -> Option<&str> {
        policy.languages.as_ref().map(|languages| language::tag(languages, self.language))
    }

    /// Writes the coding, where the policy tells any apart.
    pub(super) fn write_coding<S: Sink + ?Sized>(self, policy: &KeyPolicy, sink: &mut S) {
        if let Some(name) = self.accept_encoding(policy) {
            sink.part(Part::Coding, name.as_bytes());
        }
    }

    /// Writes the language, where the policy tells any apart.
    pub(super) fn write_language<S: Sink + ?Sized>(self, policy: &KeyPolicy, sink: &mut S) {
        if let Some(tag) = self.accept_language(policy) {
            sink.part(Part::Language, tag.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Languages;

    #[test]
    fn the_origin_is_asked_for_what_the_key_says() {
        let policy = KeyPolicy {
            codings: vec![Coding::Brotli, Coding::Gzip],
            languages: Some(Languages { default: "en".into(), others: vec!["de".into()] }),
            ..KeyPolicy::default()
        };
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
        let table: [Row<'_>; 5] = [
            (&[], "identity", "en"),
            (&[("Accept-Encoding", "gzip, deflate, br;q=0.5")], "gzip", "en"),
            (&[("accept-encoding", "deflate"), ("accept-language", "de-CH")], "identity", "de"),
            // an origin that has French must not answer with it: others with this key asked for
            // German
            (&[("accept-language", "fr, de;q=0.1")], "identity", "de"),
            (&[("accept-encoding", "br"), ("accept-encoding", "gzip")], "br", "en"),
        ];
        for (headers, coding, language) in table {
            let selected = Selected::of(&policy, headers);
            let found = (selected.accept_encoding(&policy), selected.accept_language(&policy));
            assert_eq!(found, (Some(coding), Some(language)), "{headers:?}");
        }
        let plain = KeyPolicy::default();
        let selected = Selected::of(&plain, &[("accept-encoding", "br"), ("accept-language", "de")][..]);
        assert_eq!((selected.accept_encoding(&plain), selected.accept_language(&plain)), (None, None));
    }
}
