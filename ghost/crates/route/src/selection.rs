//! Whether a request fits a match.

use ghost_config::{Match, PathMatch};

use crate::names::{Names, Part};
use crate::query::{decode, parameter, parameters};
use crate::request::{Headers, Request, header, passes};

/// Buffers for values.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// A joined or decoded value, or a name in the form in which it is compared.
    text: Vec<u8>,
    /// Which of many names the request has.
    noted: Vec<Noted>,
    /// One bit for each of many names: whether it was noted.
    is_noted: Vec<u64>,
}

/// A name that the request has.
#[derive(Debug)]
struct Noted {
    /// Its number among the names that matter.
    number: usize,
    /// Where in the query its first value stands.
    value: (usize, usize),
}

/// A request in the forms in which it is compared.
pub(crate) struct Selection<'a, H: ?Sized> {
    pub request: &'a Request<'a, H>,
    /// The path in the form for comparison.
    pub path: &'a [u8],
    pub query: &'a [u8],
    pub buffers: &'a mut Buffers,
}

impl Buffers {
    fn begin(&mut self, names: usize) {
        self.noted.clear();
        self.is_noted.clear();
        self.is_noted.resize(names.div_ceil(64), 0);
    }

    /// The first of a name counts.
    fn note(&mut self, number: usize, value: (usize, usize)) {
        let (word, bit) = (&mut self.is_noted[number / 64], 1 << (number % 64));
        if *word & bit == 0 {
            *word |= bit;
            self.noted.push(Noted { number, value });
        }
    }
}

impl<H: Headers + ?Sized> Selection<'_, H> {
    /// The value of a header or query parameter; none where the request has none.
    pub fn value(&mut self, part: Part, name: &[u8]) -> Option<&[u8]> {
        match part {
            Part::Header => header(self.request, name, &mut self.buffers.text),
            Part::Query => parameter(self.query, name, &mut self.buffers.text),
        }
    }

    /// Looks which of these names the request has, each once. Returns how many.
    pub fn note(&mut self, part: Part, names: &Names) -> usize {
        self.buffers.begin(names.len());
        match part {
            Part::Header => self.note_headers(names),
            Part::Query => self.note_parameters(names),
        }
        self.buffers.noted.len()
    }

    fn note_headers(&mut self, names: &Names) {
        if let Some(number) = names.number(b"host") {
            self.buffers.note(number, (0, 0));
        }
        for (name, _) in self.request.headers.lines() {
            self.buffers.text.clear();
            self.buffers.text.extend(name.iter().map(u8::to_ascii_lowercase));
            if let Some(number) = names.number(&self.buffers.text) {
                self.buffers.note(number, (0, 0));
            }
        }
    }

    fn note_parameters(&mut self, names: &Names) {
        for (name, value) in parameters(self.query) {
            if let Some(number) = names.number(decode(name, &mut self.buffers.text)) {
                let start = value.as_ptr().addr().saturating_sub(self.query.as_ptr().addr());
                self.buffers.note(number, (start, start + value.len()));
            }
        }
    }

    /// One of the names that the request has, by its number among all of them, and the value.
    pub fn noted(&mut self, part: Part, names: &Names, index: usize) -> Option<(usize, &[u8])> {
        let Noted { number, value: (start, end) } = *self.buffers.noted.get(index)?;
        let value = match part {
            Part::Header => self.value(part, names.name(number))?,
            Part::Query => decode(self.query.get(start..end)?, &mut self.buffers.text),
        };
        Some((number, value))
    }

    /// Whether every condition holds but those on the path that the index has looked at.
    pub fn fits_beside_index(&mut self, found: &Match) -> bool {
        let path = match &found.path {
            PathMatch::Exact(_) | PathMatch::Prefix(_) => true,
            PathMatch::Regex(pattern) => pattern.is_match(self.path),
        };
        path && self.fits_beside_path(found)
    }

    fn fits_beside_path(&mut self, found: &Match) -> bool {
        let Self { request, query, buffers, .. } = self;
        let buffer = &mut buffers.text;
        found.method.as_deref().is_none_or(|method| method == request.method)
            && found
                .headers
                .iter()
                .all(|c| header(request, &c.name, buffer).is_some_and(|v| passes(&c.test, v)))
            && found
                .query
                .iter()
                .all(|c| parameter(query, &c.name, buffer).is_some_and(|v| passes(&c.test, v)))
    }
}

/// Whether a match has no condition but those that the index has looked at: then every request fits that
/// [`Selection::fits_beside_index`] is asked for.
pub(crate) fn is_path_alone(found: &Match) -> bool {
    // Named one by one, so that nobody adds a condition and forgets it here.
    let Match { path, method, headers, query, rank: _ } = found;
    let is_literal = match path {
        PathMatch::Exact(_) | PathMatch::Prefix(_) => true,
        PathMatch::Regex(_) => false,
    };
    is_literal && method.is_none() && headers.is_empty() && query.is_empty()
}
