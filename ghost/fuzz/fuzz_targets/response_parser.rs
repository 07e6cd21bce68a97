//! Whatever a backend answers: it is understood in one way or refused, however it is cut into pieces, and no
//! field brings in another.

#![no_main]

use ghost_upstream::{
    BodyDecoder, ConnectionOptions, Framing, HeadBuffer, NeverCancelled, ResponseHead, is_hop_by_hop,
};
use libfuzzer_sys::fuzz_target;

const MAX_HEAD: usize = 16 * 1024;

/// What is understood of an answer: status, framing, fields, data, and whether the body is whole.
type Understood = (u16, Framing, Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>, bool);

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (is_head, piece, bytes) = input;
    let whole = understand(bytes, is_head, usize::MAX);
    let in_pieces = understand(bytes, is_head, usize::from(piece) + 1);
    assert_eq!(whole, in_pieces);
});

/// None where the answer is refused, or its head does not come to an end.
fn understand(mut bytes: &[u8], is_head: bool, piece: usize) -> Option<Understood> {
    let mut buffer = HeadBuffer::new(Vec::new(), MAX_HEAD);
    let parsed = loop {
        if bytes.is_empty() {
            return None;
        }
        let space = buffer.space().ok()?;
        let count = space.len().min(bytes.len()).min(piece);
        space[..count].copy_from_slice(&bytes[..count]);
        buffer.advance(count);
        bytes = &bytes[count..];
        if let Some(parsed) = buffer.head(is_head, &NeverCancelled).ok()? {
            break parsed;
        }
    };
    let head = ResponseHead::new(&parsed, buffer.bytes());
    check_fields(&head);
    let rest = [&buffer.bytes()[head.length()..], bytes].concat();
    let (data, is_whole) = body(head.framing(), rest, piece)?;
    let fields = head.end_to_end_fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    Some((head.status(), head.framing(), fields, data, is_whole))
}

/// No field can be taken for two, and none of this hop is passed on.
fn check_fields(head: &ResponseHead<'_>) {
    for (name, value) in head.fields() {
        assert!(!name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':'));
        assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)));
    }
    let none = ConnectionOptions::default();
    assert!(head.end_to_end_fields().all(|(name, _)| !is_hop_by_hop(name, &none)));
    let is_chunked = head.fields().any(|(name, _)| name.eq_ignore_ascii_case(b"transfer-encoding"));
    assert!(!(is_chunked && head.content_length().is_some()));
}

fn body(framing: Framing, mut bytes: Vec<u8>, piece: usize) -> Option<(Vec<u8>, bool)> {
    let mut decoder = BodyDecoder::new(framing);
    let mut data = Vec::new();
    for piece in bytes.chunks_mut(piece) {
        let decoded = decoder.decode(piece).ok()?;
        assert!(decoded.data <= decoded.used && decoded.used <= piece.len());
        assert!(decoded.used == piece.len() || decoder.is_complete());
        data.extend_from_slice(&piece[..decoded.data]);
    }
    Some((data, decoder.close()))
}
