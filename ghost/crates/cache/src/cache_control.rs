//! Cache-Control (RFC 9111 section 5.2) and the targeted fields that stand in its place (RFC 9213).

mod directive;
mod request;
mod response;
mod targeted;

pub use request::RequestDirectives;
pub use response::{Delta, ResponseDirectives, Scope};
pub use targeted::parse as parse_targeted;
