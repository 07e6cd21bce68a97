use super::*;
use proptest::prelude::*;

/// Decodes pieces one after the other; the data, and how many bytes were behind the end.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(Vec<u8>, usize, bool), BadChunk> {
    let mut decoder = ChunkedDecoder::new();
    let (mut data, mut rest) = (Vec::new(), 0);
    for piece in pieces {
        let mut buffer = piece.to_vec();
        let (used, count) = decoder.decode(&mut buffer)?;
        data.extend_from_slice(&buffer[..count]);
        rest += piece.len() - used;
    }
    Ok((data, rest, decoder.is_complete()))
}

fn decode_whole(coded: &str) -> Result<(Vec<u8>, usize, bool), BadChunk> {
    decode([coded.as_bytes()])
}

#[test]
fn sound_chunks_give_their_data() {
    let table = [
        ("no data", "0\r\n\r\n", "", 0),
        ("two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", 0),
        ("data that looks like framing", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", 0),
        (
            "digits in both cases",
            "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "01234567890123456789",
            0,
        ),
        ("leading zeros", "003\r\nabc\r\n000\r\n\r\n", "abc", 0),
        ("an extension", "3;a=b\r\nabc\r\n0;c\r\n\r\n", "abc", 0),
        ("an extension behind blanks", "3 \t;a=\"b\"\r\nabc\r\n0\r\n\r\n", "abc", 0),
        ("trailers", "3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n", "abc", 0),
        ("another answer behind the end", "0\r\n\r\nHTTP/1.1", "", 8),
    ];
    for (name, coded, data, rest) in table {
        assert_eq!(decode_whole(coded), Ok((data.into(), rest, true)), "{name}");
    }
}

#[test]
fn unsound_chunks_are_refused() {
    let table = [
        ("no size", "\r\nabc", BadChunk::Size),
        ("a sign", "+3\r\nabc", BadChunk::Size),
        ("a prefix", "0x3\r\nabc", BadChunk::Size),
        ("a blank before the size", " 3\r\nabc", BadChunk::Size),
        ("a blank behind the size", "3 \r\nabc", BadChunk::Size),
        ("no digit", "g\r\n", BadChunk::Size),
        ("a bare LF behind the size", "3\nabc\r\n", BadChunk::Size),
        ("a size beyond 63 bits", "8000000000000000\r\n", BadChunk::TooLarge),
        ("a size of too many digits", "00000000000000003\r\n", BadChunk::TooLarge),
        ("a size that wraps around", "10000000000000003\r\n", BadChunk::TooLarge),
        ("a bare CR behind the size", "3\rabc\r\n", BadChunk::LineEnd),
        ("a bare LF in an extension", "3;a\nabc\r\n", BadChunk::Extension),
        ("a NUL in an extension", "3;\0\r\nabc\r\n", BadChunk::Extension),
        ("more data than its size says", "3\r\nabcd\r\n", BadChunk::LineEnd),
        ("a bare LF behind data", "3\r\nabc\n0\r\n\r\n", BadChunk::LineEnd),
        ("a bare LF in trailers", "0\r\nA: b\n\r\n", BadChunk::Trailer),
        ("a bare LF at the end", "0\r\n\n", BadChunk::Trailer),
        ("a bare CR at the end", "0\r\n\rA", BadChunk::LineEnd),
        ("a NUL in trailers", "0\r\nA: \0\r\n", BadChunk::Trailer),
    ];
    for (name, coded, error) in table {
        assert_eq!(decode_whole(coded), Err(error), "{name}");
    }
}

#[test]
fn a_body_is_not_complete_before_its_last_byte() {
    let coded = b"3;x\r\nabc\r\n0\r\nA: b\r\n\r\n";
    for end in 0..coded.len() {
        let (_, _, is_complete) = decode([&coded[..end]]).unwrap();
        assert!(!is_complete, "after {end} bytes");
    }
}

#[test]
fn a_body_made_of_framing_is_refused() {
    let endless_extension = format!("1;{}", "x".repeat(20_000));
    let endless_trailers = format!("0\r\n{}", "A: b\r\n".repeat(10_000));
    let small_chunks = format!("1;{}\r\na\r\n", "x".repeat(100)).repeat(1000);
    for coded in [endless_extension, endless_trailers, small_chunks] {
        assert_eq!(decode_whole(&coded), Err(BadChunk::Overhead));
    }
}

#[test]
fn a_long_body_may_have_many_small_extensions() {
    let coded = format!("{:x};{}\r\n{}\r\n", 100, "x".repeat(100), "a".repeat(100)).repeat(1000);
    let (data, _, _) = decode_whole(&coded).unwrap();
    assert_eq!(data.len(), 100_000);
}

proptest! {
    #[test]
    fn decoding_undoes_encoding_however_the_bytes_are_cut(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..8),
        extension in "(;[a-z]{0,5}){0,2}",
        trailers in "([A-Z]: [a-z]{0,5}\r\n){0,2}",
        behind in prop::collection::vec(any::<u8>(), 0..10),
        cuts in prop::collection::vec(1..30usize, 1..50),
    ) {
        let mut coded = Vec::new();
        for chunk in &chunks {
            coded.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
            coded.extend_from_slice(chunk);
            coded.extend_from_slice(b"\r\n");
        }
        coded.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
        coded.extend_from_slice(&behind);

        let mut rest = coded.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, left) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = left;
        }
        pieces.push(rest);
        prop_assert_eq!(decode(pieces), Ok((chunks.concat(), behind.len(), true)));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_alike_however_they_are_cut(
        coded in prop::collection::vec(prop_oneof![
            Just(b'0'), Just(b'2'), Just(b'\r'), Just(b'\n'), Just(b';'), Just(b' '), any::<u8>(),
        ], 0..60),
    ) {
        let whole = decode([coded.as_slice()]);
        let bytewise = decode(coded.chunks(1));
        prop_assert_eq!(whole, bytewise);
    }
}
