//! Listeners.

use std::collections::HashSet;

use crate::diagnostic::Findings;
use crate::needs;
use crate::rule::each;
use crate::{Hostname, field, wire};

/// The scheme that a listener speaks, or that a Location names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// "http" or "https".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that need not be named: 80 or 443.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// One listener. Listeners that share a socket are told apart by hostname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The listener's section name, unique within the Gateway.
    pub name: Box<str>,
    /// Name of the Varnish socket: "https-443".
    pub socket: Box<str>,
    /// Port that clients connect to.
    pub port: u16,
    /// Scheme of the URLs that are served here.
    pub scheme: Scheme,
    /// Which hosts are served; `None` where the hostname is broken or taken: nothing is served then.
    pub hostname: Option<Hostname>,
    /// Why every request here is answered 500; `None` where the listener is sound.
    pub fault: Option<Box<str>>,
}

impl Listener {
    fn compile(wire: wire::Listener, findings: &mut Findings) -> Self {
        let mut fault = needs::unmet(&wire.needs, findings);
        for (field, text) in [("name", &wire.name), ("socket", &wire.socket)] {
            if text.is_empty() {
                findings.field(field, |f| f.note("this is empty, so the listener answers 500"));
                fault.get_or_insert_with(|| format!("its {field} is empty").into());
            }
        }
        let port = field::port(wire.port).unwrap_or_else(|| {
            findings.field("port", |f| f.note(format!("{} is no port, so this answers 500", wire.port)));
            fault.get_or_insert("its port is invalid".into());
            0
        });
        let scheme = match wire.protocol.as_str() {
            "HTTP" => Scheme::Http,
            "HTTPS" => Scheme::Https,
            unknown => {
                let message = format!("the protocol {unknown:?} is not known, so this answers 500");
                findings.field("protocol", |f| f.note(message));
                fault.get_or_insert("its protocol is not known".into());
                Scheme::Http
            }
        };
        let hostname = Hostname::parse(&wire.hostname);
        if hostname.is_none() {
            let message = format!("{:?} is no hostname, so this serves nothing", wire.hostname);
            findings.field("hostname", |f| f.note(message));
        }
        Self { name: wire.name.into(), socket: wire.socket.into(), port, scheme, hostname, fault }
    }
}

/// Compiles the listeners.
pub(crate) fn compile(wire: Vec<wire::Listener>, findings: &mut Findings) -> Vec<Listener> {
    let mut listeners = each(wire, "listeners", findings, Listener::compile);
    refuse_taken_names(&mut listeners, findings);
    refuse_taken_hosts(&mut listeners, findings);
    listeners
}

/// Routes attach by name, so they mean the first of two that share one.
fn refuse_taken_names(listeners: &mut [Listener], findings: &mut Findings) {
    let mut names = HashSet::new();
    for (index, listener) in listeners.iter_mut().enumerate() {
        if !names.insert(listener.name.clone()) && !listener.name.is_empty() {
            let message = format!("another listener is named {:?}, so this answers 500", listener.name);
            findings.element("listeners", index, |f| f.field("name", |f| f.note(message)));
            listener.fault.get_or_insert("its name is taken by another listener".into());
        }
    }
}

/// The first listener on a socket that claims a hostname serves it.
fn refuse_taken_hosts(listeners: &mut [Listener], findings: &mut Findings) {
    let mut claims = HashSet::new();
    for (index, listener) in listeners.iter_mut().enumerate() {
        let Some(hostname) = listener.hostname.clone() else { continue };
        if !claims.insert((listener.socket.clone(), hostname)) {
            let message =
                format!("another listener on {:?} has this hostname and serves it", listener.socket);
            findings.element("listeners", index, |f| f.field("hostname", |f| f.note(message)));
            listener.hostname = None;
        }
    }
}
