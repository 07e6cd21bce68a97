//! Matches: what a request must look like to fit a rule.

use std::collections::HashSet;

use crate::diagnostic::Findings;
use crate::field::is_token;
use crate::{Pattern, Rank, path, wire};

/// Conditions of which every one must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Condition on the path, in the form of [`path::normalise`].
    pub path: PathMatch,
    /// The method that the request must have; any where `None`.
    pub method: Option<Box<[u8]>>,
    /// Conditions on headers; names are in lower case.
    pub headers: Vec<ValueMatch>,
    /// Conditions on query parameters.
    pub query: Vec<ValueMatch>,
    /// Place among all matches of equal hostname specificity.
    pub rank: Rank,
}

/// A condition on a path.
#[derive(Debug, Clone, PartialEq)]
pub enum PathMatch {
    /// The path itself.
    Exact(Box<[u8]>),
    /// The path or any below it, by whole segments. No slash at its end: "/" is the empty prefix.
    Prefix(Box<[u8]>),
    /// The whole path.
    Regex(Pattern),
}

/// A condition on the header or query parameter of a name.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueMatch {
    /// Name of the header or parameter.
    pub name: Box<[u8]>,
    /// What its value must be.
    pub test: ValueTest,
}

/// A condition on a value.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueTest {
    /// These bytes.
    Exact(Box<[u8]>),
    /// The whole value fits.
    Regex(Pattern),
}

impl Match {
    /// Compiles a match; `None` where any of its conditions is broken: then it never matches.
    pub(crate) fn compile(wire: wire::Match, findings: &mut Findings) -> Option<Self> {
        let path = findings.field("path", |f| PathMatch::compile(&wire.path, f));
        let method = method(wire.method, findings);
        let headers = conditions(wire.headers, "headers", is_header_name, findings);
        let query = conditions(wire.query_params, "queryParams", |name| !name.is_empty(), findings);
        Some(Self { path: path?, method: method?, headers: headers?, query: query?, rank: wire.rank.into() })
    }
}

impl Match {
    /// Whether one of its conditions is an expression.
    pub(crate) fn has_expression(&self) -> bool {
        let is_expression = |c: &ValueMatch| matches!(c.test, ValueTest::Regex(_));
        matches!(self.path, PathMatch::Regex(_)) || self.headers.iter().chain(&self.query).any(is_expression)
    }
}

impl PathMatch {
    fn compile(wire: &wire::PathMatch, findings: &mut Findings) -> Option<Self> {
        match wire.r#type.as_str() {
            "Exact" => literal(&wire.value, findings).map(Self::Exact),
            "PathPrefix" if wire.value == "/" => Some(Self::Prefix(Box::default())),
            "PathPrefix" if wire.value.ends_with('/') => {
                let message = format!("the prefix {:?} ends with a slash, so this never matches", wire.value);
                findings.field("value", |f| f.note(message));
                None
            }
            "PathPrefix" => literal(&wire.value, findings).map(|mut path| {
                // Resolving dots can leave a slash at the end: "/a/." is "/a/".
                if path.ends_with(b"/") {
                    path = path[..path.len() - 1].into();
                }
                Self::Prefix(path)
            }),
            "RegularExpression" => pattern(&wire.value, findings).map(Self::Regex),
            unknown => {
                findings
                    .field("type", |f| f.note(format!("{unknown:?} is not known, so this never matches")));
                None
            }
        }
    }
}

fn literal(value: &str, findings: &mut Findings) -> Option<Box<[u8]>> {
    let sound = value.starts_with('/') && !value.contains(['?', '#']);
    let mut buffer = Vec::new();
    match path::normalise(value.as_bytes(), &mut buffer) {
        Ok(path) if sound => Some(path.into()),
        _ => {
            findings.field("value", |f| f.note(format!("{value:?} is no path, so this never matches")));
            None
        }
    }
}

fn pattern(value: &str, findings: &mut Findings) -> Option<Pattern> {
    // A route whose expressions take too much is refused with all of them, so no more are compiled.
    let compiled = if findings.is_out_of_memory() { None } else { Some(Pattern::new(value)) };
    match compiled {
        Some(Ok(pattern)) if findings.take_memory(pattern.memory()) => return Some(pattern),
        Some(Err(reason)) => {
            let message = format!("the expression {value:?} is broken, so this never matches: {reason}");
            findings.field("value", |f| f.note(message));
        }
        None | Some(Ok(_)) => {
            let message =
                "the expressions of this route take more than those of all may, so this never matches";
            findings.field("value", |f| f.note(message));
        }
    }
    None
}

fn method(method: String, findings: &mut Findings) -> Option<Option<Box<[u8]>>> {
    if method.is_empty() {
        return Some(None);
    }
    if !is_token(&method) {
        findings.field("method", |f| f.note(format!("{method:?} is no method, so this never matches")));
        return None;
    }
    Some(Some(method.into_bytes().into()))
}

fn is_header_name(name: &str) -> bool {
    is_token(name) && !name.contains(|c: char| c.is_ascii_uppercase())
}

/// Compiles the conditions of one list, in which each name may stand once.
fn conditions(
    wire: Vec<wire::ValueMatch>,
    list: &str,
    is_name: impl Fn(&str) -> bool,
    findings: &mut Findings,
) -> Option<Vec<ValueMatch>> {
    let mut names = HashSet::new();
    let mut sound = true;
    let mut conditions = Vec::with_capacity(wire.len());
    for (index, condition) in wire.into_iter().enumerate() {
        findings.element(list, index, |f| {
            if !is_name(&condition.name) || !names.insert(condition.name.clone()) {
                let message = format!("{:?} cannot stand here, so this never matches", condition.name);
                f.field("name", |f| f.note(message));
                sound = false;
            }
            match ValueTest::compile(&condition, f) {
                Some(test) => conditions.push(ValueMatch { name: condition.name.into_bytes().into(), test }),
                None => sound = false,
            }
        });
    }
    sound.then_some(conditions)
}

impl ValueTest {
    fn compile(wire: &wire::ValueMatch, findings: &mut Findings) -> Option<Self> {
        match wire.r#type.as_str() {
            "Exact" => Some(Self::Exact(wire.value.as_bytes().into())),
            "RegularExpression" => pattern(&wire.value, findings).map(Self::Regex),
            unknown => {
                findings
                    .field("type", |f| f.note(format!("{unknown:?} is not known, so this never matches")));
                None
            }
        }
    }
}
