//! What takes a key.

/// What a piece of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Identity of the rule.
    Rule,
    /// Name of the zone.
    Zone,
    /// `http` or `https`.
    Scheme,
    /// The host, normalised.
    Host,
    /// The path, as it stands.
    Path,
    /// The query, as it stands.
    Query,
    /// One parameter of the query, as it stands.
    Parameter,
    /// Name of a content coding, or `identity`.
    Coding,
    /// A language.
    Language,
    /// A header field that the policy names.
    Header(&'a [u8]),
    /// A cookie, with its name.
    Cookie,
}

impl<'a> Part<'a> {
    /// A number that no other kind has.
    fn tag(self) -> u8 {
        match self {
            Part::Rule => 1,
            Part::Zone => 2,
            Part::Scheme => 3,
            Part::Host => 4,
            Part::Path => 5,
            Part::Query => 6,
            Part::Parameter => 7,
            Part::Coding => 8,
            Part::Language => 9,
            Part::Header(_) => 10,
            Part::Cookie => 11,
        }
    }

    /// What people call it, and the field's name.
    fn label(self) -> (&'static str, &'a [u8]) {
        match self {
            Part::Rule => ("rule", b""),
            Part::Zone => ("zone", b""),
            Part::Scheme => ("scheme", b""),
            Part::Host => ("host", b""),
            Part::Path => ("path", b""),
            Part::Query => ("query", b""),
            Part::Parameter => ("parameter", b""),
            Part::Coding => ("coding", b""),
            Part::Language => ("language", b""),
            Part::Header(name) => ("header ", name),
            Part::Cookie => ("cookie", b""),
        }
    }
}

/// Takes the parts of a key, one after the other.
pub trait Sink {
    /// Takes the next part.
    fn part(&mut self, part: Part<'_>, value: &[u8]);
}

/// Hands a key on as bytes, such as to a hasher. Each part comes with its kind and lengths, so that
/// two keys that differ never give the same bytes.
#[derive(Debug)]
pub struct Framed<F>(pub F);

impl<F: FnMut(&[u8])> Sink for Framed<F> {
    fn part(&mut self, part: Part<'_>, value: &[u8]) {
        let (_, name) = part.label();
        let mut frame = [part.tag(); 17];
        frame[1..9].copy_from_slice(&(name.len() as u64).to_le_bytes());
        frame[9..].copy_from_slice(&(value.len() as u64).to_le_bytes());
        (self.0)(&frame);
        if !name.is_empty() {
            (self.0)(name);
        }
        (self.0)(value);
    }
}

/// Writes a key for people, such as `rule=r1 host=a.io path=/x`. It is no key: two that differ can
/// look the same.
#[derive(Debug)]
pub struct Text<'a>(pub &'a mut Vec<u8>);

impl Sink for Text<'_> {
    fn part(&mut self, part: Part<'_>, value: &[u8]) {
        if !self.0.is_empty() {
            self.0.push(b' ');
        }
        let (label, name) = part.label();
        self.0.extend_from_slice(label.as_bytes());
        self.0.extend_from_slice(name);
        self.0.push(b'=');
        self.0.extend_from_slice(value);
    }
}
