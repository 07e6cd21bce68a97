//! A request's body, of which a short one can be sent more than once.

use crate::error::Error;
use crate::request::BodyLength;
use crate::upload::{Body, Upload, Uploaded};

/// A body, and what is kept of it for another attempt.
pub(crate) struct Replay<'a> {
    body: Body<'a>,
    state: State,
}

enum State {
    /// Nobody has asked for it yet.
    Unread,
    /// The whole of it.
    Kept(Vec<u8>),
    /// It was read, and is not kept.
    Lost,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(body: Body<'a>) -> Self {
        Replay { body, state: State::Unread }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.body, Body::Empty)
    }

    pub(crate) fn length(&self) -> BodyLength {
        self.body.length()
    }

    /// Whether it can be sent in another attempt.
    pub(crate) fn can_be_sent(&self) -> bool {
        self.is_empty() || !matches!(self.state, State::Lost)
    }

    /// Sends it, and keeps it for another attempt if it has at most `keep` bytes.
    pub(crate) fn send(&mut self, mut upload: Upload<'_>, keep: usize) -> Result<Uploaded, Error> {
        let source = match &mut self.body {
            Body::Empty => return Ok(Uploaded { answer: None, is_whole: true }),
            Body::Known(_, source) | Body::Chunked(source) => source,
        };
        if let State::Kept(kept) = &self.state {
            return upload.run(&mut |upload| upload.write(kept)).0;
        }
        if keep > 0 {
            upload.keep(keep);
        }
        let (result, kept) = upload.run(source);
        self.state = kept.map_or(State::Lost, State::Kept);
        result
    }
}
