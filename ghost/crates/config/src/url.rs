//! Redirects and rewrites.

use crate::diagnostic::Findings;
use crate::field;
use crate::hostname::is_name;
use crate::listener::Scheme;
use crate::wire;

/// Answers with a redirect. What is `None` is taken from the request, as the Gateway API says for
/// HTTPRequestRedirectFilter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Scheme of the Location; the listener's where `None`.
    pub scheme: Option<Scheme>,
    /// Hostname of the Location; the request's where `None`.
    pub hostname: Option<Box<str>>,
    /// Path of the Location; the request's where `None`.
    pub path: Option<PathModifier>,
    /// Port of the Location; where `None`, the scheme's own if `scheme` is set, else the listener's.
    pub port: Option<u16>,
    /// Status of the answer: 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// Changes the host and path that the backend sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlRewrite {
    /// Host header that the backend sees; the client's where `None`.
    pub host: Option<Box<[u8]>>,
    /// Path that the backend sees; the client's where `None`.
    pub path: Option<PathModifier>,
}

/// Replaces the whole path, or the part of it that the PathPrefix matched. The query is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathModifier {
    /// Replaces the whole path.
    Full(Box<str>),
    /// Replaces the part that the PathPrefix matched.
    Prefix(Box<str>),
}

impl Redirect {
    pub(crate) fn compile(
        wire: wire::RequestRedirect,
        prefixes: bool,
        findings: &mut Findings,
    ) -> Option<Self> {
        let scheme = optional(&wire.scheme, "scheme", findings, |text| match text {
            "http" => Some(Scheme::Http),
            "https" => Some(Scheme::Https),
            _ => None,
        });
        let hostname = hostname(&wire.hostname, findings);
        let path = path(wire.path, prefixes, findings);
        let port = match wire.port {
            0 => Some(None),
            number => sound(field::port(number), "port", number, findings).map(Some),
        };
        let known = u16::try_from(wire.status_code).ok().filter(|s| matches!(s, 301..=303 | 307 | 308));
        let status = sound(known, "statusCode", wire.status_code, findings);
        Some(Self { scheme: scheme?, hostname: hostname?, path: path?, port: port?, status: status? })
    }
}

impl UrlRewrite {
    pub(crate) fn compile(wire: wire::UrlRewrite, prefixes: bool, findings: &mut Findings) -> Option<Self> {
        let hostname = hostname(&wire.hostname, findings);
        let path = path(wire.path, prefixes, findings);
        Some(Self { host: hostname?.map(Box::<[u8]>::from), path: path? })
    }
}

fn hostname(text: &str, findings: &mut Findings) -> Option<Option<Box<str>>> {
    optional(text, "hostname", findings, |name| is_name(name).then(|| name.into()))
}

fn path(
    wire: Option<wire::PathModifier>,
    prefixes: bool,
    findings: &mut Findings,
) -> Option<Option<PathModifier>> {
    let Some(wire) = wire else { return Some(None) };
    findings.field("path", |f| {
        let value = field::is_path(&wire.value).then(|| field::encode_path(&wire.value));
        let value = sound(value, "value", &wire.value, f);
        let modifier: Option<fn(Box<str>) -> PathModifier> = match wire.r#type.as_str() {
            "ReplaceFullPath" => Some(PathModifier::Full),
            "ReplacePrefixMatch" if prefixes => Some(PathModifier::Prefix),
            _ => None,
        };
        let modifier = sound(modifier, "type", &wire.r#type, f);
        Some(Some(modifier?(value?)))
    })
}

/// An empty text is a field that is not set.
fn optional<T>(
    text: &str,
    name: &str,
    findings: &mut Findings,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<Option<T>> {
    if text.is_empty() {
        return Some(None);
    }
    sound(read(text), name, text, findings).map(Some)
}

fn sound<T>(read: Option<T>, name: &str, text: impl std::fmt::Debug, findings: &mut Findings) -> Option<T> {
    if read.is_none() {
        findings.field(name, |f| f.note(format!("{text:?} cannot stand here, so this answers 500")));
    }
    read
}
