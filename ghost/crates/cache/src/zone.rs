//! Rules that share objects.
//!
//! Rules whose policies name one zone share objects by the URL that their backends are asked for:
//! two that rewrite to one URL share, and two that rewrite one URL to different ones do not. The host
//! of the client counts as well, and so does the namespace of the route, since nobody else may fill
//! or invalidate what its routes cache.
//!
//! So an object can have URLs that its next request knows nothing of. An order to invalidate one of
//! them is carried out for the URL that the zone shares the object by, too ([`subjects`]).

use ghost_config::{Filters, Match, PathMatch, PathModifier, Rule};
use ghost_invalidation::Subject;
use ghost_route::Scratch;
use ghost_route::target::upstream;

use crate::url::Url;

/// Whose objects the requests of a rule share in a zone. None where it shares none, since one of its
/// backends rewrites the URL itself: which one is drawn is known only after the lookup.
pub fn identity(zone: &str, namespace: &str, rule: &Rule) -> Option<String> {
    if rule.backends.iter().any(|backend| rewrites(&backend.filters)) {
        return None;
    }
    let mut identity = zone.to_owned();
    if zone.split_once('/').is_none_or(|(own, _)| own != namespace) {
        identity += &format!(" of {namespace}");
    }
    if let Some(host) = &rule.filters.rewrite.host {
        identity += &format!(" from {}", String::from_utf8_lossy(host));
    }
    Some(identity)
}

/// Whether filters make it another URL.
pub fn rewrites(filters: &Filters) -> bool {
    filters.rewrite.host.is_some() || filters.rewrite.path.is_some()
}

/// The target that a rule shares objects by in a zone: that which its backends are asked for. `out`
/// holds it where it is another one.
pub fn target<'a>(
    rule: &Rule,
    prefix: &[u8],
    target: &'a [u8],
    scratch: &mut Scratch,
    out: &'a mut Vec<u8>,
) -> &'a [u8] {
    upstream(target, &rule.filters, &Filters::none(), prefix, scratch, out)
}

/// What follows each path in the table of invalidations, so that a prefix can name one path alone.
const END: u8 = b'?';

/// The URL by which a request's objects are known in a zone. Its host is none that an order names.
pub fn url(identity: &str, rule: &Rule, prefix: &[u8], host: &[u8], asked: &[u8]) -> Url {
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    let mut url = Url::new(host, target(rule, prefix, asked, &mut scratch, &mut out));
    url.host = zone_host(identity, &url.host);
    url.path.push(END);
    url
}

/// What stands in the place of the host.
fn zone_host(identity: &str, host: &[u8]) -> Vec<u8> {
    [identity.as_bytes(), host].join(&0)
}

/// What an order comes to for the objects that a rule shares in a zone: one that names URLs, for the
/// URLs that the zone shares them by.
pub fn subjects(identity: &str, rule: &Rule, subject: &Subject) -> Vec<Subject> {
    let matches = || rule.matches.iter().enumerate().filter_map(|(at, found)| Some((at, found.as_ref()?)));
    match subject {
        Subject::Url { host, path, query } => {
            let mut asked = path.to_vec();
            if let Some(query) = query {
                asked.push(b'?');
                asked.extend_from_slice(query);
            }
            let fitting = matches().filter(|(_, found)| fits(found, path));
            let url = |(at, _)| self::url(identity, rule, rule.prefix(at), host, &asked);
            fitting.map(url).map(Subject::from).collect()
        }
        Subject::Prefix { host, prefix } => {
            let begun = matches()
                .flat_map(|(_, found)| rewritten(&found.path, prefix, rule.filters.rewrite.path.as_ref()));
            let host = zone_host(identity, host);
            begun.map(|prefix| Subject::Prefix { host: (&*host).into(), prefix: prefix.into() }).collect()
        }
        _ => Vec::new(),
    }
}

impl From<Url> for Subject {
    fn from(url: Url) -> Self {
        Subject::Url { host: url.host.into(), path: url.path.into(), query: url.query.map(Into::into) }
    }
}

fn fits(found: &Match, path: &[u8]) -> bool {
    match &found.path {
        PathMatch::Exact(exact) => **exact == *path,
        PathMatch::Prefix(prefix) => below(path, prefix).is_some(),
        PathMatch::Regex(pattern) => pattern.is_match(path),
    }
}

/// What of a path is behind a prefix of whole segments.
fn below<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    path.strip_prefix(prefix).filter(|rest| matches!(rest, [] | [b'/', ..]))
}

/// How the paths begin that backends are asked for where those of clients begin with `prefix` and fit
/// the match; each path with its END.
fn rewritten(found: &PathMatch, prefix: &[u8], rewrite: Option<&PathModifier>) -> Vec<Vec<u8>> {
    // What of the prefix is behind that of the match; nothing where the prefix has all of the match.
    let tail = match found {
        PathMatch::Prefix(own) => below(prefix, own).or_else(|| own.starts_with(prefix).then_some(&b""[..])),
        PathMatch::Exact(exact) => exact.starts_with(prefix).then_some(&b""[..]),
        PathMatch::Regex(pattern) => {
            let own = pattern.prefix();
            (own.starts_with(prefix) || prefix.starts_with(own)).then_some(&b""[..])
        }
    };
    let Some(tail) = tail else { return Vec::new() };
    match rewrite {
        None => vec![prefix.to_vec()],
        Some(PathModifier::Full(path)) => {
            let mut path = Url::new(b"", path.as_bytes()).path;
            path.push(END);
            vec![path]
        }
        Some(PathModifier::Prefix(path)) => {
            let path = Url::new(b"", path.as_bytes()).path;
            let head = path.strip_suffix(b"/").unwrap_or(&path);
            match (head, tail) {
                ([], []) => vec![b"/".to_vec()],
                (_, []) => vec![[head, &[END]].concat(), [head, b"/"].concat()],
                _ => vec![[head, tail].concat()],
            }
        }
    }
}
