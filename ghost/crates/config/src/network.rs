//! Networks whose X-Forwarded-* headers are believed.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diagnostic::Findings;

/// A list of networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether one of the networks contains the address. An IPv4 address that is written as IPv6
    /// ("::ffff:192.0.2.1") is taken for what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub(crate) fn compile(wire: &[String], findings: &mut Findings) -> Self {
        let mut networks = Vec::with_capacity(wire.len());
        for (index, text) in wire.iter().enumerate() {
            match parse(text) {
                Some(network) => networks.push(network),
                None => findings.element("trustedHops", index, |f| {
                    f.note(format!("{text:?} is no network in CIDR notation, so it is not trusted"));
                }),
            }
        }
        Self(networks)
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// Reads CIDR notation as strictly as addresses are read: a number with a leading zero may be meant as
/// octal, and what is trusted should not be a guess.
fn parse(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let plain = length.bytes().all(|b| b.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    plain.then(|| IpNet::new(address.parse().ok()?, length.parse().ok()?).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_strictly() {
        for text in ["10.0.0.0/8", "10.1.2.3/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.0.2.1/32"] {
            assert!(parse(text).is_some(), "{text}");
        }
        let wrong = [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "010.0.0.0/8",
            "10.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "fe80::1%eth0/64",
            "::/129",
            "a/8",
            "10.0.0.0/8/8",
        ];
        for text in wrong {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_that_is_written_as_ipv6_is_the_same_address() {
        let networks: Networks = parse("10.0.0.0/8").into_iter().collect();
        for (address, contained) in
            [("10.9.9.9", true), ("::ffff:10.9.9.9", true), ("11.0.0.1", false), ("::1", false)]
        {
            assert_eq!(networks.contains(address.parse().unwrap()), contained, "{address}");
        }
    }
}
