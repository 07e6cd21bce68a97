//! The form in which paths are compared.
//!
//! `%xx` of unreserved bytes are decoded, those of other bytes are written in upper case, and then dot segments
//! are resolved (RFC 3986 sections 6.2.2.2, 6.2.2.1 and 5.2.4), so that no spelling of a path escapes its
//! rule. What could change the meaning stays: `%2F` and other escapes, malformed escapes, `;` and `//`.

/// A path whose `..` climbs above `/`: nobody means that, and no rule can be meant for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Climbs;

/// Brings a path that begins with `/` into the form for comparison. Where there is nothing to do, it is
/// returned as it is; otherwise it is written into `buffer`, whose old content goes.
///
/// # Errors
/// [`Climbs`] where a `..` has nothing left to remove.
pub fn normalise<'a>(path: &'a [u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], Climbs> {
    if !needs_work(path) {
        return Ok(path);
    }
    buffer.clear();
    normalise_escapes(path, buffer);
    resolve_dots(buffer)?;
    Ok(buffer)
}

/// Whether there is an escape, or a segment that begins with a dot.
fn needs_work(path: &[u8]) -> bool {
    let mut previous = 0;
    path.iter().any(|&byte| {
        let found = byte == b'%' || (byte == b'.' && previous == b'/');
        previous = byte;
        found
    })
}

fn normalise_escapes(path: &[u8], out: &mut Vec<u8>) {
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        match escape(rest) {
            Some(byte) => {
                match is_unreserved(byte) {
                    true => out.push(byte),
                    false => out.extend(rest[..3].iter().map(u8::to_ascii_uppercase)),
                }
                rest = &rest[3..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
}

/// The byte that an escape at the beginning of `text` stands for.
pub fn escape(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Resolves dot segments in place: what is written never overtakes what is read.
fn resolve_dots(path: &mut Vec<u8>) -> Result<(), Climbs> {
    let (mut read, mut write) = (0, 0);
    while read < path.len() {
        // path[read] is the slash that a segment begins with.
        let start = read + 1;
        let end = path[start..].iter().position(|b| *b == b'/').map_or(path.len(), |at| start + at);
        let last = end == path.len();
        match &path[start..end] {
            b"." if last => write = append(path, write, read..start),
            b"." => {}
            b".." => {
                write = parent(&path[..write]).ok_or(Climbs)?;
                if last {
                    write = append(path, write, read..start);
                }
            }
            _ => write = append(path, write, read..end),
        }
        read = end;
    }
    path.truncate(write);
    Ok(())
}

fn append(path: &mut [u8], write: usize, from: std::ops::Range<usize>) -> usize {
    let end = write + from.len();
    path.copy_within(from, write);
    end
}

/// Where the last segment of what is written begins, with its slash.
fn parent(written: &[u8]) -> Option<usize> {
    written.iter().rposition(|b| *b == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(path: &str) -> Result<String, Climbs> {
        let mut buffer = b"left over".to_vec();
        normalise(path.as_bytes(), &mut buffer).map(|p| String::from_utf8(p.to_vec()).unwrap())
    }

    #[test]
    fn dot_segments_are_resolved() {
        let table = [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/.", "/"),
            ("/a/b/../../c", "/c"),
            ("/a//../b", "/a/b"),
            ("//../a", "/a"),
            ("/a/.../b", "/a/.../b"),
            ("/.a/..b", "/.a/..b"),
            ("/a./b..", "/a./b.."),
        ];
        for (path, expected) in table {
            assert_eq!(normal(path).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn only_unreserved_escapes_are_decoded_and_the_others_are_in_upper_case() {
        let table = [
            ("/%61", "/a"),
            ("/%7Euser", "/~user"),
            ("/a%2Fb", "/a%2Fb"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%3bb;c", "/a%3Bb;c"),
            ("/%2561", "/%2561"),
            ("/%", "/%"),
            ("/%6", "/%6"),
            ("/%zz", "/%zz"),
            ("/%+1", "/%+1"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e", "/"),
        ];
        for (path, expected) in table {
            assert_eq!(normal(path).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn a_path_that_climbs_above_the_root_is_refused() {
        for path in ["/..", "/../a", "/a/../..", "/%2e%2e/a", "/./../a", "/a/../../b"] {
            assert_eq!(normal(path), Err(Climbs), "{path}");
        }
    }

    #[test]
    fn nothing_is_copied_where_nothing_is_to_be_done() {
        let path = b"/a.b/c;d//e".to_vec();
        let mut buffer = Vec::new();
        assert_eq!(normalise(&path, &mut buffer).unwrap().as_ptr(), path.as_ptr());
        assert_eq!(buffer.capacity(), 0);
    }
}
