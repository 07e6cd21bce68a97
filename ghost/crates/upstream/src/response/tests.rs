use super::*;
use proptest::prelude::*;

fn head(text: &str) -> Result<ParsedHead, BadResponse> {
    match parse(text.as_bytes(), false)? {
        Parsed::Final(head) => Ok(head),
        other => panic!("no final head but {other:?}"),
    }
}

#[test]
fn a_head_is_read_as_it_stands() {
    let text = "HTTP/1.1 404 Not Found\r\nServer:  x \r\nSet-Cookie: a\r\nset-cookie: \u{e4}\r\n\
                Empty:\r\nContent-Length: 3\r\n\r\nabc";
    let parsed = head(text).unwrap();
    let head = ResponseHead::new(&parsed, text.as_bytes());
    assert_eq!((head.status(), head.reason()), (404, b"Not Found".as_slice()));
    assert_eq!(head.length(), text.len() - 3);
    assert_eq!((head.content_length(), head.framing()), (Some(3), Framing::Length(3)));
    let fields: Vec<(&[u8], &[u8])> = head.fields().collect();
    assert_eq!(
        fields,
        [
            (b"Server".as_slice(), b"x".as_slice()),
            (b"Set-Cookie", b"a"),
            (b"set-cookie", "\u{e4}".as_bytes()),
            (b"Empty", b""),
            (b"Content-Length", b"3"),
        ]
    );
}

#[test]
fn only_fields_of_the_message_are_passed_on() {
    let text = "HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
                Upgrade: h2c\r\nContent-Length: 3, 3\r\nETag: \"a\"\r\nTrailer: X\r\n\r\n";
    let parsed = head(text).unwrap();
    let head = ResponseHead::new(&parsed, text.as_bytes());
    let fields: Vec<_> = head.end_to_end_fields().collect();
    assert_eq!(fields, [(b"ETag".as_slice(), b"\"a\"".as_slice())]);
    assert_eq!(head.content_length(), Some(3));
}

#[test]
fn a_date_is_there_where_it_is_passed_on() {
    let table = [
        ("DATE: x\r\n", true),
        ("X: y\r\nDate: \r\n", true),
        ("Dates: x\r\n", false),
        ("Connection: date\r\nDate: x\r\n", false),
        ("", false),
    ];
    for (fields, want) in table {
        let text = format!("HTTP/1.1 204 X\r\n{fields}\r\n");
        let parsed = head(&text).unwrap();
        assert_eq!(ResponseHead::new(&parsed, text.as_bytes()).has_date(), want, "{fields}");
    }
}

#[test]
fn a_connection_persists_as_the_head_says() {
    let table = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: Close\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: x, close\r\n", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", true),
        ("HTTP/1.1 200 OK\r\n", false),
        ("HTTP/1.1 204 No Content\r\n", true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", false),
    ];
    for (text, want) in table {
        assert_eq!(head(&format!("{text}\r\n")).unwrap().persistent, want, "{text:?}");
    }
}

#[test]
fn the_backends_keep_alive_timeout_is_read() {
    let table = [
        ("timeout=5", Some(5)),
        ("max=100, Timeout = 7", Some(7)),
        ("max=100", None),
        ("timeout=", None),
        ("timeout=-1", None),
        ("timeout=99999999999", None),
    ];
    for (value, want) in table {
        let parsed = head(&format!("HTTP/1.1 204 X\r\nKeep-Alive: {value}\r\n\r\n")).unwrap();
        assert_eq!(parsed.keep_alive, want.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn odd_heads_that_are_sound_are_taken() {
    for text in [
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 \r\n\r\n",
        "HTTP/1.1 999 Go Away\r\n\r\n",
        "HTTP/1.1 200 G\u{fc}t\r\n\r\n",
        "HTTP/1.0 200 OK\nServer: cgi\n\n",
    ] {
        assert!(head(text).is_ok(), "{text:?}");
    }
}

#[test]
fn heads_that_could_be_understood_in_two_ways_are_refused() {
    for text in [
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\u{e4}: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3 4\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ] {
        assert!(parse(text.as_bytes(), false).is_err(), "{text:?}");
    }
}

#[test]
fn a_head_may_have_so_many_fields_and_no_more() {
    let with = |count: usize| format!("HTTP/1.1 204 X\r\n{}\r\n", "A: b\r\n".repeat(count));
    assert_eq!(head(&with(MAX_FIELDS)).unwrap().fields.len(), MAX_FIELDS);
    assert_eq!(head(&with(MAX_FIELDS + 1)).unwrap_err(), BadResponse::TooManyFields);
}

#[test]
fn interim_responses_are_told_from_final_ones() {
    for (interim, is_interim) in [
        ("HTTP/1.1 100 Continue\r\n\r\n", true),
        ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", true),
        // RFC 9110 section 15.2: it ends with its head
        ("HTTP/1.1 199 \r\nContent-Length: x\r\nTransfer-Encoding: gzip\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\n\r\n", false),
    ] {
        let text = format!("{interim}HTTP/1.1 200 OK\r\n\r\n");
        let found = match parse(text.as_bytes(), false) {
            Ok(Parsed::Interim(head)) => (head.length, true),
            Ok(Parsed::Final(head)) => (head.length, false),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, (interim.len(), is_interim), "{interim:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        start in prop_oneof![Just(""), Just("HTTP/1.1 200 OK\r\n"), Just("HTTP/1.0 204 \r\nA: ")],
        end in prop_oneof![Just(""), Just("\r\n\r\n")],
    ) {
        let whole = [start.as_bytes(), &bytes, end.as_bytes()].concat();
        if let Ok(Parsed::Final(parsed)) = parse(&whole, false) {
            for (name, value) in ResponseHead::new(&parsed, &whole).fields() {
                prop_assert!(!name.is_empty());
                prop_assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)));
            }
        }
    }
}
