//! The strict parser of a response's head (RFC 9112 sections 4 and 5), apart from any socket.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::time::Duration;

use crate::bad_response::{BadResponse, MAX_FIELDS};
use crate::framing::{Framing, Lengths};
use crate::hop::{ConnectionOptions, is_hop_by_hop};

/// Where a part of the head stands in the buffer.
type Span = Range<usize>;

/// A response's head as places in the buffer that it was parsed from; [`ResponseHead`] reads it.
#[derive(Debug)]
pub struct ParsedHead {
    pub(crate) status: u16,
    minor_version: u8,
    reason: Span,
    fields: Vec<Field>,
    content_length: Option<u64>,
    /// Whether a Date is passed on.
    has_date: bool,
    pub(crate) framing: Framing,
    /// Whether the connection can serve another request once the body is through.
    pub(crate) persistent: bool,
    /// How long the backend says that it keeps an idle connection (Keep-Alive: timeout).
    pub(crate) keep_alive: Option<Duration>,
    /// How long the head is, its empty line included.
    pub(crate) length: usize,
}

/// A header field.
#[derive(Debug)]
struct Field {
    name: Span,
    value: Span,
    /// Whether it is passed on.
    is_end_to_end: bool,
}

/// What parsing the bytes that are there came to.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// The head has not come to its end yet.
    Partial,
    /// The head of an interim response, behind which the final one comes.
    Interim(ParsedHead),
    /// The final response's head.
    Final(ParsedHead),
}

/// Parses a head that begins with `bytes`, the answer to a HEAD request or to another.
pub(crate) fn parse(bytes: &[u8], is_head: bool) -> Result<Parsed, BadResponse> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut fields,
    );
    let length = match parsed.map_err(malformed)? {
        httparse::Status::Partial => return Ok(Parsed::Partial),
        httparse::Status::Complete(length) => length,
    };
    let status = response.code.ok_or(BadResponse::NotHttp)?;
    match status {
        101 => return Err(BadResponse::SwitchingProtocols),
        0..=99 => return Err(BadResponse::Head("the status is below 100")),
        _ => {}
    }
    // It has no body (RFC 9110 section 15.2), whatever it says.
    let is_interim = status < 200;
    let minor_version = response.version.ok_or(BadResponse::NotHttp)?;
    let mut lengths = Lengths::default();
    let mut options = ConnectionOptions::default();
    let mut keep_alive = None;
    for field in response.headers.iter() {
        let name = field.name.as_bytes();
        if !is_interim {
            lengths.field(name, field.value)?;
        }
        if name.eq_ignore_ascii_case(b"connection") {
            options.add(field.value);
        } else if name.eq_ignore_ascii_case(b"keep-alive") {
            keep_alive = keep_alive_timeout(field.value);
        }
    }
    let span = |part: &[u8]| {
        if part.is_empty() {
            return 0..0;
        }
        let start = part.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
        start..start + part.len()
    };
    let mut has_date = false;
    let fields = response.headers.iter().map(|field| {
        let name = field.name.as_bytes();
        let is_end_to_end = is_end_to_end(name, &options);
        has_date |= is_end_to_end && name.eq_ignore_ascii_case(b"date");
        Field { name: span(name), value: span(field.value), is_end_to_end }
    });
    let fields = fields.collect();
    let framing = match is_interim {
        true => Framing::Empty,
        false => lengths.framing(minor_version, status, is_head)?,
    };
    let stays = match minor_version {
        0 => options.keep_alive() && !options.close(),
        _ => !options.close(),
    };
    // What a 204 announces must not come (RFC 9110 section 8.6, RFC 9112 section 6.1), but may well.
    let is_204_with_body = status == 204 && (lengths.chunked || lengths.content_length > Some(0));
    let head = ParsedHead {
        status,
        minor_version,
        reason: span(response.reason.unwrap_or_default().as_bytes()),
        fields,
        content_length: lengths.content_length,
        has_date,
        framing,
        persistent: stays && framing != Framing::UntilClose && !is_204_with_body,
        keep_alive,
        length,
    };
    Ok(if is_interim { Parsed::Interim(head) } else { Parsed::Final(head) })
}

fn is_end_to_end(name: &[u8], options: &ConnectionOptions<'_>) -> bool {
    !is_hop_by_hop(name, options) && !name.eq_ignore_ascii_case(b"content-length")
}

fn malformed(error: httparse::Error) -> BadResponse {
    BadResponse::Head(match error {
        httparse::Error::TooManyHeaders => return BadResponse::TooManyFields,
        httparse::Error::Version => return BadResponse::NotHttp,
        httparse::Error::Status => "the status line",
        httparse::Error::HeaderName => "a field's name",
        httparse::Error::HeaderValue => "a field's value",
        httparse::Error::NewLine => "the end of a line",
        httparse::Error::Token => "a token",
    })
}

/// The seconds in "timeout=5, max=100".
fn keep_alive_timeout(value: &[u8]) -> Option<Duration> {
    let value = std::str::from_utf8(value).ok()?;
    value.split(',').find_map(|parameter| {
        let (name, seconds) = parameter.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        let seconds = is_timeout.then(|| seconds.trim().parse::<u32>().ok())??;
        Some(Duration::from_secs(seconds.into()))
    })
}

/// The head of a response, borrowed from the exchange that received it.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    head: &'a ParsedHead,
    bytes: &'a [u8],
}

impl<'a> ResponseHead<'a> {
    /// Reads a head in the bytes that it was parsed from.
    pub fn new(head: &'a ParsedHead, bytes: &'a [u8]) -> Self {
        ResponseHead { head, bytes }
    }

    /// How long the head is, its empty line included; the body follows.
    pub fn length(&self) -> usize {
        self.head.length
    }

    /// The status: 200 to 999, or 100 to 199 of an interim response.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The reason phrase; empty where the backend gave none, or one that is not ASCII.
    pub fn reason(&self) -> &'a [u8] {
        &self.bytes[self.head.reason.clone()]
    }

    /// Whether the backend speaks HTTP/1.0.
    pub fn is_http_1_0(&self) -> bool {
        self.head.minor_version == 0
    }

    /// Content-Length, where the head has one; also of an answer to HEAD and of a 304.
    pub fn content_length(&self) -> Option<u64> {
        self.head.content_length
    }

    /// Whether a Date is among the fields to pass on.
    pub fn has_date(&self) -> bool {
        self.head.has_date
    }

    /// How the end of the body is known.
    pub fn framing(&self) -> Framing {
        self.head.framing
    }

    /// Every header field as it came, in order: name and value, free of CR, LF and NUL.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let bytes = self.bytes;
        self.head.fields.iter().map(move |field| field.of(bytes))
    }

    /// The fields to pass on: without those of this hop, and without Content-Length, which
    /// [`content_length`](Self::content_length) gives once where it came more than once.
    pub fn end_to_end_fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let bytes = self.bytes;
        self.head.fields.iter().filter(|field| field.is_end_to_end).map(move |field| field.of(bytes))
    }
}

impl Field {
    fn of<'a>(&self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        (&bytes[self.name.clone()], &bytes[self.value.clone()])
    }
}

#[cfg(test)]
mod tests;
