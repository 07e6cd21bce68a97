//! Regular expressions of users: bounded in size, matched against the whole text, linear in its length.

use std::fmt;

use regex_automata::dfa::{Automaton, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, meta};
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::dialect;

/// The longest expression that is read; the Gateway API allows 4096 characters.
const MAX_LENGTH: usize = 4096;
/// How deep groups may nest.
const MAX_NESTING: u32 = 64;
/// Bytes of the automaton that an expression may need at all (a{1000}{1000} needs too many).
const MAX_NFA: usize = 256 * 1024;
/// Bytes up to which an expression becomes a table, which needs no memory of its own to match.
const MAX_TABLE: usize = 64 * 1024;
/// Bytes of the cache that an expression without a table may fill while it matches.
const MAX_CACHE: usize = 1024 * 1024;

/// A compiled expression that must match the whole of a text.
///
/// Texts are bytes: classes such as `\d` and `\w` are ASCII and `.` is one byte, unless the expression
/// itself asks for Unicode (as `\p{Greek}` does).
#[derive(Clone)]
pub struct Pattern {
    source: Box<str>,
    prefix: Box<[u8]>,
    engine: Engine,
}

/// A table allocates nothing and shares nothing while it matches. The few expressions that are too large for
/// one borrow a cache, which is allocated when a thread first needs it, and grows to MAX_CACHE at most while
/// it sees texts of a new kind.
#[derive(Clone)]
enum Engine {
    Table(Box<dense::DFA<Vec<u32>>>),
    Cached(meta::Regex),
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, for its author to read: its syntax, or its size.
    pub fn new(source: &str) -> Result<Self, String> {
        if source.len() > MAX_LENGTH {
            return Err(format!("the expression is longer than {MAX_LENGTH} bytes"));
        }
        let parsed = parse(source)?;
        dialect::check(source, MAX_NESTING)?;
        let prefix = literal_prefix(&parsed);
        let whole = Hir::concat(vec![Hir::look(Look::Start), parsed, Hir::look(Look::End)]);
        Ok(Self { source: source.into(), prefix: prefix.into(), engine: Engine::new(&whole)? })
    }

    /// Whether the expression matches the whole of `text`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        let input = Input::new(text).anchored(Anchored::Yes).earliest(true);
        text.starts_with(&self.prefix)
            && match &self.engine {
                Engine::Table(table) => matches!(table.try_search_fwd(&input), Ok(Some(_))),
                Engine::Cached(regex) => regex.is_match(input),
            }
    }

    /// What every text that matches begins with.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Bytes that the compiled expression takes, with the cache of one thread where it needs one.
    pub fn memory(&self) -> usize {
        let engine = match &self.engine {
            Engine::Table(table) => table.memory_usage(),
            Engine::Cached(regex) => regex.memory_usage() + MAX_CACHE,
        };
        size_of::<Self>() + self.source.len() + self.prefix.len() + engine
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// Expressions are the same where they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

impl Engine {
    fn new(whole: &Hir) -> Result<Self, String> {
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(MAX_NFA))
                    .which_captures(thompson::WhichCaptures::None),
            )
            .build_from_hir(whole)
            .map_err(|err| err.to_string())?;
        let table = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(regex_automata::dfa::StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    .dfa_size_limit(Some(MAX_TABLE))
                    .determinize_size_limit(Some(MAX_TABLE)),
            )
            .build_from_nfa(&nfa);
        match table {
            Ok(table) => Ok(Self::Table(Box::new(table))),
            Err(_) => Self::cached(whole),
        }
    }

    fn cached(whole: &Hir) -> Result<Self, String> {
        let config = meta::Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(MAX_NFA))
            .hybrid_cache_capacity(MAX_CACHE);
        let regex = meta::Builder::new().configure(config).build_from_hir(whole);
        regex.map(Self::Cached).map_err(|err| err.to_string())
    }
}

fn parse(source: &str) -> Result<Hir, String> {
    let config = syntax::Config::new().utf8(false).nest_limit(MAX_NESTING);
    if let Ok(parsed) = syntax::parse_with(source, &config.unicode(false)) {
        return Ok(parsed);
    }
    syntax::parse_with(source, &config.unicode(true)).map_err(|err| one_line(&err.to_string()))
}

/// regex-syntax draws a picture over several lines; the last of them says what is wrong.
fn one_line(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

/// The literal bytes that an expression begins with.
fn literal_prefix(hir: &Hir) -> Vec<u8> {
    let mut prefix = Vec::new();
    extend_prefix(hir, &mut prefix);
    prefix
}

/// Appends to `prefix` what `hir` begins with, and says whether that is all of `hir`.
fn extend_prefix(hir: &Hir, prefix: &mut Vec<u8>) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Look(Look::Start) => prefix.is_empty(),
        HirKind::Literal(literal) => {
            prefix.extend_from_slice(&literal.0);
            true
        }
        HirKind::Capture(capture) => extend_prefix(&capture.sub, prefix),
        HirKind::Concat(parts) => parts.iter().all(|part| extend_prefix(part, prefix)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(source: &str) -> Pattern {
        Pattern::new(source).unwrap_or_else(|err| panic!("{source}: {err}"))
    }

    #[test]
    fn the_whole_text_must_match_whichever_alternative_comes_first() {
        let table: &[(&str, &str, bool)] = &[
            ("/foo|/foo/bar", "/foo/bar", true),
            ("/foo|/foo/bar", "/foo/ba", false),
            ("/foo", "/foo/", false),
            ("foo", "/foo", false),
            ("/a.*", "/a", true),
            ("/a.+", "/a", false),
            ("(?i)/AbC", "/aBc", true),
            ("", "", true),
            ("", "/", false),
            ("^/a$", "/a", true),
            ("/[0-9]{3}", "/123", true),
            ("/[0-9]{3}", "/1234", false),
            (r"/\d+", "/٣", false),
            (r"/\p{Greek}", "/α", true),
            ("(?:a|b)*c", "ababc", true),
        ];
        for (source, text, expected) in table {
            assert_eq!(pattern(source).is_match(text.as_bytes()), *expected, "{source} on {text}");
        }
    }

    #[test]
    fn the_prefix_is_what_every_match_begins_with() {
        let table = [
            ("/api/v[0-9]+", "/api/v"),
            ("^/api", "/api"),
            ("(/a(/b))/c.*", "/a/b/c"),
            ("/a|/b", "/"),
            ("(?i)/a", "/"),
            ("/a?b", "/"),
            (".*", ""),
        ];
        for (source, prefix) in table {
            let found = pattern(source);
            assert!(prefix.as_bytes().starts_with(found.prefix()), "{source}: {:?}", found.prefix());
        }
        assert_eq!(pattern("(/a(/b))/c.*").prefix(), b"/a/b/c");
    }

    #[test]
    fn what_is_broken_or_too_large_is_refused_with_a_reason() {
        let long = "a".repeat(MAX_LENGTH + 1);
        let deep = format!("{}a{}", "(".repeat(100), ")".repeat(100));
        for source in
            ["(", "a)|(b", "[z-a]", "a{2,1}", "(?P<", "*", "a{1000}{1000}", "\\", "(?x)a", &long, &deep]
        {
            let reason = Pattern::new(source).unwrap_err();
            assert!(!reason.is_empty() && !reason.contains('\n'), "{source}: {reason}");
        }
    }

    #[test]
    fn an_expression_too_large_for_a_table_still_matches() {
        let found = pattern(r"(?:.*[ab].{20}c)|x");
        assert!(matches!(found.engine, Engine::Cached(_)));
        assert!(found.is_match(b"zza01234567890123456789c"));
        assert!(!found.is_match(b"zzz01234567890123456789c"));
    }
}
