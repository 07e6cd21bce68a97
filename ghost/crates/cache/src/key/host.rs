//! The host in a key.

/// The host of a Host header in the form in which hosts are compared: in lower case (RFC 9110
/// section 4.2.3), without its port and without the dot at the end. A header whose port is none
/// keeps it, so that it is not taken for another host. The result is the header itself where it has
/// that form already, else in `buffer`, whose old content goes.
pub fn normalise<'a>(header: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    let host = without_port(header);
    let host = host.strip_suffix(b".").unwrap_or(host);
    if !host.iter().any(u8::is_ascii_uppercase) {
        return host;
    }
    buffer.clear();
    buffer.extend(host.iter().map(u8::to_ascii_lowercase));
    buffer
}

fn without_port(header: &[u8]) -> &[u8] {
    let Some(colon) = header.iter().rposition(|byte| *byte == b':') else { return header };
    let (host, port) = (&header[..colon], &header[colon + 1..]);
    // An address in brackets has colons of its own.
    let is_host = !host.contains(&b':') || (host.starts_with(b"[") && host.ends_with(b"]"));
    if is_host && port.iter().all(u8::is_ascii_digit) { host } else { header }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_host_are_one() {
        let table = [
            ("a.io", "a.io"),
            ("A.IO", "a.io"),
            ("a.io:8080", "a.io"),
            ("a.io:", "a.io"),
            ("a.io.", "a.io"),
            ("A.io.:80", "a.io"),
            ("[2001:DB8::1]:80", "[2001:db8::1]"),
            ("[::1]", "[::1]"),
            ("192.0.2.1:80", "192.0.2.1"),
            ("", ""),
            // no ports
            ("a:80:80", "a:80:80"),
            ("a:x", "a:x"),
            ("::1", "::1"),
        ];
        for (header, want) in table {
            let mut buffer = b"left over".to_vec();
            assert_eq!(normalise(header.as_bytes(), &mut buffer), want.as_bytes(), "{header}");
        }
    }
}
