//! The router: a configuration with its index.

use std::sync::Arc;

use ghost_config::{Config, Listener, Route, Rule, is_token, path};

use crate::decision::{Chosen, Decision, Why};
use crate::host;
use crate::host_map::LowerHost;
use crate::listener_index::{self, Attached, Served, Sockets};
use crate::path_index::Candidate;
use crate::request::{Headers, Request, Scratch};
use crate::request_target::{Invalid, RequestTarget};
use crate::selection::Selection;

/// Decides requests by one configuration. Immutable: a reload makes another.
#[derive(Debug)]
pub struct Router {
    config: Arc<Config>,
    sockets: Sockets,
}

impl Router {
    /// Indexes a configuration.
    pub fn new(config: Arc<Config>) -> Self {
        Self::renew(config, None)
    }

    /// Indexes a configuration. What is the same in a former router is shared with it.
    pub fn renew(config: Arc<Config>, former: Option<&Self>) -> Self {
        let sockets = listener_index::build(&config, former.map(|former| &former.sockets));
        Self { config, sockets }
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The listener of a decision.
    pub fn listener(&self, decision: &Decision) -> Option<&Listener> {
        self.config.listeners.get(decision.listener?)
    }

    /// The route that was chosen.
    pub fn route(&self, chosen: &Chosen) -> &Route {
        &self.config.routes[chosen.route]
    }

    /// The rule that was chosen.
    pub fn rule(&self, chosen: &Chosen) -> &Arc<Rule> {
        &self.config.routes[chosen.route].rules[chosen.rule]
    }

    /// What of the path made a request fit a PathPrefix, in the form for comparison; empty for other matches.
    pub fn prefix(&self, chosen: &Chosen) -> &[u8] {
        self.rule(chosen).prefix(chosen.match_index)
    }

    /// Says what becomes of a request.
    pub fn decide<H: Headers + ?Sized>(&self, request: &Request<'_, H>, scratch: &mut Scratch) -> Decision {
        let refuse = |why: Why| Decision { listener: None, chosen: None, outcome: why.into() };
        if !is_token(request.method) {
            return refuse(Why::Method);
        }
        if request.method == b"CONNECT" {
            return refuse(Why::Tunnel);
        }
        let Some(host) = host::parse(request.host) else { return refuse(Why::Host) };
        let target = match RequestTarget::parse(request.method, request.target) {
            Ok(target) => target,
            Err(Invalid::Byte) => return refuse(Why::Target),
            Err(Invalid::Form) => return refuse(Why::Path),
        };
        let Ok(path) = path::normalise(target.path, &mut scratch.path) else { return refuse(Why::Path) };
        let host = LowerHost::new(host);
        let Some(served) = self.served(request.socket, &host) else { return refuse(Why::NoListener) };
        let selection = Selection { request, path, query: target.query, buffers: &mut scratch.values };
        let decided = self.decide_at(served, &host, selection);
        Decision { listener: Some(served.listener), ..decided }
    }

    fn served(&self, socket: &[u8], host: &LowerHost) -> Option<&Served> {
        self.sockets.get(socket)?.serving(host).next()
    }

    fn decide_at<H: Headers + ?Sized>(
        &self,
        served: &Served,
        host: &LowerHost,
        mut selection: Selection<'_, H>,
    ) -> Decision {
        let refuse = |why: Why| Decision { listener: None, chosen: None, outcome: why.into() };
        if self.config.listeners[served.listener].fault.is_some() {
            return refuse(Why::Listener);
        }
        let find = |attached: &Attached| attached.find(&mut selection);
        match served.hosts.serving(host).find_map(find) {
            Some(Candidate { route, rule, match_index, outcome, .. }) => {
                Decision { listener: None, chosen: Some(Chosen { route, rule, match_index }), outcome }
            }
            None => refuse(Why::NoRoute),
        }
    }
}
