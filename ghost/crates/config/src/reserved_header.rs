//! Which header fields are the gateway's own, so that no filter may change them.
//!
//! A modifier that names one would either do nothing, or would let two readers see two ends of one message
//! (RFC 9112 section 11). Go's `routing.HeaderProblem` says the same; the corpus holds both to it.

/// The message that a filter changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    Request,
    Response,
}

/// What a header modifier does to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Set,
    Add,
    Remove,
}

/// What says where a message ends.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// What concerns one connection (RFC 9110 section 7.6.1).
const HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// What the gateway tells a backend of a request.
const OWN_PREFIX: &str = "x-gateway-";

/// Whether a filter cannot do this to a field of this name. Removing a field that never goes further anyway is
/// possible.
pub(crate) fn is_reserved(message: Message, action: Action, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_among = |list: &[&str]| list.contains(&&*name);
    match message {
        _ if is_among(&FRAMING) => true,
        Message::Request if name.starts_with(OWN_PREFIX) => true,
        // A request has exactly one Host, which can be replaced.
        Message::Request if name == "host" => action != Action::Set,
        Message::Request if name == "expect" => action != Action::Remove,
        Message::Response if name == "connection" => true,
        _ => is_among(&HOP) && action != Action::Remove,
    }
}
