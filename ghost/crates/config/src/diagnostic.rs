//! What is said about records that cannot be used as they stand.

use std::fmt;

use serde::Serialize;

/// Tells of one record that is inert, as Go's `ghostconf.Diagnostic`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Path of the record in ghost.json, such as "routes[3].rules[0].matches[1].path.value".
    pub path: String,
    /// The Kubernetes object behind it, as "kind namespace/name"; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// Collects what is found while one record is compiled. Paths are relative to that record, because a record
/// that is kept over a reload may have moved to another index.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    place: String,
    found: Vec<Finding>,
    /// Bytes of the expressions that were compiled.
    memory: usize,
    /// Bytes that they may take.
    bound: Option<usize>,
}

/// One finding, with its path below the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    message: String,
}

impl Findings {
    /// Runs `work` with the place moved to a field: ".name".
    pub fn field<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.within(format_args!(".{name}"), work)
    }

    /// Runs `work` with the place moved to an element of a list: ".name[index]".
    pub fn element<T>(&mut self, name: &str, index: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.within(format_args!(".{name}[{index}]"), work)
    }

    /// Notes that the record at the present place is inert.
    pub fn note(&mut self, message: impl Into<String>) {
        self.found.push(Finding { path: self.place.clone(), message: message.into() });
    }

    /// How many were noted so far.
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// Lets the record's expressions take no more than this.
    pub fn bound_memory(&mut self, bytes: usize) {
        self.bound = Some(bytes);
    }

    /// Counts an expression's memory. False where that is too much.
    pub fn take_memory(&mut self, bytes: usize) -> bool {
        self.memory += bytes;
        !self.is_out_of_memory()
    }

    /// Whether the record's expressions take more than they may.
    pub fn is_out_of_memory(&self) -> bool {
        self.bound.is_some_and(|bound| self.memory > bound)
    }

    /// Bytes that the record's expressions take.
    pub fn memory(&self) -> usize {
        self.memory
    }

    pub fn into_list(self) -> Box<[Finding]> {
        self.found.into()
    }

    fn within<T>(&mut self, step: fmt::Arguments<'_>, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.place.len();
        fmt::Write::write_fmt(&mut self.place, step).expect("writing to a String cannot fail");
        let result = work(self);
        self.place.truncate(outer);
        result
    }
}

impl Finding {
    /// The finding as the outside sees it, of a record that stands at `place` and belongs to `object`.
    pub fn at(&self, place: fmt::Arguments<'_>, object: &str) -> Diagnostic {
        let path = format!("{place}{}", self.path);
        // Without a place, the path would begin with the dot of its first field.
        let path = path.strip_prefix('.').map(str::to_owned).unwrap_or(path);
        Diagnostic { path, object: object.into(), message: self.message.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_place_and_return_to_it() {
        let mut findings = Findings::default();
        findings.element("rules", 2, |f| {
            f.field("path", |f| f.note("is broken"));
            f.note("answers 500");
        });
        let found: Vec<_> =
            findings.into_list().iter().map(|f| f.at(format_args!("routes[7]"), "HTTPRoute a/b")).collect();
        assert_eq!(found[0].path, "routes[7].rules[2].path");
        assert_eq!(found[1].path, "routes[7].rules[2]");
        assert_eq!(found[1].object, "HTTPRoute a/b");
    }
}
