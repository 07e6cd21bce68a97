//! What a policy's cache key consists of, beside the host and the path.

use super::NamePattern;

/// What tells two objects apart, beside rule, host and path. The default is the query as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPolicy {
    /// Whether the scheme does. Default: no.
    pub scheme: bool,
    /// Of the query.
    pub query: QueryKey,
    /// Header fields, by their names in lower case. Default: none.
    pub headers: Vec<Box<[u8]>>,
    /// Cookies, by their names. Default: none.
    pub cookies: Vec<NamePattern>,
    /// The content codings that are told apart, the preferred one first: of each request's Accept-Encoding
    /// only the best of them counts. Default: none.
    pub codings: Vec<Coding>,
    /// The languages that are told apart: of each request's Accept-Language only the one that fits counts.
    /// Default: none.
    pub languages: Option<Languages>,
}

/// What of the query is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct QueryKey {
    /// Which parameters. Default: all.
    pub parameters: Parameters,
    /// Whether parameters are put in the order of their names, so that theirs does not count. Those of one
    /// name keep theirs. Default: no.
    pub sort: bool,
    /// Whether what is empty between two `&`, or behind the `?`, is left out. Default: no.
    pub drop_empty: bool,
}

/// Which parameters of the query are in the key. Names are compared percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Parameters {
    /// All.
    #[default]
    All,
    /// These.
    Include(Vec<NamePattern>),
    /// All but these.
    Exclude(Vec<NamePattern>),
}

impl Parameters {
    /// Whether a parameter of this name is in the key.
    pub fn contain(&self, name: &[u8]) -> bool {
        let fits = |patterns: &[NamePattern]| patterns.iter().any(|pattern| pattern.fits(name));
        match self {
            Parameters::All => true,
            Parameters::Include(patterns) => fits(patterns),
            Parameters::Exclude(patterns) => !fits(patterns),
        }
    }
}

/// A content coding (RFC 9110 section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `br`.
    Brotli,
    /// `gzip`, and `x-gzip`.
    Gzip,
    /// `zstd`.
    Zstd,
}

impl Coding {
    /// Its name, as Accept-Encoding has it.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        }
    }
}

/// Languages that an origin has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Languages {
    /// The one for those whom none of the others fits.
    pub default: Box<str>,
    /// The others, as language tags (RFC 5646) in any case.
    pub others: Vec<Box<str>>,
}
