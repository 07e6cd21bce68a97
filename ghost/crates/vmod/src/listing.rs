//! Services in backend.list: how many of their endpoints can be used, and with -p each of them.

use std::fmt::Write as _;
use std::time::Instant;

use ghost_upstream::{Endpoint, Service};
use serde_json::json;
use varnish::ffi;

use crate::boundary::caught;

/// Writes what stands behind a director's name, in one of the four forms that backend.list asks for: of the
/// services of a director, and whether requests may go to it.
///
/// # Safety
/// `vsb` is Varnish's, open for writing.
pub unsafe fn print<'a>(
    vsb: *mut ffi::vsb,
    details: bool,
    json: bool,
    shown: impl FnOnce() -> (Vec<&'a Service>, bool),
) {
    let text = caught(|| {
        let (services, healthy) = shown();
        write(&services, healthy, details, json)
    });
    let text = text.unwrap_or_else(|| if json { "null".into() } else { "0/0\tunknown".into() });
    // SAFETY: as promised; it copies the text.
    unsafe { ffi::VSB_bcat(vsb, text.as_ptr().cast(), text.len() as isize) };
}

fn write(services: &[&Service], healthy: bool, details: bool, json: bool) -> String {
    match (details, json) {
        (false, false) => summary(services, healthy),
        (false, true) => summary_json(services, healthy),
        (true, false) => services.iter().map(|service| table(service)).collect(),
        // Varnish goes on with another member behind it.
        (true, true) => format!("{},\n", details_json(services)),
    }
}

/// How many endpoints can be used now, and of how many.
fn usable(services: &[&Service]) -> (usize, usize) {
    let now = Instant::now();
    let endpoints = services.iter().flat_map(|service| service.endpoints());
    let serving: Vec<_> = endpoints.filter(|e| !e.is_draining()).collect();
    let usable = serving.iter().filter(|endpoint| endpoint.held_down(now).is_none()).count();
    (usable, serving.len())
}

fn health(healthy: bool) -> &'static str {
    if healthy {
        "healthy"
    } else {
        "sick"
    }
}

fn summary(services: &[&Service], healthy: bool) -> String {
    let (usable, all) = usable(services);
    format!("{usable}/{all}\t{}", health(healthy))
}

fn summary_json(services: &[&Service], healthy: bool) -> String {
    let (usable, all) = usable(services);
    json!([usable, all, health(healthy)]).to_string()
}

fn table(service: &Service) -> String {
    let mut text = String::new();
    for endpoint in service.endpoints() {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n  {} {}, {} in flight, {} idle, {} requests, {} connect failures, {} with surplus",
            endpoint.dial(),
            state(&endpoint),
            endpoint.in_flight(),
            endpoint.idle(),
            endpoint.requests(),
            endpoint.connect_failures(),
            endpoint.surplus(),
        );
    }
    text
}

fn details_json(services: &[&Service]) -> serde_json::Value {
    let endpoint = |endpoint: &Endpoint| {
        json!({
            "address": endpoint.dial().to_string(),
            "state": state(endpoint),
            "in_flight": endpoint.in_flight(),
            "idle": endpoint.idle(),
            "requests": endpoint.requests(),
            "connect_failures": endpoint.connect_failures(),
            "with_surplus": endpoint.surplus(),
        })
    };
    services.iter().flat_map(|service| service.endpoints()).map(|e| endpoint(&e)).collect()
}

fn state(endpoint: &Endpoint) -> &'static str {
    if endpoint.is_draining() {
        "draining"
    } else if endpoint.held_down(Instant::now()).is_some() {
        "held down"
    } else {
        "serving"
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use ghost_upstream::{ServiceSpec, Settings, Upstream};

    use super::*;

    fn shown(endpoints: &[&str], details: bool, json: bool) -> String {
        let upstream = Upstream::new(Settings::default());
        let endpoints = endpoints.iter().map(|text| text.parse::<SocketAddr>().expect("an address").into());
        let spec = ServiceSpec { id: "shop/web:80".into(), endpoints: endpoints.collect() };
        let services = upstream.update([spec]);
        let service = services.get("shop/web:80").expect("the service");
        write(&[service], service.has_endpoints(), details, json)
    }

    #[test]
    fn a_service_is_one_row_of_the_table() {
        assert_eq!(shown(&["192.0.2.1:80", "[2001:db8::1]:80"], false, false), "2/2\thealthy");
        assert_eq!(shown(&[], false, false), "0/0\tsick");
    }

    #[test]
    fn details_are_a_line_for_each_endpoint() {
        let text = shown(&["192.0.2.1:80", "[2001:db8::1]:80"], true, false);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[2],
            "  [2001:db8::1]:80 serving, 0 in flight, 0 idle, 0 requests, 0 connect failures, 0 with surplus"
        );
    }

    #[test]
    fn json_stands_where_varnish_goes_on_behind_it() {
        assert_eq!(shown(&["192.0.2.1:80"], false, true), r#"[1,1,"healthy"]"#);
        let details = shown(&["192.0.2.1:80"], true, true);
        let array = details.strip_suffix(",\n").expect("a comma for the next member");
        let array: serde_json::Value = serde_json::from_str(array).expect("JSON");
        assert_eq!(array[0]["address"], "192.0.2.1:80");
        assert_eq!(array[0]["state"], "serving");
    }
}
