//! Routes.

use std::sync::Arc;

use crate::diagnostic::Findings;
use crate::rule::each;
use crate::{Hostname, Match, Rule, wire};

/// One HTTPRoute, with the listeners that it is attached to.
#[derive(Debug, Clone)]
pub struct Route {
    /// "namespace/name".
    pub id: Arc<str>,
    /// UID of the HTTPRoute.
    pub uid: Box<str>,
    /// Where the route serves.
    pub attachments: Vec<Attachment>,
    /// Rules, at their places in the file.
    pub rules: Vec<Arc<Rule>>,
}

/// Says at which listener a route serves, and for which of its own hostnames.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Name of a listener.
    pub listener: Box<str>,
    /// The route's own hostnames; [`Hostname::Any`] alone where the file names none. Broken ones are left
    /// out, so an empty list serves no host.
    pub hostnames: Vec<Hostname>,
    /// IDs of the cache policies of the rules at this listener, by their places; none for a rule whose requests are
    /// passed. Empty where the rules' own policies hold.
    pub cache_policies: Vec<Option<Arc<str>>>,
}

impl Route {
    /// IDs of the cache policies of the rules at a listener, by their places; none where the rules' own policies hold there.
    pub fn cache_policies_at(&self, listener: &str) -> Option<&[Option<Arc<str>>]> {
        let at =
            self.attachments.iter().rfind(|a| *a.listener == *listener && !a.cache_policies.is_empty())?;
        Some(&at.cache_policies)
    }

    pub(crate) fn compile(wire: wire::Route, findings: &mut Findings) -> Self {
        let mut route = Self {
            id: format!("{}/{}", wire.namespace, wire.name).into(),
            uid: wire.uid.into(),
            attachments: each(wire.attachments, "attachments", findings, Attachment::compile),
            rules: each(wire.rules, "rules", findings, |rule, f| Arc::new(Rule::compile(rule, f))),
        };
        route.check_cache_policies(findings);
        for (field, text) in [("namespace", &*wire.namespace), ("name", &*wire.name), ("uid", &*route.uid)] {
            if text.is_empty() {
                findings.field(field, |f| f.note("this is empty, so the route answers 500"));
            }
        }
        if wire.namespace.is_empty() || wire.name.is_empty() || route.uid.is_empty() {
            route.fail("its route has no identity");
        }
        route
    }

    /// Lets the rules' own cache policies hold at a listener where not each rule has one there.
    fn check_cache_policies(&mut self, findings: &mut Findings) {
        let rules = self.rules.len();
        for (index, attachment) in self.attachments.iter_mut().enumerate() {
            let count = attachment.cache_policies.len();
            if count == 0 || count == rules {
                continue;
            }
            let message = format!("{count} policies are none for {rules} rules, so those of the rules hold");
            findings.element("attachments", index, |f| f.field("cachePolicies", |f| f.note(message)));
            attachment.cache_policies.clear();
        }
    }

    /// Makes every match with an expression one that never matches, and says so.
    pub(crate) fn refuse_expressions(&mut self, findings: &mut Findings, why: &str) {
        for (index, rule) in self.rules.iter_mut().enumerate() {
            findings.element("rules", index, |f| {
                for (index, found) in Arc::make_mut(rule).matches.iter_mut().enumerate() {
                    if found.as_ref().is_some_and(Match::has_expression) {
                        *found = None;
                        f.element("matches", index, |f| f.note(why));
                    }
                }
            });
        }
    }

    /// Takes the rules that are the same in a former version of this route, so that who holds one knows it again.
    pub(crate) fn keep_rules(&mut self, former: &Self) {
        for rule in &mut self.rules {
            if let Some(kept) = former.rules.iter().find(|kept| kept.id == rule.id && **kept == *rule) {
                *rule = Arc::clone(kept);
            }
        }
    }

    /// Makes every rule answer 500.
    pub(crate) fn fail(&mut self, reason: &str) {
        for rule in &mut self.rules {
            Arc::make_mut(rule).fault.get_or_insert_with(|| reason.into());
        }
    }

    /// The Kubernetes object, as diagnostics name it.
    pub(crate) fn object(&self) -> String {
        format!("HTTPRoute {}", self.id)
    }
}

impl Attachment {
    fn compile(wire: wire::Attachment, findings: &mut Findings) -> Self {
        let is_any = wire.hostnames.is_empty();
        let hostnames = each(wire.hostnames, "hostnames", findings, |text, f| {
            let hostname = Hostname::parse(&text).filter(|hostname| *hostname != Hostname::Any);
            if hostname.is_none() {
                f.note(format!("{text:?} is no hostname, so this never matches"));
            }
            hostname
        });
        let policy = |id: String| (!id.is_empty()).then(|| Arc::from(id));
        Self {
            listener: wire.listener.into(),
            hostnames: match is_any {
                true => vec![Hostname::Any],
                false => hostnames.into_iter().flatten().collect(),
            },
            cache_policies: wire.cache_policies.into_iter().map(policy).collect(),
        }
    }
}
