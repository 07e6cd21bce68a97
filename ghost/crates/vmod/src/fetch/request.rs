//! The head of the request to a backend, from the task's bereq and the filters of rule and backend.

use ghost_route::modify::modify;
use ghost_route::target::{upstream, upstream_host};
use ghost_route::Headers;
use ghost_upstream::{is_hop_by_hop, ConnectionOptions, InvalidRequest, RequestHead};

use super::Applied;
use crate::deliver::TRANSACTION;
use crate::gateway;
use crate::kept::{self, original, PART_NAME};
use crate::message::Message;
use crate::scratch;

/// Writes the head. The filters apply here and nowhere else: a retry or restart begins with what VCL has.
pub fn head(applied: &Applied<'_>, bereq: &Message<'_>) -> Result<RequestHead, InvalidRequest> {
    let Applied { rule, backend, prefix, .. } = *applied;
    let host = upstream_host(bereq.field(b"host").unwrap_or_default(), rule, backend);
    let mut head = scratch::with(|buffers| {
        let (scratch, out) = (&mut buffers.route, &mut buffers.target);
        let url = upstream(bereq.url(), rule, backend, prefix, scratch, out);
        RequestHead::new(bereq.method(), url, host)
    })?;
    let client = EndToEnd {
        options: ConnectionOptions::of(bereq.fields()),
        bereq,
        coding: Coding::of(bereq),
        transaction: gateway::shows_transactions(),
    };
    let modifiers = rule.request_headers.iter().chain(&backend.request_headers);
    let mut result = Ok(());
    modify(&client, modifiers, |name, value| {
        if result.is_ok() {
            result = head.field(name, value);
        }
    });
    result.map(|()| head)
}

/// What of the client's fields goes further than this hop.
struct EndToEnd<'a> {
    options: ConnectionOptions<'a>,
    bereq: &'a Message<'a>,
    /// Which of two Accept-Encoding it is.
    coding: Coding,
    /// Whether the backend is told the number of the transaction.
    transaction: bool,
}

/// Which Accept-Encoding goes to the backend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// The request's.
    Requests,
    /// The one that is kept: the client's in a direct pass, or what a cache policy has chosen.
    Chosen,
}

impl Coding {
    /// What is kept goes in the place of the `gzip` that Varnish asks for in a fetch, or of nothing. Where user VCL has asked
    /// for something else, that holds.
    fn of(bereq: &Message<'_>) -> Self {
        let is_varnishs = || matches!(bereq.field(b"accept-encoding"), None | Some(b"gzip"));
        match bereq.field(kept::ACCEPT_ENCODING).is_some() && is_varnishs() {
            true => Coding::Chosen,
            false => Coding::Requests,
        }
    }

    fn hides(self, name: &[u8]) -> bool {
        match self {
            Coding::Chosen => name.eq_ignore_ascii_case(b"accept-encoding"),
            Coding::Requests => name.eq_ignore_ascii_case(kept::ACCEPT_ENCODING),
        }
    }
}

impl Headers for EndToEnd<'_> {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let is_hidden = |name: &[u8]| {
            !self.transaction && name.eq_ignore_ascii_case(TRANSACTION)
                || name.eq_ignore_ascii_case(PART_NAME)
                || self.coding.hides(name)
        };
        self.bereq
            .fields()
            .filter(move |(name, _)| !is_hop_by_hop(name, &self.options) && !is_hidden(name))
            .map(|(name, value)| (original(name).unwrap_or(name), value))
    }
}
