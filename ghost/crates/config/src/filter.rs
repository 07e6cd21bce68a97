//! Filters, validated: what stands here can be written into a message as it is.

use crate::diagnostic::Findings;
use crate::header_modifier::HeaderModifier;
use crate::reserved_header::Message;
use crate::url::{Redirect, UrlRewrite};
use crate::wire;

/// The filters of a rule or of a backend. Each list is in the order in which it applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Change the request's headers.
    pub request_headers: Vec<HeaderModifier>,
    /// Change the answer's headers.
    pub response_headers: Vec<HeaderModifier>,
    /// Changes the host and path that the backend sees; of several, the last that says something.
    pub rewrite: UrlRewrite,
    /// Answers instead of the backends; of several, the first.
    pub redirect: Option<Redirect>,
}

impl Filters {
    /// No filter.
    pub const fn none() -> Self {
        Self {
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            rewrite: UrlRewrite { host: None, path: None },
            redirect: None,
        }
    }

    /// Compiles filters. `None` where one of them is unknown or broken: a filter that is left out can open
    /// what should be shut, so its owner must answer 500. `prefixes` says whether every match of the rule is
    /// a PathPrefix, which ReplacePrefixMatch asks for.
    pub(crate) fn compile(
        filters: Vec<wire::Filter>,
        prefixes: bool,
        findings: &mut Findings,
    ) -> Option<Self> {
        let mut compiled = Self::default();
        let mut sound = true;
        for (index, filter) in filters.into_iter().enumerate() {
            findings.element("filters", index, |f| {
                sound &= only_its_own(&filter, f);
                sound &= compiled.add(filter, prefixes, f).is_some();
            });
        }
        sound.then_some(compiled)
    }

    fn add(&mut self, filter: wire::Filter, prefixes: bool, findings: &mut Findings) -> Option<()> {
        match filter.r#type.as_str() {
            "RequestHeaderModifier" => {
                let wire = present(filter.request_header_modifier, "requestHeaderModifier", findings)?;
                let mut found = findings
                    .field("requestHeaderModifier", |f| HeaderModifier::compile(wire, Message::Request, f))?;
                self.rewrite.host = found.take_host().or(self.rewrite.host.take());
                self.request_headers.push(found);
            }
            "ResponseHeaderModifier" => {
                let wire = present(filter.response_header_modifier, "responseHeaderModifier", findings)?;
                let found = findings.field("responseHeaderModifier", |f| {
                    HeaderModifier::compile(wire, Message::Response, f)
                })?;
                self.response_headers.push(found);
            }
            "RequestRedirect" => {
                let wire = present(filter.request_redirect, "requestRedirect", findings)?;
                let found = findings.field("requestRedirect", |f| Redirect::compile(wire, prefixes, f))?;
                self.redirect.get_or_insert(found);
            }
            "URLRewrite" => {
                let wire = present(filter.url_rewrite, "urlRewrite", findings)?;
                let found = findings.field("urlRewrite", |f| UrlRewrite::compile(wire, prefixes, f))?;
                self.rewrite.host = found.host.or(self.rewrite.host.take());
                self.rewrite.path = found.path.or(self.rewrite.path.take());
            }
            unknown => {
                let message = format!("the filter {unknown:?} is not known, so this answers 500");
                findings.field("type", |f| f.note(message));
                return None;
            }
        }
        Some(())
    }
}

fn present<T>(filter: Option<T>, field: &str, findings: &mut Findings) -> Option<T> {
    if filter.is_none() {
        findings.field(field, |f| f.note("the filter is empty, so this answers 500"));
    }
    filter
}

/// Whether no field is set that belongs to another known type: it was meant to do something.
fn only_its_own(filter: &wire::Filter, findings: &mut Findings) -> bool {
    let fields = [
        ("RequestHeaderModifier", "requestHeaderModifier", filter.request_header_modifier.is_some()),
        ("ResponseHeaderModifier", "responseHeaderModifier", filter.response_header_modifier.is_some()),
        ("RequestRedirect", "requestRedirect", filter.request_redirect.is_some()),
        ("URLRewrite", "urlRewrite", filter.url_rewrite.is_some()),
    ];
    let known = fields.iter().any(|(owner, ..)| filter.r#type == *owner);
    let mut sound = true;
    for (owner, field, present) in fields {
        if known && present && filter.r#type != owner {
            let message =
                format!("this belongs to a {owner}, not to a {}, so this answers 500", filter.r#type);
            findings.field(field, |f| f.note(message));
            sound = false;
        }
    }
    sound
}
