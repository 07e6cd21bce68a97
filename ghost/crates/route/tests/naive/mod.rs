//! A router without an index: tries everything, in order. What it says is what the real one must say.

use ghost_config::{Config, Hostname, Match, PathMatch, ValueMatch, ValueTest};
use ghost_route::Request;

pub type Lines = Vec<(String, String)>;

/// Index of the listener, and of route, rule and match; or the status of the answer where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub listener: Option<usize>,
    pub chosen: Option<(usize, usize, usize)>,
    pub status: u16,
}

pub fn decide(config: &Config, request: &Request<'_, [(String, String)]>) -> Found {
    let refuse = |status, listener| Found { listener, chosen: None, status };
    let host = str::from_utf8(request.host).unwrap().to_ascii_lowercase();
    let target = str::from_utf8(request.target).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let server = request.method == b"OPTIONS" && target == "*";
    let path = if server { Some("*".to_owned()) } else { normal(path) };
    let Some(path) = path else { return refuse(400, None) };
    let Some(listener) = listener(config, request.socket, &host) else { return refuse(404, None) };
    let mut candidates = candidates(config, listener, &host);
    candidates.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.2.rank.cmp(&b.2.rank)));
    let fits = |found: &Match| fits(found, request, &path, query);
    match candidates.into_iter().find(|(_, _, found)| fits(found)) {
        Some((_, chosen, _)) => Found { listener: Some(listener), chosen: Some(chosen), status: 0 },
        None => refuse(404, Some(listener)),
    }
}

/// How specific a hostname is that serves a host; the smaller, the more. `None` where it does not.
fn specificity(hostname: &Hostname, host: &str) -> Option<i64> {
    match hostname {
        Hostname::Any => Some(2),
        Hostname::Exact(name) => (**name == *host).then_some(-1000),
        Hostname::Wildcard(suffix) => {
            let rest = host.strip_suffix(&**suffix)?.strip_suffix('.')?;
            (!rest.is_empty()).then_some(-(suffix.len() as i64))
        }
    }
}

fn listener(config: &Config, socket: &[u8], host: &str) -> Option<usize> {
    let on_socket = config.listeners.iter().enumerate().filter(|(_, l)| l.socket.as_bytes() == socket);
    let serving = on_socket.filter_map(|(i, l)| Some((specificity(l.hostname.as_ref()?, host)?, i)));
    serving.min().map(|(_, index)| index)
}

type Candidate<'c> = (i64, (usize, usize, usize), &'c Match);

fn candidates<'c>(config: &'c Config, listener: usize, host: &str) -> Vec<Candidate<'c>> {
    let mut candidates = Vec::new();
    for (r, route) in config.routes.iter().enumerate() {
        for attachment in route.attachments.iter().filter(|a| a.listener == config.listeners[listener].name) {
            for class in attachment.hostnames.iter().filter_map(|hostname| specificity(hostname, host)) {
                for (u, rule) in route.rules.iter().enumerate() {
                    for (m, found) in rule.matches.iter().enumerate() {
                        candidates.extend(found.as_ref().map(|found| (class, (r, u, m), found)));
                    }
                }
            }
        }
    }
    candidates
}

fn fits(found: &Match, request: &Request<'_, [(String, String)]>, path: &str, query: &str) -> bool {
    path_fits(&found.path, path)
        && found.method.as_ref().is_none_or(|method| **method == *request.method)
        && found.headers.iter().all(|condition| header_fits(condition, request.headers))
        && found.query.iter().all(|condition| query_fits(condition, query))
}

fn path_fits(condition: &PathMatch, path: &str) -> bool {
    match condition {
        PathMatch::Exact(exact) => **exact == *path.as_bytes(),
        PathMatch::Prefix(prefix) => {
            let below = [prefix, &b"/"[..]].concat();
            prefix.is_empty() || **prefix == *path.as_bytes() || path.as_bytes().starts_with(&below)
        }
        PathMatch::Regex(pattern) => pattern.is_match(path.as_bytes()),
    }
}

fn header_fits(condition: &ValueMatch, headers: &[(String, String)]) -> bool {
    let same = |name: &str| name.to_ascii_lowercase().as_bytes() == &*condition.name;
    let values: Vec<_> = headers.iter().filter(|(name, _)| same(name)).map(|(_, v)| v.as_str()).collect();
    !values.is_empty() && value_fits(&condition.test, &values.join(","))
}

fn query_fits(condition: &ValueMatch, query: &str) -> bool {
    let pairs = query.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    let first = pairs.filter(|(name, _)| name.as_bytes() == &*condition.name).map(|(_, value)| value).next();
    first.is_some_and(|value| value_fits(&condition.test, value))
}

fn value_fits(test: &ValueTest, value: &str) -> bool {
    match test {
        ValueTest::Exact(exact) => **exact == *value.as_bytes(),
        ValueTest::Regex(pattern) => pattern.is_match(value.as_bytes()),
    }
}

/// The form for comparison, made of whole strings.
pub fn normal(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.map(|digits| (u8::from_str_radix(digits, 16).unwrap(), digits)) {
            Some((byte, _)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                decoded += &format!("{}{}", char::from(byte), &part[2..]);
            }
            Some((_, digits)) => decoded += &format!("%{}{}", digits.to_uppercase(), &part[2..]),
            None => decoded += &format!("%{part}"),
        }
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut directory = false;
    for segment in decoded.split('/').skip(1) {
        directory = segment == "." || segment == "..";
        match segment {
            "." => {}
            ".." => {
                kept.pop()?;
            }
            segment => kept.push(segment),
        }
    }
    if directory {
        kept.push("");
    }
    Some(format!("/{}", kept.join("/")))
}
