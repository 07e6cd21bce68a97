use super::*;

fn spec(id: &str, ports: &[u16]) -> ServiceSpec {
    let endpoints = ports.iter().map(|&port| Dial::Tcp(([127, 0, 0, 1], port).into()));
    ServiceSpec { id: id.into(), endpoints: endpoints.collect() }
}

#[test]
fn services_stay_the_same_over_a_reload_and_are_listed_in_order() {
    let upstream = Upstream::new(Settings::default());
    let before = upstream.update([spec("b", &[1]), spec("a", &[2])]);
    let after = upstream.update([spec("c", &[3]), spec("b", &[4])]);
    let ids: Vec<_> = after.iter().map(|service| service.id()).collect();
    assert_eq!(ids, ["b", "c"]);
    assert!(Arc::ptr_eq(before.get("b").unwrap(), after.get("b").unwrap()));
    assert!(after.get("a").is_none());
    let address = after.get("b").unwrap().endpoints()[0].dial().address();
    assert_eq!(address.port(), 4, "whoever holds the service sees its new endpoint");
}

#[test]
fn a_service_that_went_still_serves_those_who_hold_it() {
    let upstream = Upstream::new(Settings::default());
    let before = upstream.update([spec("a", &[1])]);
    upstream.update([]);
    let service = before.get("a").unwrap();
    assert!(service.choose(&[], Instant::now()).is_ok());
    assert!(service.endpoints()[0].is_draining());
}

#[test]
fn a_service_that_comes_back_while_it_is_held_is_the_same() {
    let upstream = Upstream::new(Settings::default());
    let before = upstream.update([spec("a", &[1])]);
    upstream.update([]);
    let after = upstream.update([spec("a", &[1])]);
    let service = after.get("a").unwrap();
    assert!(Arc::ptr_eq(before.get("a").unwrap(), service));
    assert!(!service.endpoints()[0].is_draining());
}

#[test]
fn nothing_is_kept_of_a_service_that_nobody_holds() {
    let upstream = Upstream::new(Settings::default());
    drop(upstream.update([spec("a", &[1])]));
    drop(upstream.update([]));
    assert!(upstream.known.lock().unwrap().is_empty());
}

#[test]
fn how_much_a_service_may_take_follows_the_configuration() {
    let upstream = Upstream::new(Settings { max_in_flight_total: 16, ..Settings::default() });
    let services = upstream.update([spec("a", &[1])]);
    let service = services.get("a").unwrap();
    let fill = || (0..100).filter(|_| service.begin().is_ok()).count();
    assert_eq!(fill(), 16, "a single service has all places");
    upstream.update([spec("a", &[1]), spec("b", &[2])]);
    service.end();
    assert_eq!(fill(), 0, "of two, one leaves something to the other");
    upstream.update([spec("a", &[1])]);
    assert_eq!(fill(), 1);
}
