//! From a host to what serves it: exact name, longest wildcard, every host.

use std::collections::HashMap;

use ghost_config::{Hostname, MAX_NAME};

/// Values by hostname.
#[derive(Debug)]
pub(crate) struct HostMap<T> {
    exact: HashMap<Box<[u8]>, T>,
    wildcards: HashMap<Box<[u8]>, T>,
    any: Option<T>,
}

impl<T> Default for HostMap<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), wildcards: HashMap::new(), any: None }
    }
}

impl<T: Default> HostMap<T> {
    /// The value of a hostname, made where there is none.
    pub fn entry(&mut self, hostname: &Hostname) -> &mut T {
        match hostname {
            Hostname::Any => self.any.get_or_insert_default(),
            Hostname::Exact(name) => self.exact.entry(name.as_bytes().into()).or_default(),
            Hostname::Wildcard(suffix) => self.wildcards.entry(suffix.as_bytes().into()).or_default(),
        }
    }
}

impl<T> HostMap<T> {
    /// The values that serve a host, the most specific first.
    pub fn serving<'m>(&'m self, host: &LowerHost) -> impl Iterator<Item = &'m T> {
        let name = host.as_bytes();
        // A wildcard needs at least one label before its suffix.
        let suffixes = name.iter().enumerate().filter(|(at, byte)| **byte == b'.' && *at > 0);
        let wildcards = suffixes
            .take(if self.wildcards.is_empty() { 0 } else { MAX_NAME })
            .filter_map(move |(at, _)| self.wildcards.get(&name[at + 1..]));
        self.exact.get(name).into_iter().chain(wildcards).chain(&self.any)
    }

    /// Makes another value of each, with what stands under the same hostname in a former map.
    pub fn renew<U>(
        self,
        former: Option<&HostMap<U>>,
        mut make: impl FnMut(T, Option<&U>) -> U,
    ) -> HostMap<U> {
        let mut each = |values: HashMap<Box<[u8]>, T>, former: Option<&HashMap<Box<[u8]>, U>>| {
            let one = |(name, value)| {
                let made = make(value, former.and_then(|former| former.get(&name)));
                (name, made)
            };
            values.into_iter().map(one).collect()
        };
        let exact = each(self.exact, former.map(|former| &former.exact));
        let wildcards = each(self.wildcards, former.map(|former| &former.wildcards));
        let any = self.any.map(|value| make(value, former.and_then(|former| former.any.as_ref())));
        HostMap { exact, wildcards, any }
    }
}

/// A host in lower case, on the stack. One that is longer than any hostname can be fits only what serves
/// every host, and is held as the empty name, which no table contains.
#[derive(Debug)]
pub(crate) struct LowerHost {
    bytes: [u8; MAX_NAME],
    length: usize,
}

impl LowerHost {
    pub fn new(host: &[u8]) -> Self {
        let mut bytes = [0; MAX_NAME];
        let host = if host.len() > MAX_NAME { b"" } else { host };
        bytes[..host.len()].copy_from_slice(host);
        bytes.make_ascii_lowercase();
        Self { bytes, length: host.len() }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(hostnames: &[&str]) -> HostMap<String> {
        let mut map = HostMap::default();
        for name in hostnames {
            *map.entry(&Hostname::parse(name).unwrap()) = (*name).to_owned();
        }
        map
    }

    fn serving(map: &HostMap<String>, host: &str) -> Vec<String> {
        map.serving(&LowerHost::new(host.as_bytes())).cloned().collect()
    }

    #[test]
    fn the_most_specific_hostname_comes_first() {
        let map = map(&["", "a.io", "b.a.io", "*.a.io", "*.b.a.io", "*.io"]);
        assert_eq!(serving(&map, "b.a.io"), ["b.a.io", "*.a.io", "*.io", ""]);
        assert_eq!(serving(&map, "x.B.A.io"), ["*.b.a.io", "*.a.io", "*.io", ""]);
        assert_eq!(serving(&map, "A.IO"), ["a.io", "*.io", ""]);
        assert_eq!(serving(&map, "c.d"), [""]);
    }

    #[test]
    fn a_wildcard_needs_a_label_of_its_own() {
        let map = map(&["*.a.io"]);
        for host in ["a.io", ".a.io", "ba.io", "io"] {
            assert_eq!(serving(&map, host), Vec::<String>::new(), "{host}");
        }
    }

    #[test]
    fn a_host_longer_than_any_hostname_fits_only_every_host() {
        let long = format!("{}.a.io", "x".repeat(300));
        assert_eq!(serving(&map(&["*.a.io", ""]), &long), [""]);
    }
}
