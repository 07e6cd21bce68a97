//! Panics stop here: none crosses into C, where it would end varnishd's child.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use varnish::ffi::VslTag;

use crate::counters::{count, counters};
use crate::log;

/// Runs `work`; none where it panicked. The panic is logged where it happened, by the hook.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What `work` leaves half done is dropped with the request that it served, or guarded by locks
    // that are taken over after a panic.
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // Dropping what was thrown could panic as well.
            std::mem::forget(payload);
            None
        }
    }
}

/// Counts panics, and sends what each says, and where, to Varnish's log instead of to standard error.
pub fn log_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string).unwrap_or_default();
            let text = format!("ghost: panic at {location}: {}", words(panic.payload()));
            count(&counters().panics);
            log::global(VslTag::Error, &text);
        }));
    });
}

fn words(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of unknown cause")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_whatever_was_thrown() {
        assert_eq!(caught(|| 7), Some(7));
        assert_eq!(caught(|| -> u8 { panic!("words") }), None);
        assert_eq!(caught(|| -> u8 { panic::panic_any(42) }), None);
    }

    /// What runs a callback's work, and catches its panics.
    const CATCH: [&str; 4] = ["caught(", "door::gethdrs(", "door::healthy(", "listing::print("];

    /// The bodies of a file's callbacks from C, by name.
    fn callbacks(text: &str) -> impl Iterator<Item = (&str, &str)> {
        text.split("extern \"C\" fn ").skip(1).filter_map(|rest| {
            let (signature, body) = rest.split_once(" {\n")?;
            let (name, _) = signature.split_once(['(', '<'])?;
            let end = body.find("\n}").unwrap_or(body.len());
            (!signature.contains(';')).then(|| (name, &body[..end]))
        })
    }

    fn sources(directory: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.file_name() != Some("boundary.rs".as_ref()) {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_callback_from_c_catches_panics() {
        let mut files = Vec::new();
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let mut count = 0;
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for (name, body) in callbacks(&text) {
                let file = file.display();
                // What calls nothing does not panic.
                let is_safe = !body.contains('(') || CATCH.iter().any(|catch| body.contains(catch));
                assert!(is_safe, "{file}: {name} lets panics through");
                count += 1;
            }
        }
        assert!(count > 20, "{count} callbacks were found");
    }

    #[test]
    fn what_panics_say_is_found() {
        let table: [(Box<dyn Any + Send>, &str); 3] = [
            (Box::new("static"), "static"),
            (Box::new(String::from("owned")), "owned"),
            (Box::new(42), "of unknown cause"),
        ];
        for (payload, expected) in table {
            assert_eq!(words(&*payload), expected);
        }
    }
}
