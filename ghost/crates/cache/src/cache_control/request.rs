//! What a client asks of caches.

use super::directive::{Argument, Directive, directives};
use crate::delta_seconds;

/// The directives of a request (RFC 9111 section 5.2.1). All are wishes; a value that cannot be
/// read is none. Of a directive that is there more than once, the first counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `max-age`: no older than this.
    pub max_age: Option<u32>,
    /// `max-stale`: stale by no more than this; [`delta_seconds::MAX`] where it says no number.
    pub max_stale: Option<u32>,
    /// `min-fresh`: fresh for at least this long.
    pub min_fresh: Option<u32>,
    /// `no-cache`: not without asking the origin.
    pub no_cache: bool,
    /// `no-store`: nothing of this request or its response is to be stored.
    pub no_store: bool,
    /// `only-if-cached`: from the cache or not at all.
    pub only_if_cached: bool,
}

impl RequestDirectives {
    /// Reads the lines of Cache-Control and of Pragma, whose `no-cache` counts where there is no
    /// Cache-Control (RFC 9111 section 5.4).
    pub fn read<'a>(
        cache_control: impl IntoIterator<Item = &'a [u8]>,
        pragma: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut reader = RequestReader::default();
        cache_control.into_iter().for_each(|line| reader.cache_control(line));
        pragma.into_iter().for_each(|line| reader.pragma(line));
        reader.finish()
    }
}

/// Reads the two fields as their lines come.
#[derive(Debug, Default)]
pub(crate) struct RequestReader {
    directives: RequestDirectives,
    has_cache_control: bool,
    has_pragma_no_cache: bool,
}

impl RequestReader {
    pub(crate) fn cache_control(&mut self, line: &[u8]) {
        self.has_cache_control = true;
        directives(line).for_each(|directive| self.directives.add(directive));
    }

    pub(crate) fn pragma(&mut self, line: &[u8]) {
        self.has_pragma_no_cache |= directives(line).any(|d| d.name.eq_ignore_ascii_case(b"no-cache"));
    }

    pub(crate) fn finish(mut self) -> RequestDirectives {
        self.directives.no_cache |= self.has_pragma_no_cache && !self.has_cache_control;
        self.directives
    }
}

impl RequestDirectives {
    fn add(&mut self, Directive { name, argument }: Directive<'_>) {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if is("max-age") {
            self.max_age = self.max_age.or(argument.seconds());
        } else if is("max-stale") {
            let any = || (argument == Argument::None).then_some(delta_seconds::MAX);
            self.max_stale = self.max_stale.or_else(|| argument.seconds().or_else(any));
        } else if is("min-fresh") {
            self.min_fresh = self.min_fresh.or(argument.seconds());
        } else if is("no-cache") {
            self.no_cache = true;
        } else if is("no-store") {
            self.no_store = true;
        } else if is("only-if-cached") {
            self.only_if_cached = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_as_rfc_9111_sections_5_2_1_and_5_4_say() {
        let none = RequestDirectives::default();
        let no_cache = RequestDirectives { no_cache: true, ..none };
        let table: [(&[&str], &[&str], RequestDirectives); 16] = [
            (&[], &[], none),
            (&["max-age=0"], &[], RequestDirectives { max_age: Some(0), ..none }),
            (&["max-age=1, max-age=2"], &[], RequestDirectives { max_age: Some(1), ..none }),
            (&["max-age=x"], &[], none),
            (&["max-age"], &[], none),
            (&["max-stale"], &[], RequestDirectives { max_stale: Some(1 << 31), ..none }),
            (&["max-stale=\"7\""], &[], RequestDirectives { max_stale: Some(7), ..none }),
            (&["max-stale=x"], &[], none),
            (&["min-fresh=9"], &[], RequestDirectives { min_fresh: Some(9), ..none }),
            (&["No-Cache"], &[], no_cache),
            (&["no-store"], &[], RequestDirectives { no_store: true, ..none }),
            (&["x, only-if-cached"], &[], RequestDirectives { only_if_cached: true, ..none }),
            (&[], &["no-cache"], no_cache),
            (&[], &["x, No-Cache"], no_cache),
            (&[], &["x"], none),
            // Pragma says nothing beside Cache-Control
            (&["x"], &["no-cache"], none),
        ];
        for (cache_control, pragma, want) in table {
            let lines = |lines: &'static [&str]| lines.iter().map(|line| line.as_bytes());
            let found = RequestDirectives::read(lines(cache_control), lines(pragma));
            assert_eq!(found, want, "{cache_control:?} {pragma:?}");
        }
    }
}
