//! Records compiled one by one, kept over reloads, and bounded in memory together.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::diagnostic::{Finding, Findings};
use crate::{CachePolicy, Refused, Route, Service, wire};

/// The records of a configuration with the text that they were compiled from.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub routes: Vec<Compiled<Route>>,
    pub services: Vec<Compiled<Service>>,
    pub cache_policies: Vec<Compiled<CachePolicy>>,
}

/// A compiled record. What was found holds for the same text wherever it stands.
#[derive(Debug)]
pub(crate) struct Compiled<T> {
    pub text: Arc<str>,
    pub record: Arc<T>,
    pub findings: Arc<[Finding]>,
    /// Bytes that its expressions take, or would take where they were refused.
    pub memory: usize,
    /// What was refused for want of memory; the record is without its expressions then.
    pub refused: Box<[Finding]>,
}

impl<T> Clone for Compiled<T> {
    fn clone(&self) -> Self {
        Self {
            text: Arc::clone(&self.text),
            record: Arc::clone(&self.record),
            findings: Arc::clone(&self.findings),
            memory: self.memory,
            refused: self.refused.clone(),
        }
    }
}

/// Compiles the routes, of which the expressions may take this much memory. Where they take more, those of the
/// routes that have the most are refused, one route after another. So what many need is not taken by few, and no
/// more than the bound and one route's expressions are ever there at once.
pub(crate) fn compile_routes(
    texts: &[&RawValue],
    last: &[Compiled<Route>],
    memory: usize,
) -> Result<Vec<Compiled<Route>>, Refused> {
    let bounded = |wire: wire::Route, findings: &mut Findings| {
        findings.bound_memory(memory);
        Route::compile(wire, findings)
    };
    let known = by_head(last);
    let mut routes = Vec::with_capacity(texts.len());
    let mut heaviest = BinaryHeap::new();
    let mut total = 0;
    for (index, raw) in texts.iter().enumerate() {
        let route = compile_one(raw, &known, &bounded)?;
        total += route.memory;
        heaviest.push((route.memory, index));
        routes.push(route);
        while total > memory {
            let Some((freed, index)) = heaviest.pop() else { break };
            total -= freed;
            routes[index].refuse_expressions(memory);
        }
    }
    // What was refused the last time may have room now.
    for (_, index) in heaviest {
        if !routes[index].refused.is_empty() {
            routes[index] = compile_one(texts[index], &HashMap::new(), &bounded)?;
        }
    }
    keep_rules(&mut routes, last);
    Ok(routes)
}

impl Compiled<Route> {
    /// Makes every match with an expression one that never matches.
    fn refuse_expressions(&mut self, memory: usize) {
        if self.refused.is_empty() {
            let mut findings = Findings::default();
            let (own, all) = (self.memory, memory);
            Arc::make_mut(&mut self.record).refuse_expressions(&mut findings, &format!(
                "the expressions of all routes take more than {all} bytes, and those of this route are among the \
                 largest with {own}, so this never matches"
            ));
            self.refused = findings.into_list();
        }
    }
}

/// Compiles the records of a table, or takes them from the last one where their text is the same.
pub(crate) fn compile<W: DeserializeOwned, T>(
    texts: &[&RawValue],
    last: &[Compiled<T>],
    compile: impl Fn(W, &mut Findings) -> T,
) -> Result<Vec<Compiled<T>>, Refused> {
    let known = by_head(last);
    texts.iter().map(|raw| compile_one(raw, &known, &compile)).collect()
}

fn compile_one<W: DeserializeOwned, T>(
    raw: &RawValue,
    known: &HashMap<&[u8], &Compiled<T>>,
    compile: &impl Fn(W, &mut Findings) -> T,
) -> Result<Compiled<T>, Refused> {
    if let Some(kept) = known.get(head(raw.get())).filter(|kept| *kept.text == *raw.get()) {
        return Ok(Compiled::clone(kept));
    }
    let wire = serde_json::from_str(raw.get()).map_err(Refused::Unreadable)?;
    let mut findings = Findings::default();
    let record = Arc::new(compile(wire, &mut findings));
    let memory = findings.memory();
    let findings = findings.into_list().into();
    Ok(Compiled { text: raw.get().into(), record, findings, memory, refused: Box::default() })
}

fn by_head<T>(records: &[Compiled<T>]) -> HashMap<&[u8], &Compiled<T>> {
    records.iter().map(|record| (head(&record.text), record)).collect()
}

/// Lets routes that changed share the rules that did not.
fn keep_rules(routes: &mut [Compiled<Route>], last: &[Compiled<Route>]) {
    let former: HashMap<&str, &Route> = last.iter().map(|c| (&*c.record.id, &*c.record)).collect();
    for route in routes {
        let Some(former) = former.get(&*route.record.id) else { continue };
        // Those that were kept whole are shared already.
        if let Some(record) = Arc::get_mut(&mut route.record) {
            record.keep_rules(former);
        }
    }
}

/// Enough of a record's text to find it by: it begins with the record's name. Records that share a head are
/// compiled more often than they need, no more.
fn head(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(128)]
}
