//! The decisions of the contract corpus, which the Go tests read as well.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ghost_config::{Backend, Filters, Rule, load};
use ghost_route::modify::modify;
use ghost_route::{Chosen, Outcome, Request, Router, Scratch, Share, target};
use serde::Deserialize;
use serde_json::value::RawValue;

type Lines = Vec<(String, String)>;

#[derive(Deserialize)]
struct File {
    config: Box<RawValue>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    request: Received,
    #[serde(default)]
    response: Lines,
    expect: Expect,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Received {
    socket: String,
    host: String,
    method: String,
    target: String,
    headers: Lines,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    listener: String,
    route: String,
    rule: String,
    r#match: Option<usize>,
    status: u16,
    location: String,
    backends: Vec<ExpectBackend>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExpectBackend {
    service: String,
    weight: u32,
    status: u16,
    location: String,
    upstream: Option<Upstream>,
    response: Option<Lines>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upstream {
    method: Option<String>,
    host: Option<String>,
    target: Option<String>,
    headers: Option<Lines>,
}

/// Everything that a case can be compared with.
struct Decided<'r> {
    router: &'r Router,
    case: &'r Case,
    listener: Option<usize>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Headers as a multimap: names in lower case, the values of one name in their order.
fn multimap(lines: &Lines) -> BTreeMap<String, Vec<String>> {
    let mut map = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in lines {
        map.entry(name.to_ascii_lowercase()).or_default().push(value.clone());
    }
    map
}

impl Decided<'_> {
    fn expect(router: &Router, case: &Case) -> Expect {
        let received = &case.request;
        let request = Request {
            socket: received.socket.as_bytes(),
            host: received.host.as_bytes(),
            method: received.method.as_bytes(),
            target: received.target.as_bytes(),
            headers: &received.headers[..],
        };
        let decision = router.decide(&request, &mut Scratch::default());
        let decided = Decided { router, case, listener: decision.listener };
        let mut found = Expect {
            listener: router.listener(&decision).map(|l| l.name.to_string()).unwrap_or_default(),
            ..Expect::default()
        };
        if let Outcome::Answer(answer) = decision.outcome {
            found.status = answer.status;
        }
        if let Some(chosen) = &decision.chosen {
            decided.fill(&mut found, chosen, decision.outcome);
        }
        found
    }

    fn fill(&self, found: &mut Expect, chosen: &Chosen, outcome: Outcome) {
        let rule = self.router.rule(chosen);
        found.route = self.router.route(chosen).id.to_string();
        found.rule = rule.id.to_string();
        found.r#match = Some(chosen.match_index);
        match outcome {
            Outcome::Answer(_) => {}
            Outcome::Redirect => {
                let redirect = rule.filters.redirect.as_ref().unwrap();
                found.status = redirect.status;
                found.location = self.location(redirect, chosen);
            }
            Outcome::Forward => {
                let weighty = rule.backends.iter().filter(|backend| backend.weight > 0);
                found.backends = weighty.map(|backend| self.backend(rule, backend, chosen)).collect();
            }
        }
    }

    fn location(&self, redirect: &ghost_config::Redirect, chosen: &Chosen) -> String {
        let listener = &self.router.config().listeners[self.listener.unwrap()];
        let request = &self.case.request;
        let (host, target) = (request.host.as_bytes(), request.target.as_bytes());
        let mut out = b"left over".to_vec();
        let mut scratch = Scratch::default();
        target::location(
            redirect,
            listener,
            host,
            target,
            self.router.prefix(chosen),
            &mut scratch,
            &mut out,
        );
        text(&out)
    }

    fn backend(&self, rule: &Rule, backend: &Backend, chosen: &Chosen) -> ExpectBackend {
        let mut found = ExpectBackend {
            service: backend.service.to_string(),
            weight: backend.weight,
            ..ExpectBackend::default()
        };
        match Share::of(self.router.config(), backend) {
            Share::Answer(answer) => found.status = answer.status,
            Share::Redirect(redirect) => {
                found.status = redirect.status;
                found.location = self.location(redirect, chosen);
            }
            Share::Send(_) => {
                found.upstream =
                    Some(self.upstream(&rule.filters, &backend.filters, self.router.prefix(chosen)));
                let modifiers = rule.filters.response_headers.iter().chain(&backend.filters.response_headers);
                found.response = Some(modified(&self.case.response, modifiers));
            }
        }
        found
    }

    fn upstream(&self, rule: &Filters, backend: &Filters, prefix: &[u8]) -> Upstream {
        let request = &self.case.request;
        let mut out = b"left over".to_vec();
        let mut scratch = Scratch::default();
        let target = request.target.as_bytes();
        let target = target::upstream(target, rule, backend, prefix, &mut scratch, &mut out);
        let modifiers = rule.request_headers.iter().chain(&backend.request_headers);
        Upstream {
            method: Some(request.method.clone()),
            host: Some(text(target::upstream_host(request.host.as_bytes(), rule, backend))),
            target: Some(text(target)),
            headers: Some(modified(&request.headers, modifiers)),
        }
    }
}

fn modified<'m, M>(headers: &Lines, modifiers: M) -> Lines
where
    M: Iterator<Item = &'m ghost_config::HeaderModifier> + Clone,
{
    let mut lines = Vec::new();
    modify(&headers[..], modifiers, |name, value| lines.push((text(name), text(value))));
    lines
}

/// Keeps of what was found only the members that the case compares.
fn narrow(found: &mut Expect, expected: &Expect) {
    for (found, expected) in found.backends.iter_mut().zip(&expected.backends) {
        found.response = found.response.take().filter(|_| expected.response.is_some());
        found.upstream = found.upstream.take().filter(|_| expected.upstream.is_some());
        let (Some(found), Some(expected)) = (&mut found.upstream, &expected.upstream) else { continue };
        found.method = found.method.take().filter(|_| expected.method.is_some());
        found.host = found.host.take().filter(|_| expected.host.is_some());
        found.target = found.target.take().filter(|_| expected.target.is_some());
        found.headers = found.headers.take().filter(|_| expected.headers.is_some());
    }
}

/// Brings header lists into one order, in which multimaps compare as lists do.
fn order_headers(expect: &mut Expect) {
    let ordered = |lines: &Lines| -> Lines {
        let pairs =
            |(name, values): (String, Vec<String>)| values.into_iter().map(move |v| (name.clone(), v));
        multimap(lines).into_iter().flat_map(pairs).collect()
    };
    for backend in &mut expect.backends {
        backend.response = backend.response.as_ref().map(ordered);
        if let Some(upstream) = &mut backend.upstream {
            upstream.headers = upstream.headers.as_ref().map(ordered);
        }
    }
}

#[test]
fn every_request_is_decided_as_the_corpus_says() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/decisions");
    let mut cases = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let file: File = serde_json::from_slice(&fs::read(&path).unwrap())
            .unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        let loaded = load(file.config.get().as_bytes(), None).unwrap();
        let router = Router::new(Arc::new(loaded.config));
        for mut case in file.cases {
            let mut found = Decided::expect(&router, &case);
            narrow(&mut found, &case.expect);
            order_headers(&mut found);
            order_headers(&mut case.expect);
            assert_eq!(found, case.expect, "{}: {}", path.display(), case.name);
            cases += 1;
        }
    }
    assert!(cases > 0, "{} has no case", directory.display());
}
