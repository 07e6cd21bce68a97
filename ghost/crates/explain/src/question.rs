//! What is asked.

use std::sync::Arc;

use ghost_config::{CachePolicy, Config, Route, Rule};
use ghost_route::Headers;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What is asked: gatewayctl writes it as JSON (the Go type `explain.Question`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// The configuration: a ghost.json.
    pub config: Box<RawValue>,
    /// Name of the listener that the request came by.
    pub listener: String,
    /// ID of the rule that it fits.
    pub rule: String,
    /// Index of the match that it fits.
    pub r#match: usize,
    /// When the response came, in seconds since 1970, unless its Date says so.
    pub now: i64,
    /// The request.
    pub request: Request,
    /// A response of the backend; none where the question is about the request alone.
    #[serde(default)]
    pub response: Option<Response>,
}

/// A request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Whether it came by https.
    pub https: bool,
    /// Value of the Host header.
    pub host: String,
    /// Method.
    pub method: String,
    /// Request target in origin form.
    pub target: String,
    /// The other header lines, in their order.
    #[serde(default)]
    pub headers: Vec<Field>,
}

/// A response.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Header lines, in their order.
    #[serde(default)]
    pub headers: Vec<Field>,
}

/// A header line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Field {
    /// Name, in any case.
    pub name: String,
    /// Value.
    pub value: String,
}

/// Header lines.
pub(crate) struct Lines<'a>(pub &'a [Field]);

impl Headers for Lines<'_> {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|field| (field.name.as_bytes(), field.value.as_bytes()))
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswerable {
    /// The configuration is refused.
    #[error("the configuration cannot be used: {0}")]
    Config(String),
    /// There is no such rule.
    #[error("the configuration has no rule {0:?}")]
    NoRule(String),
    /// No policy holds for it.
    #[error("no cache policy holds for rule {rule:?} at listener {listener:?}")]
    NoPolicy {
        /// ID of the rule.
        rule: String,
        /// Name of the listener.
        listener: String,
    },
}

/// The rule that a question is about, and how its responses are cached.
pub(crate) struct Found {
    /// Namespace and name of the route: "namespace/name".
    pub route: Box<str>,
    pub rule: Arc<Rule>,
    /// Index of the match.
    pub r#match: usize,
    pub policy: Arc<CachePolicy>,
    /// The listener, where policies differ by listener.
    pub listener: Option<String>,
}

impl Question {
    pub(crate) fn find(&self) -> Result<Found, Unanswerable> {
        let loaded = ghost_config::load(self.config.get().as_bytes(), None)
            .map_err(|refused| Unanswerable::Config(refused.to_string()))?;
        let (route, index) =
            rule(&loaded.config, &self.rule).ok_or_else(|| Unanswerable::NoRule(self.rule.clone()))?;
        let rule = &route.rules[index];
        let at_listener = route.cache_policies_at(&self.listener);
        let policy = match at_listener {
            Some(ids) => ids.get(index).and_then(|id| loaded.config.cache_policy(id.as_deref()?)),
            None => loaded.config.cache_policy_of(rule),
        };
        let no_policy =
            || Unanswerable::NoPolicy { rule: self.rule.clone(), listener: self.listener.clone() };
        Ok(Found {
            route: Box::from(&*route.id),
            rule: Arc::clone(rule),
            r#match: self.r#match,
            policy: Arc::clone(policy.ok_or_else(no_policy)?),
            listener: at_listener.map(|_| self.listener.clone()),
        })
    }
}

fn rule<'c>(config: &'c Config, id: &str) -> Option<(&'c Route, usize)> {
    let of = |route: &'c Arc<Route>| {
        let index = route.rules.iter().position(|rule| &*rule.id == id)?;
        Some((&**route, index))
    };
    config.routes.iter().find_map(of)
}
