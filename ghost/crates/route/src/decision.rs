//! What becomes of a request.

use std::sync::Arc;

use ghost_config::{Backend, Config, Redirect, Rule, Service};

/// What becomes of a request. Indexes point into the router's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Index of the listener that serves the request.
    pub listener: Option<usize>,
    /// What the request fits.
    pub chosen: Option<Chosen>,
    /// What is to be done.
    pub outcome: Outcome,
}

/// The match that a request fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Index of the route.
    pub route: usize,
    /// Index of the rule in the route.
    pub rule: usize,
    /// Index of the match in the rule.
    pub match_index: usize,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// One of the rule's backends is to be chosen by weight; there is one with a weight.
    Forward,
    /// The rule's redirect answers.
    Redirect,
    /// The gateway answers by itself.
    Answer(Answer),
}

impl Outcome {
    /// What a rule does with every request that fits it.
    pub(crate) fn of(rule: &Rule) -> Self {
        if rule.fault.is_some() {
            Why::Rule.into()
        } else if rule.filters.redirect.is_some() {
            Self::Redirect
        } else if rule.has_weight() {
            Self::Forward
        } else {
            Why::NoBackend.into()
        }
    }
}

/// An answer of the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Reason.
    pub why: Why,
}

/// Why the gateway answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The method is no token.
    Method,
    /// The method is CONNECT, which asks for a tunnel.
    Tunnel,
    /// The Host header is missing or no host.
    Host,
    /// The target holds a byte that none may hold.
    Target,
    /// The path does not begin with a slash, or climbs above it.
    Path,
    /// No listener on the socket serves the host.
    NoListener,
    /// The listener is broken, or needs what is not known.
    Listener,
    /// No route at the listener matches.
    NoRoute,
    /// The rule is invalid, broken, or needs what is not known.
    Rule,
    /// No backend of the rule has a weight.
    NoBackend,
    /// The backend is invalid, broken, or needs what is not known.
    Backend,
    /// The service has no endpoint.
    NoEndpoint,
}

impl Why {
    /// A short reason for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "the method is malformed",
            Self::Tunnel => "the method CONNECT asks for a tunnel",
            Self::Host => "the Host header is missing or malformed",
            Self::Target => "the target holds a character that none may hold",
            Self::Path => "the path does not begin with a slash or climbs above it",
            Self::NoListener => "no listener serves this host",
            Self::Listener => "the listener is broken",
            Self::NoRoute => "no route matches",
            Self::Rule => "the rule is invalid",
            Self::NoBackend => "the rule has no backend with a weight",
            Self::Backend => "the backend is invalid",
            Self::NoEndpoint => "the service has no endpoint",
        }
    }
}

impl From<Why> for Answer {
    fn from(why: Why) -> Self {
        let status = match why {
            Why::Method | Why::Host | Why::Target | Why::Path => 400,
            Why::Tunnel => 501,
            Why::NoListener | Why::NoRoute => 404,
            Why::Listener | Why::Rule | Why::NoBackend | Why::Backend => 500,
            Why::NoEndpoint => 503,
        };
        Self { status, why }
    }
}

impl From<Why> for Outcome {
    fn from(why: Why) -> Self {
        Self::Answer(why.into())
    }
}

/// What becomes of the requests that are a backend's share.
#[derive(Debug, Clone, Copy)]
pub enum Share<'c> {
    /// They are sent to this service, which has an endpoint.
    Send(&'c Arc<Service>),
    /// The backend's redirect answers.
    Redirect(&'c Redirect),
    /// The gateway answers by itself.
    Answer(Answer),
}

impl<'c> Share<'c> {
    /// The share of a backend of this configuration.
    pub fn of(config: &'c Config, backend: &'c Backend) -> Self {
        let Ok(service) = config.service_of(backend) else {
            return Self::Answer(Why::Backend.into());
        };
        if let Some(redirect) = &backend.filters.redirect {
            return Self::Redirect(redirect);
        }
        if service.endpoints.is_empty() {
            return Self::Answer(Why::NoEndpoint.into());
        }
        Self::Send(service)
    }
}
