//! The header of a message that Varnish holds (`struct http`), as bytes.
//!
//! varnish-rs reads names and values as UTF-8 and panics where they are not; nothing here does.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::transmute;
use std::ptr::NonNull;
use std::slice;

use ghost_route::plan::Fields;
use varnish::ffi;

use crate::workspace;

const FIRST: u16 = ffi::HTTP_HDR_FIRST as u16;

/// A request's or response's header, for as long as Varnish lends it.
///
/// What is read out of it lives as long as the task's workspace: a header that is removed or replaced
/// leaves its bytes in place.
pub struct Message<'a> {
    raw: NonNull<ffi::http>,
    task: PhantomData<&'a mut ffi::http>,
}

/// A header field as it stands in a message: "Name: value".
#[derive(Clone, Copy)]
pub struct Line<'a>(&'a [u8]);

impl<'a> Line<'a> {
    /// A field that stands in these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether the field has this name.
    pub fn is(self, name: &[u8]) -> bool {
        self.0.get(name.len()) == Some(&b':') && self.0[..name.len()].eq_ignore_ascii_case(name)
    }

    /// The value, if the field has this name.
    pub fn value_of(self, name: &[u8]) -> Option<&'a [u8]> {
        self.is(name).then(|| self.0[name.len() + 1..].trim_ascii())
    }

    /// Whether the name begins with this, which holds no colon.
    pub fn begins_with(self, prefix: &[u8]) -> bool {
        self.0.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }

    /// Name and value; none where it is no field.
    pub fn split(self) -> Option<(&'a [u8], &'a [u8])> {
        split(self.0)
    }

    /// How many bytes it has.
    pub fn size(self) -> usize {
        self.0.len()
    }
}

/// Why a header field could not be added; the message names the parameter to raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The message has as many fields as it may have.
    #[error("too many header fields (parameter http_max_hdr)")]
    Fields,
    /// The workspace is used up.
    #[error("out of workspace (parameter workspace_client or workspace_backend)")]
    Workspace,
    /// The field holds a byte that no header may hold.
    #[error("a header field holds NUL, CR or LF")]
    Byte,
}

impl Fields for Message<'_> {
    type Error = NoRoom;

    fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        Message::retain(self, |line| split(line.0).is_none_or(|(name, _)| keep(name)));
    }

    fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), NoRoom> {
        Message::set(self, name, value)
    }

    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), NoRoom> {
        Message::add(self, name, value)
    }
}

impl<'a> Message<'a> {
    /// Wraps what Varnish points to; none where it points to nothing.
    ///
    /// # Safety
    /// `raw` is null or a message of the running task, which nobody else changes during `'a`.
    pub unsafe fn new(raw: *mut ffi::http) -> Option<Self> {
        let raw = NonNull::new(raw)?;
        // SAFETY: the caller's promise.
        assert_eq!(unsafe { raw.as_ref() }.magic, ffi::HTTP_MAGIC, "not a struct http");
        Some(Self { raw, task: PhantomData })
    }

    /// The method of a request.
    pub fn method(&self) -> &'a [u8] {
        self.slot(ffi::HTTP_HDR_METHOD as u16)
    }

    /// The target of a request.
    pub fn url(&self) -> &'a [u8] {
        self.slot(ffi::HTTP_HDR_URL as u16)
    }

    /// The version of a request, as major times ten plus minor: 10, 11, 20.
    pub fn version(&self) -> u8 {
        self.http().protover
    }

    /// The protocol of a request, such as HTTP/1.1.
    pub fn protocol(&self) -> &'a [u8] {
        self.slot(ffi::HTTP_HDR_PROTO as u16)
    }

    /// The status of a response.
    pub fn status(&self) -> u16 {
        self.http().status
    }

    /// Makes a response one that says that the client has it already (304). Its fields stay.
    pub fn set_not_modified(&mut self) {
        // SAFETY: this is the running task's message; protocol and reason are static.
        unsafe {
            ffi::http_PutResponse(self.http_mut(), c"HTTP/1.1".as_ptr(), 304, c"Not Modified".as_ptr())
        };
    }

    /// The reason phrase of a response.
    pub fn reason(&self) -> &'a [u8] {
        self.slot(ffi::HTTP_HDR_REASON as u16)
    }

    /// Name and value of every header field, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + '_ {
        self.slots()[usize::from(FIRST)..].iter().filter_map(|line| split(bytes(line)?))
    }

    /// Every header field as it stands, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + Clone + '_ {
        self.slots()[usize::from(FIRST)..].iter().filter_map(bytes).map(Line)
    }

    /// The value of the first field of this name.
    pub fn field(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// The value of every field of this name, in order.
    pub fn values<'s>(&'s self, name: &'s [u8]) -> impl Iterator<Item = &'a [u8]> + Clone + 's {
        self.lines().filter_map(move |line| line.value_of(name))
    }

    /// Keeps the fields for which `keep` says so.
    pub fn retain(&mut self, keep: impl FnMut(Line<'a>) -> bool) {
        self.keep(keep, Self::log_removal);
    }

    /// As [`retain`](Self::retain), without a word in the log.
    pub fn retain_quietly(&mut self, keep: impl FnMut(Line<'a>) -> bool) {
        self.keep(keep, |_, _| {});
    }

    fn keep(&mut self, mut keep: impl FnMut(Line<'a>) -> bool, log: impl Fn(&Self, ffi::txt)) {
        let mut kept = FIRST;
        for index in FIRST..self.http().nhd {
            let at = usize::from(index);
            let line = self.slots()[at];
            if bytes(&line).is_some_and(|line| !keep(Line(line))) {
                log(self, line);
                continue;
            }
            if kept != index {
                let http = self.http_mut();
                // SAFETY: both indices are below nhd, so within the arrays that Varnish allocated.
                unsafe {
                    *http.hd.add(usize::from(kept)) = line;
                    *http.hdf.add(usize::from(kept)) = *http.hdf.add(at);
                }
            }
            kept += 1;
        }
        self.http_mut().nhd = kept;
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &[u8]) {
        self.retain(|line| !line.is(name));
    }

    /// Puts this before the name of every field of that name, without a word in the log. Errors
    /// where there is no room.
    pub fn prefix(&mut self, prefix: &[u8], name: &[u8]) -> Result<(), NoRoom> {
        for index in FIRST..self.http().nhd {
            let at = usize::from(index);
            let Some(line) = bytes(&self.slots()[at]).filter(|line| Line(line).is(name)) else { continue };
            let length = prefix.len() + line.len();
            // SAFETY: the workspace is the running task's; the index is below nhd, and the line is as long
            // as its parts.
            unsafe {
                let http = self.http_mut();
                let line = workspace::string(http.ws, &[prefix, line]).ok_or(NoRoom::Workspace)?;
                *http.hd.add(at) = ffi::txt { b: line, e: line.add(length) };
            }
        }
        Ok(())
    }

    /// Takes this from the beginning of every line that begins so, without a word in the log.
    pub fn strip_prefix(&mut self, prefix: &[u8]) {
        for index in FIRST..self.http().nhd {
            let at = usize::from(index);
            if bytes(&self.slots()[at]).is_some_and(|line| Line(line).begins_with(prefix)) {
                // SAFETY: the index is below nhd, and the line is longer than the prefix.
                unsafe {
                    let slot = self.http_mut().hd.add(at);
                    (*slot).b = (*slot).b.add(prefix.len());
                }
            }
        }
    }

    /// Removes the first field of this name, without a word in the log.
    pub fn remove_first(&mut self, name: &[u8]) {
        let mut is_gone = false;
        self.retain_quietly(|line| {
            let goes = !is_gone && line.is(name);
            is_gone |= goes;
            !goes
        });
    }

    /// Replaces every field of this name by one. Errors where there is no room.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), NoRoom> {
        self.remove(name);
        self.add(name, value)
    }

    /// Adds a field. Errors where there is no room, and changes nothing then.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), NoRoom> {
        if is_broken(name) || is_broken(value) {
            return Err(NoRoom::Byte);
        }
        let http = self.http_mut();
        if http.nhd >= http.shd {
            return Err(NoRoom::Fields);
        }
        // SAFETY: the workspace belongs to the message and so to the running task; the line is a C string,
        // as it holds no NUL.
        unsafe {
            let line = workspace::string(http.ws, &[name, b": ", value]).ok_or(NoRoom::Workspace)?;
            ffi::http_SetHeader(http, line);
        }
        Ok(())
    }

    /// Adds fields, in one piece of memory. Errors where there is no room; those before have been added then.
    pub fn add_all<'f>(
        &mut self,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
    ) -> Result<(), NoRoom> {
        let size = fields.clone().map(|(name, value)| name.len() + value.len() + ": \0".len()).sum();
        // WS_Alloc takes no zero.
        if size == 0 {
            return Ok(());
        }
        let http = self.http_mut();
        // SAFETY: the workspace belongs to the message and so to the running task. Each line has room in the memory,
        // which is new, for its parts and the NUL, and it is a C string, as it holds no other NUL.
        unsafe {
            let mut end = workspace::allocate(http.ws, size).ok_or(NoRoom::Workspace)?.cast::<u8>();
            for (name, value) in fields {
                if is_broken(name) || is_broken(value) {
                    return Err(NoRoom::Byte);
                }
                if http.nhd >= http.shd {
                    return Err(NoRoom::Fields);
                }
                let line = end;
                for part in [name, b": ", value, b"\0"] {
                    end.copy_from_nonoverlapping(part.as_ptr(), part.len());
                    end = end.add(part.len());
                }
                ffi::http_SetHeader(http, line.cast());
            }
        }
        Ok(())
    }

    /// Lets `work` change the message without a word in the log.
    pub fn quietly<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let log = std::mem::replace(&mut self.http_mut().vsl, std::ptr::null_mut());
        let result = work(self);
        self.http_mut().vsl = log;
        result
    }

    /// Adds a line that lives as long as the process. Errors where there is no room.
    pub fn add_static(&mut self, line: &'static CStr) -> Result<(), NoRoom> {
        let http = self.http_mut();
        if http.nhd >= http.shd {
            return Err(NoRoom::Fields);
        }
        // SAFETY: the message is valid, and the line outlives it.
        unsafe { ffi::http_SetHeader(http, line.as_ptr()) };
        Ok(())
    }

    /// Whether this very line, and not one of the same text, is among the fields.
    pub fn has_static(&self, line: &'static CStr) -> bool {
        self.slots()[usize::from(FIRST)..].iter().any(|slot| std::ptr::eq(slot.b, line.as_ptr()))
    }

    /// Adds the first field of this name of another message of the same task, which shares its memory. Errors where
    /// there is no room.
    pub fn share(&mut self, name: &[u8], from: &Message<'_>) -> Result<(), NoRoom> {
        let is_it = |slot: &&ffi::txt| bytes(slot).is_some_and(|line| Line(line).is(name));
        let Some(slot) = from.slots()[usize::from(FIRST)..].iter().find(is_it) else { return Ok(()) };
        let http = self.http_mut();
        if http.nhd >= http.shd {
            return Err(NoRoom::Fields);
        }
        // SAFETY: Varnish ends each line with a NUL, and it lives as long as the task.
        unsafe { ffi::http_SetHeader(http, slot.b) };
        Ok(())
    }

    /// Adds a line, which holds no CR and no LF. Errors where there is no room, and changes nothing then.
    pub fn add_line(&mut self, line: &CStr) -> Result<(), NoRoom> {
        let http = self.http_mut();
        if http.nhd >= http.shd {
            return Err(NoRoom::Fields);
        }
        // SAFETY: as for `add`.
        unsafe {
            let line = workspace::string(http.ws, &[line.to_bytes()]).ok_or(NoRoom::Workspace)?;
            ffi::http_SetHeader(http, line);
        }
        Ok(())
    }

    /// Replaces the target of a request by these parts, one behind the other. Errors where there is no room.
    pub fn set_url(&mut self, parts: &[&[u8]]) -> Result<(), NoRoom> {
        let http = self.http_mut();
        // SAFETY: as for `add`; the target's slot is in use in every request.
        unsafe {
            let target = workspace::string(http.ws, parts).ok_or(NoRoom::Workspace)?;
            ffi::http_SetH(http, ffi::HTTP_HDR_URL, target);
        }
        Ok(())
    }

    fn http(&self) -> &ffi::http {
        // SAFETY: `new` was promised a valid message for 'a.
        unsafe { self.raw.as_ref() }
    }

    fn http_mut(&mut self) -> &mut ffi::http {
        // SAFETY: as above, and nobody else changes it.
        unsafe { self.raw.as_mut() }
    }

    fn slots(&self) -> &[ffi::txt] {
        let http = self.http();
        // SAFETY: Varnish keeps `nhd` entries in use, of the `shd` that it allocated; none changes while self
        // is lent.
        unsafe { slice::from_raw_parts(http.hd, usize::from(http.nhd)) }
    }

    fn slot(&self, index: u16) -> &'a [u8] {
        self.slots().get(usize::from(index)).and_then(bytes).unwrap_or_default()
    }

    /// Tells the log, as Varnish does when VCL unsets a header.
    fn log_removal(&self, line: ffi::txt) {
        let http = self.http();
        if http.vsl.is_null() {
            return;
        }
        let tag = http.logtag as u32 + ffi::HTTP_HDR_UNSET - ffi::HTTP_HDR_METHOD;
        // SAFETY: the tags of a message follow one another in this order (include/tbl/vsl_tags_http.h),
        // so the sum is a tag; the log belongs to the running task.
        unsafe { ffi::VSLbt(http.vsl, transmute::<u32, ffi::VslTag>(tag), line) };
    }
}

fn bytes<'a>(text: &ffi::txt) -> Option<&'a [u8]> {
    if text.b.is_null() {
        return None;
    }
    // SAFETY: Varnish keeps `b` and `e` as the ends of one string in the task's workspace.
    Some(unsafe { slice::from_raw_parts(text.b.cast(), text.e.offset_from_unsigned(text.b)) })
}

/// Whether a name or value holds what no header may hold. Each byte is looked at, which is faster than to end with the
/// first one.
fn is_broken(part: &[u8]) -> bool {
    part.iter().fold(false, |broken, b| broken | matches!(b, 0 | b'\r' | b'\n'))
}

/// A line without a colon cannot come from Varnish's parser, and would be no field.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&b| b == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_by_its_whole_name() {
        let table = [
            ("Host: a.io", "host", Some("a.io")),
            ("HOST:a.io \t", "host", Some("a.io")),
            ("Host:", "host", Some("")),
            ("Hosts: a.io", "host", None),
            ("Hos: t:", "host", None),
            ("Host", "host", None),
            ("", "host", None),
            ("X: host: a", "host", None),
        ];
        for (line, name, expected) in table {
            let line = Line(line.as_bytes());
            assert_eq!(
                line.value_of(name.as_bytes()),
                expected.map(str::as_bytes),
                "{}",
                line.0.escape_ascii()
            );
            assert_eq!(line.is(name.as_bytes()), expected.is_some());
        }
        assert!(Line(b"X-Gateway-Route: a").begins_with(b"x-gateway-"));
        assert!(!Line(b"X-Gate").begins_with(b"x-gateway-"));
    }
}
