//! Listeners by socket and host, and what is attached to each.

use std::collections::HashMap;
use std::sync::Arc;

use ghost_config::{Config, Listener};
use smallvec::SmallVec;

use crate::host_map::HostMap;
use crate::path_index::{Candidate, PathIndex};
use crate::request::Headers;
use crate::selection::Selection;

/// A listener and the routes that are attached to it, by the routes' own hostnames.
#[derive(Debug)]
pub(crate) struct Served<R = Attached> {
    /// Index of the listener in the configuration.
    pub listener: usize,
    pub hosts: HostMap<R>,
}

impl<R> Default for Served<R> {
    fn default() -> Self {
        Self { listener: 0, hosts: HostMap::default() }
    }
}

/// The listeners of each socket, by hostname.
pub(crate) type Sockets<R = Attached> = HashMap<Box<[u8]>, HostMap<Served<R>>>;

/// Routes that are attached under one hostname.
#[derive(Debug)]
pub(crate) struct Attached {
    /// Their indexes in the configuration, in the order of the path index.
    routes: SmallVec<[usize; 1]>,
    /// Shared with the configuration before, where they were the same routes.
    paths: Arc<PathIndex>,
}

impl Attached {
    fn new(config: &Config, routes: Vec<usize>, former: Option<&Self>) -> Self {
        let records: Vec<_> = routes.iter().map(|index| Arc::clone(&config.routes[*index])).collect();
        let paths = match former.filter(|former| former.paths.is_of(&records)) {
            Some(former) => Arc::clone(&former.paths),
            None => Arc::new(PathIndex::new(records)),
        };
        Self { routes: routes.into(), paths }
    }

    /// The match that fits, with the route by its index in the configuration.
    pub fn find<H: Headers + ?Sized>(&self, selection: &mut Selection<'_, H>) -> Option<Candidate> {
        let found = self.paths.find(selection)?;
        Some(Candidate { route: self.routes[found.route], ..found })
    }
}

/// Indexes a configuration. What is attached under a hostname as it was in the index before is not indexed again.
pub(crate) fn build(config: &Config, former: Option<&Sockets>) -> Sockets {
    let renew = |socket: &[u8], served: HostMap<Served<Vec<usize>>>| {
        served.renew(former.and_then(|former| former.get(socket)), |served, former| Served {
            listener: served.listener,
            hosts: served.hosts.renew(former.map(|former: &Served| &former.hosts), |routes, former| {
                Attached::new(config, routes, former)
            }),
        })
    };
    let sockets = attach(config).into_iter();
    sockets.map(|(socket, served)| (socket.clone(), renew(&socket, served))).collect()
}

/// Which routes are attached where, by their indexes.
fn attach(config: &Config) -> Sockets<Vec<usize>> {
    let mut sockets = Sockets::new();
    let mut by_name = HashMap::new();
    for (index, listener) in config.listeners.iter().enumerate() {
        // Of two with one name, routes mean the first; the other answers 500 by itself.
        by_name.entry(&*listener.name).or_insert(listener);
        if let Some(hostname) = &listener.hostname {
            let served: &mut HostMap<Served<_>> =
                sockets.entry(listener.socket.as_bytes().into()).or_default();
            served.entry(hostname).listener = index;
        }
    }
    for (index, route) in config.routes.iter().enumerate() {
        for attachment in &route.attachments {
            let served = by_name.get(&*attachment.listener).and_then(|l| served(&mut sockets, l));
            let Some(served) = served else { continue };
            for hostname in &attachment.hostnames {
                served.hosts.entry(hostname).push(index);
            }
        }
    }
    sockets
}

/// Where a listener stands; `None` for one that serves no host.
fn served<'s>(
    sockets: &'s mut Sockets<Vec<usize>>,
    listener: &Listener,
) -> Option<&'s mut Served<Vec<usize>>> {
    let socket = sockets.get_mut(listener.socket.as_bytes())?;
    Some(socket.entry(listener.hostname.as_ref()?))
}

#[cfg(test)]
mod tests {
    use ghost_config::load;
    use serde_json::{Value, json};

    use super::*;
    use crate::host_map::LowerHost;

    fn route(name: &str, host: &str, path: &str) -> Value {
        json!({
            "namespace": "n", "name": name, "uid": name,
            "attachments": [{"listener": "http", "hostnames": [host]}],
            "rules": [{"id": name, "matches": [{"path": {"type": "PathPrefix", "value": path}, "rank": {}}]}],
        })
    }

    fn config(routes: &[Value], previous: Option<&Config>) -> Config {
        let listeners = json!([{"name": "http", "socket": "http-80", "port": 80, "protocol": "HTTP"}]);
        let file = json!({"version": "1.0.0", "listeners": listeners, "routes": routes});
        load(file.to_string().as_bytes(), previous).unwrap().config
    }

    fn at<'s>(sockets: &'s Sockets, host: &str) -> &'s Attached {
        let host = LowerHost::new(host.as_bytes());
        let served = sockets[&b"http-80"[..]].serving(&host).next().unwrap();
        served.hosts.serving(&host).next().unwrap()
    }

    #[test]
    fn what_is_attached_under_a_hostname_as_before_is_not_indexed_again() {
        let first = config(&[route("a", "a.io", "/"), route("b", "b.io", "/")], None);
        let before = build(&first, None);
        let changed = [route("0", "0.io", "/"), route("a", "a.io", "/"), route("b", "b.io", "/new")];
        let second = config(&changed, Some(&first));
        let after = build(&second, Some(&before));
        assert!(Arc::ptr_eq(&at(&before, "a.io").paths, &at(&after, "a.io").paths));
        assert_eq!((&*at(&before, "a.io").routes, &*at(&after, "a.io").routes), (&[0][..], &[1][..]));
        assert!(!Arc::ptr_eq(&at(&before, "b.io").paths, &at(&after, "b.io").paths), "it has changed");
        let third = config(&[changed[1].clone(), route("c", "a.io", "/c")], Some(&second));
        let joined = build(&third, Some(&after));
        assert!(!Arc::ptr_eq(&at(&after, "a.io").paths, &at(&joined, "a.io").paths), "another has joined");
    }
}
