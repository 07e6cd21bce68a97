//! Listeners by socket and host, and what is attached to each.

use std::collections::HashMap;

use ghost_config::{Config, Listener, Route};

use crate::host_map::HostMap;
use crate::path_index::{Candidate, PathIndex};

/// A listener and the matches of the routes that are attached to it, by the routes' own hostnames.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// Index of the listener in the configuration.
    pub listener: usize,
    pub hosts: HostMap<PathIndex>,
}

/// The listeners of each socket, by hostname.
pub(crate) type Sockets = HashMap<Box<[u8]>, HostMap<Served>>;

/// Indexes a configuration.
pub(crate) fn build(config: &Config) -> Sockets {
    let mut sockets = Sockets::new();
    let mut by_name = HashMap::new();
    for (index, listener) in config.listeners.iter().enumerate() {
        // Of two with one name, routes mean the first; the other answers 500 by itself.
        by_name.entry(&*listener.name).or_insert(listener);
        if let Some(hostname) = &listener.hostname {
            sockets.entry(listener.socket.as_bytes().into()).or_default().entry(hostname).listener = index;
        }
    }
    for (index, route) in config.routes.iter().enumerate() {
        for attachment in &route.attachments {
            let served = by_name.get(&*attachment.listener).and_then(|l| served(&mut sockets, l));
            let Some(served) = served else { continue };
            for hostname in &attachment.hostnames {
                add(served.hosts.entry(hostname), index, route);
            }
        }
    }
    for served in sockets.values_mut().flat_map(HostMap::values_mut) {
        served.hosts.values_mut().for_each(|paths| paths.seal(config));
    }
    sockets
}

/// Where a listener stands; `None` for one that serves no host.
fn served<'s>(sockets: &'s mut Sockets, listener: &Listener) -> Option<&'s mut Served> {
    let socket = sockets.get_mut(listener.socket.as_bytes())?;
    Some(socket.entry(listener.hostname.as_ref()?))
}

fn add(paths: &mut PathIndex, index: usize, route: &Route) {
    for (rule_index, rule) in route.rules.iter().enumerate() {
        for (match_index, found) in rule.matches.iter().enumerate() {
            if found.is_some() {
                paths.add(Candidate { route: index, rule: rule_index, match_index });
            }
        }
    }
}
