//! The Cache-Control that clients get where a policy sets it apart from what this cache does.

use std::fmt::{self, Write};

use crate::delta_seconds;
use crate::policy::{ClientCacheControl, Policy};

/// The fields of a response that are removed where Cache-Control is replaced: they would contradict
/// it.
pub const REMOVED: [&str; 2] = ["expires", "pragma"];

/// What replaces Cache-Control of a response that is stored or comes out of the cache; none where
/// it stays. That of an error stays: it was not meant to be kept for as long as a success. So does
/// that of what is not stored, which may be private.
pub fn of(policy: &Policy, status: u16, is_stored: bool) -> Option<&ClientCacheControl> {
    policy.client_cache_control.as_ref().filter(|_| is_stored && status < 400)
}

/// Writes the field's value for a response of this age in seconds. A client subtracts Age from
/// max-age (RFC 9111 section 4.2), so that it is added here. Allocates nothing itself.
///
/// # Errors
/// Those of what it is written to.
pub fn write(control: &ClientCacheControl, age: u32, out: &mut (impl Write + ?Sized)) -> fmt::Result {
    if let Some(max_age) = control.max_age {
        write!(out, "max-age={}", max_age.saturating_add(age).min(delta_seconds::MAX))?;
        if !control.directives.is_empty() {
            out.write_str(", ")?;
        }
    }
    out.write_str(&control.directives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_keeps_a_response_for_as_long_as_the_policy_says_from_now_on() {
        let table = [
            (Some(60), "", 0, "max-age=60"),
            // RFC 9111 section 4.2: 60 s are left of 160 at an age of 100
            (Some(60), "public, immutable", 100, "max-age=160, public, immutable"),
            (Some(0), "", 0, "max-age=0"),
            (Some(u32::MAX), "", u32::MAX, "max-age=2147483648"),
            (None, "no-cache", 100, "no-cache"),
        ];
        for (max_age, directives, age, want) in table {
            let mut out = String::new();
            let control = ClientCacheControl { max_age, directives: directives.into() };
            write(&control, age, &mut out).unwrap();
            assert_eq!(out, want);
        }
    }

    #[test]
    fn it_is_for_what_is_stored_and_no_error() {
        let ours = ClientCacheControl { max_age: Some(60), directives: "".into() };
        let policy = Policy { client_cache_control: Some(ours.clone()), ..Policy::default() };
        for (status, is_stored, want) in
            [(200, true, true), (301, true, true), (404, true, false), (200, false, false)]
        {
            assert_eq!(of(&policy, status, is_stored), want.then_some(&ours), "{status} {is_stored}");
        }
        assert_eq!(of(&Policy::default(), 200, true), None);
    }
}
