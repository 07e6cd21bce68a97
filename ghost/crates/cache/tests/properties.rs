//! What holds for whatever requests, responses and policies.

mod sample;

use ghost_cache::freshness::{Freshness, LifetimeRule, Timing};
use ghost_cache::key::{self, Framed, Identity, Part, Request, Scratch, Sink};
use ghost_cache::policy::{KeyPolicy, Parameters, Policy};
use ghost_cache::response::ResponseFields;
use ghost_cache::reuse::{Candidate, Reuse};
use ghost_cache::storability::{self, Asked, Decision};
use ghost_cache::{cache_control::RequestDirectives, encoding, language, selecting};
use proptest::prelude::*;
use sample::{Asked as Sent, Lines, NOW};

/// A key as bytes.
fn bytes(write: impl FnOnce(&mut Framed<&mut dyn FnMut(&[u8])>)) -> Vec<u8> {
    let mut found = Vec::new();
    let mut take = |piece: &[u8]| found.extend_from_slice(piece);
    write(&mut Framed(&mut take));
    found
}

fn key_of(policy: &KeyPolicy, sent: &Sent) -> Vec<u8> {
    let request = Request {
        is_https: sent.is_https,
        host: sent.host.as_bytes(),
        target: sent.target.as_bytes(),
        headers: &sent.headers[..],
    };
    let identity = match sent.zone {
        true => Identity::Zone(sent.identity.as_bytes()),
        false => Identity::Rule(sent.identity.as_bytes()),
    };
    bytes(|sink| key::write(policy, identity, &request, &mut Scratch::default(), sink))
}

/// What the policy says that two requests must have in common to share an object, written down as
/// strings, without regard to how keys are written.
fn in_common(policy: &KeyPolicy, sent: &Sent) -> Vec<String> {
    let mut found = vec![format!("{} {}", sent.zone, sent.identity), naive_host(&sent.host)];
    if policy.scheme {
        found.push(sent.is_https.to_string());
    }
    let (path, query) = sent.target.split_once('?').map_or((&*sent.target, None), |(p, q)| (p, Some(q)));
    found.push(path.to_owned());
    found.push(format!("{:?}", query.map(|query| naive_query(policy, query))).replace("Some([])", "None"));
    let lines = |name: &str| -> Vec<&str> {
        let is_it = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        sent.headers.iter().filter(is_it).map(|(_, value)| value.trim_matches([' ', '\t'])).collect()
    };
    let accepted = |name: &str| lines(name).into_iter().map(str::as_bytes);
    if !policy.codings.is_empty() {
        found.push(format!("{:?}", encoding::choose(&policy.codings, accepted("accept-encoding"))));
    }
    if let Some(languages) = &policy.languages {
        found.push(language::choose(languages, accepted("accept-language")).to_owned());
    }
    for name in &policy.headers {
        let lines = lines(str::from_utf8(name).unwrap());
        found.push(if lines.is_empty() { "none".to_owned() } else { format!("= {}", lines.join(", ")) });
    }
    for pattern in &policy.cookies {
        let all = lines("cookie").join(";");
        let pairs = all.split(';').map(|pair| pair.trim_matches([' ', '\t'])).filter(|pair| !pair.is_empty());
        let fits = |pair: &&str| pattern.fits(pair.split('=').next().unwrap().trim().as_bytes());
        found.push(format!("{:?}", pairs.filter(fits).collect::<Vec<_>>()));
    }
    found
}

fn naive_host(host: &str) -> String {
    let host = host.strip_suffix(":80").or(host.strip_suffix(":8080")).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_lowercase()
}

fn naive_query(policy: &KeyPolicy, query: &str) -> Vec<String> {
    if policy.query == ghost_cache::policy::QueryKey::default() {
        return vec![query.to_owned()];
    }
    let name = |parameter: &str| parameter.split('=').next().unwrap().replace("%61", "a");
    let counts = |parameter: &&str| {
        let fits = |patterns: &[ghost_cache::policy::NamePattern]| {
            patterns.iter().any(|pattern| pattern.fits(name(parameter).as_bytes()))
        };
        let is_chosen = match &policy.query.parameters {
            Parameters::All => true,
            Parameters::Include(patterns) => fits(patterns),
            Parameters::Exclude(patterns) => !fits(patterns),
        };
        is_chosen && !(policy.query.drop_empty && parameter.is_empty())
    };
    let mut found: Vec<_> = query.split('&').filter(counts).map(str::to_owned).collect();
    if policy.query.sort {
        found.sort_by_key(|parameter| name(parameter).to_lowercase());
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn two_requests_share_a_key_exactly_if_they_have_in_common_what_the_policy_says(
        policy in sample::key_policy(),
        (one, other) in sample::two_requests(),
    ) {
        let same = in_common(&policy, &one) == in_common(&policy, &other);
        prop_assert_eq!(key_of(&policy, &one) == key_of(&policy, &other), same);
    }

    #[test]
    fn two_requests_look_the_same_to_vary_exactly_if_they_mean_the_same(
        (one, other) in sample::two_requests(),
        name in sample::field_name(),
    ) {
        prop_assume!(name != "accept-encoding");
        // What whoever compares looks at: the first line, in its form.
        let looked_at = |sent: &Sent| {
            let is_it = |other: &str| other.eq_ignore_ascii_case(name);
            let first = sent.headers.iter().find(|(other, _)| is_it(other))?.1.trim().as_bytes().to_vec();
            let mut forms = selecting::others(&KeyPolicy::default(), &sent.headers[..]).into_iter();
            let form = forms.find(|field| is_it(str::from_utf8(&field.name).unwrap()));
            Some(form.map_or(first, |form| form.value))
        };
        let meant = |sent: &Sent| {
            let is_it = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
            let lines: Vec<_> = sent.headers.iter().filter(is_it).map(|(_, value)| value.trim()).collect();
            let elements = |separator: char, lines: &[&str]| {
                let all = lines.iter().flat_map(|line| line.split(separator)).map(str::trim);
                all.filter(|element| !element.is_empty()).collect::<Vec<_>>().join(",")
            };
            let is_there = !lines.is_empty();
            is_there.then(|| match (name, &lines[..]) {
                ("accept-language", lines) => elements(',', lines).to_lowercase(),
                ("cookie", lines @ [_, _, ..]) => elements(';', lines).replace(',', "; "),
                (_, lines) => lines.join(", "),
            })
        };
        prop_assert_eq!(looked_at(&one) == looked_at(&other), meant(&one) == meant(&other));
    }

    #[test]
    fn no_two_sequences_of_parts_give_the_same_bytes(
        one in prop::collection::vec((0..11usize, "[ab]{0,2}", "[ab]{0,2}"), 0..4),
        other in prop::collection::vec((0..11usize, "[ab]{0,2}", "[ab]{0,2}"), 0..4),
    ) {
        // What has no name of its own is the same whatever name stands there.
        let kinds = |parts: &[(usize, String, String)]| -> Vec<(usize, String, String)> {
            let has_name = |kind: usize| kind == 9 || kind == 11;
            let clear = |(kind, name, value): &(usize, String, String)| {
                let name = if has_name(*kind) { name.clone() } else { String::new() };
                (*kind, name, value.clone())
            };
            parts.iter().map(clear).collect()
        };
        let written = |parts: &[(usize, String, String)]| {
            bytes(|sink| parts.iter().for_each(|(kind, name, value)| {
                sink.part(part(*kind, name.as_bytes()), value.as_bytes());
            }))
        };
        prop_assert_eq!(written(&one) == written(&other), kinds(&one) == kinds(&other));
    }

    #[test]
    fn a_response_is_never_fresher_for_being_older(
        policy in sample::policy(),
        response in sample::response(),
        (age, more) in (0..5000u32, 0..5000u32),
        delay in 0..100i64,
    ) {
        let aged = |age: u32, delay| {
            let mut headers = response.headers.clone();
            headers.push(("Age".to_owned(), age.to_string()));
            headers.retain(|(name, value)| name != "Age" || *value == age.to_string());
            of(&policy, response.status, &headers, delay)
        };
        let (young, old) = (aged(age, 0), aged(age + more, delay));
        prop_assert!(old.age >= young.age && old.fresh_for() <= young.fresh_for());
        prop_assert!(old.usable_for() <= young.usable_for());
        prop_assert_eq!(old.lifetime, young.lifetime, "age is no part of the lifetime");
    }

    #[test]
    fn a_response_is_never_fresher_for_saying_less(
        mut policy in sample::policy(),
        (less, more) in (0..5000u32, 0..5000u32),
        status in sample::status(),
        directive in prop::sample::select(vec!["max-age", "s-maxage"]),
    ) {
        policy.freshness.targeted.clear();
        let of = |seconds: u32| {
            let headers = [("Cache-Control".to_owned(), format!("{directive}={seconds}"))];
            of(&policy, status, &headers, 0).lifetime.seconds
        };
        prop_assert!(of(less) <= of(less + more));
    }

    #[test]
    fn an_error_is_kept_no_longer_than_a_success_unless_told(
        policy in sample::policy(),
        response in sample::response(),
        error in 400..600u16,
    ) {
        let success = of(&policy, 200, &response.headers, 0);
        let failure = of(&policy, error, &response.headers, 0);
        let is_told = matches!(failure.lifetime.rule, LifetimeRule::Status(..));
        prop_assert!(is_told || failure.lifetime.seconds <= success.lifetime.seconds, "{:?}", failure);
    }

    #[test]
    fn a_restrictive_directive_never_makes_a_response_stored_or_fresher(
        policy in sample::policy(),
        mut response in sample::response(),
        directive in prop::sample::select(vec![
            "no-store", "private", "no-cache", "must-revalidate", "proxy-revalidate", "no-store=x",
        ]),
    ) {
        // must-understand allows what no-store forbids (RFC 9111 section 5.2.2.3)
        response.headers.retain(|(_, value)| !value.contains("must-understand"));
        let mut more = response.headers.clone();
        more.push(("Cache-Control".to_owned(), directive.to_owned()));
        let decide = |headers: &Lines| {
            let fields = ResponseFields::read(&policy.freshness, response.status, &headers[..], NOW);
            let asked = Asked { method: b"GET", has_authorization: false };
            storability::decide(&policy, asked, &fields, Timing::at(NOW))
        };
        match (decide(&response.headers), decide(&more)) {
            // no-cache says that a response may be kept, only to be asked about; silence does not
            (Decision::Pass(_), Decision::Store(store)) => {
                prop_assert_eq!((directive, store.freshness.usable_for()), ("no-cache", 0));
            }
            (Decision::Store(before), Decision::Store(after)) => {
                prop_assert!(after.freshness.fresh_for() <= before.freshness.fresh_for());
                prop_assert!(after.freshness.usable_for() <= before.freshness.usable_for());
            }
            _ => {}
        }
    }

    #[test]
    fn what_is_stored_is_of_use_and_within_the_policy(
        policy in sample::policy(),
        response in sample::response(),
        has_authorization in any::<bool>(),
    ) {
        let fields = ResponseFields::read(&policy.freshness, response.status, &response.headers[..], NOW);
        let asked = Asked { method: b"GET", has_authorization };
        let Decision::Store(store) = storability::decide(&policy, asked, &fields, Timing::at(NOW)) else {
            return Ok(());
        };
        let freshness = store.freshness;
        prop_assert!(freshness.is_useful());
        prop_assert!(freshness.keep.seconds <= policy.freshness.keep);
        if let Some(max) = policy.freshness.max
            && !matches!(freshness.lifetime.rule, LifetimeRule::Status(..) | LifetimeRule::Default)
        {
            prop_assert!(freshness.lifetime.seconds <= max);
        }
    }

    #[test]
    fn a_response_is_fresh_then_stale_and_never_fresh_again(
        policy in sample::policy(),
        response in sample::response(),
        wishes in sample::wishes(),
        (ago, more) in (0..20_000u32, 0..20_000u32),
    ) {
        let freshness = of(&policy, response.status, &response.headers, 0);
        let answers = |ago| Candidate::new(&freshness, ago).answers(&wishes);
        let is_served = |reuse: Reuse| !matches!(reuse, Reuse::Revalidate(_));
        let (before, after) = (answers(ago), answers(ago + more));
        prop_assert!(is_served(before) || !is_served(after), "{:?} {:?}", before, after);
        if before == Reuse::Fresh {
            prop_assert!(ago < freshness.fresh_for());
        }
        if answers(ago) == Reuse::WhileRevalidate {
            prop_assert!(ago < freshness.usable_for());
        }
        // wishes only narrow down, but for max-stale
        if wishes.max_stale.is_none() && is_served(before) {
            prop_assert!(is_served(Candidate::new(&freshness, ago).answers(&RequestDirectives::default())));
        }
    }
}

fn of(policy: &Policy, status: u16, headers: &[(String, String)], delay: i64) -> Freshness {
    let fields = ResponseFields::read(&policy.freshness, status, headers, NOW);
    Freshness::of(&policy.freshness, &fields, Timing { requested: NOW - delay, received: NOW })
}

fn part(kind: usize, name: &[u8]) -> Part<'_> {
    [
        Part::Rule,
        Part::Zone,
        Part::Scheme,
        Part::Host,
        Part::Path,
        Part::Query,
        Part::Parameter,
        Part::Coding,
        Part::Language,
        Part::Header(name),
        Part::Cookie,
    ][kind]
}
