use super::*;
use std::collections::HashMap;
use std::time::Duration;

fn dials(count: u16) -> Vec<Dial> {
    (1..=count).map(|port| Dial::Tcp(([127, 0, 0, 1], port).into())).collect()
}

fn service(endpoints: u16, settings: Settings) -> (Service, Instant) {
    let now = Instant::now();
    let service = Service::new("a/b:80".into(), Arc::new(settings), Arc::default(), Arc::default());
    service.set_endpoints(&dials(endpoints), now);
    (service, now)
}

fn port(lease: &Lease) -> u16 {
    lease.endpoint().dial().address().port()
}

/// Which ports are chosen, each lease ending before the next choice.
fn ports(service: &Service, choices: usize, now: Instant) -> HashMap<u16, usize> {
    let mut ports = HashMap::new();
    for _ in 0..choices {
        *ports.entry(port(&service.choose(&[], now).unwrap())).or_default() += 1;
    }
    ports
}

#[test]
fn endpoints_take_turns() {
    let (service, now) = service(3, Settings::default());
    let chosen: Vec<u16> = (0..7).map(|_| port(&service.choose(&[], now).unwrap())).collect();
    assert_eq!(chosen, [1, 2, 3, 1, 2, 3, 1]);
}

#[test]
fn one_that_is_held_down_is_avoided_and_its_share_falls_to_all_others() {
    let (service, now) = service(4, Settings::default());
    service.choose(&[], now).unwrap().connect_failed(now);
    let ports = ports(&service, 4000, now);
    assert_eq!(ports.get(&1), None);
    for port in 2..=4 {
        let count = ports[&port];
        assert!((1150..1550).contains(&count), "{count} for {port}");
    }
}

#[test]
fn after_the_hold_down_one_request_tries_again() {
    let (service, now) = service(2, Settings::default());
    service.choose(&[], now).unwrap().connect_failed(now);
    let endpoint = &service.endpoints()[0];
    let later = now + endpoint.held_down(now).expect("a hold-down");
    let choose = || service.choose(&[], later).unwrap();
    let (probe, _other) = (choose(), choose());
    let (mut probe, _other) = if port(&probe) == 1 { (probe, _other) } else { (_other, probe) };
    assert_eq!(port(&probe), 1);
    assert_eq!(ports(&service, 100, later).get(&1), None, "only one tries");
    probe.connected();
    drop(probe);
    assert!(ports(&service, 100, later).contains_key(&1));
}

#[test]
fn where_all_are_held_down_one_request_at_a_time_tries() {
    let (service, now) = service(1, Settings::default());
    let refused = |now| service.choose(&[], now).unwrap_err();
    let mut now = now;
    // Longer each time, but no longer than some seconds, as there is no other endpoint.
    for longest in [1, 2, 4, 5, 5, 5] {
        service.choose(&[], now).unwrap().connect_failed(now);
        assert_eq!(refused(now), Unavailable::HeldDown);
        now += Duration::from_secs(longest);
        let _probe = service.choose(&[], now).expect("it is time to try");
        assert_eq!(refused(now), Unavailable::HeldDown, "another one tries");
    }
    let mut probe = service.choose(&[], now).unwrap();
    probe.connected();
    assert_eq!(ports(&service, 100, now).len(), 1, "a connection lets all others in, while it is used");
    // That a long download was the probe once does not matter to the next hold-down.
    service.choose(&[], now).unwrap().connect_failed(now);
    assert!(service.choose(&[], now + Duration::from_secs(1)).is_ok());
}

/// A hundred places for as many services.
fn sharing(count: usize, settings: Settings) -> (Vec<Service>, Arc<Counters>) {
    let settings = Arc::new(Settings { max_in_flight_total: 100, ..settings });
    let (totals, share) = (Arc::new(Counters::default()), Arc::new(Share::default()));
    share.set_services(count);
    let new =
        |_| Service::new("a/b:80".into(), Arc::clone(&settings), Arc::clone(&totals), Arc::clone(&share));
    ((0..count).map(new).collect(), totals)
}

/// Takes all places that the service may have, and returns how many.
fn fill(service: &Service) -> usize {
    let taken = (0..1000).filter(|_| service.begin().is_ok()).count();
    assert_eq!(service.counters().in_flight.get(), taken as u64);
    taken
}

#[test]
fn services_that_hang_leave_places_to_those_that_do_not() {
    for (count, want) in [
        (1, vec![100]),
        (2, vec![94, 6]),
        (3, vec![75, 19, 5]),
        (4, vec![50, 25, 13, 6]),
        (5, vec![50, 25, 13, 6, 3]),
        (7, vec![50, 25, 13, 6, 3, 2, 1]),
    ] {
        let (services, totals) = sharing(count, Settings::default());
        let taken: Vec<_> = services.iter().map(fill).collect();
        assert_eq!(taken, want, "{count} services that hang one after the other");
        let all = want.iter().sum::<usize>();
        assert_eq!(totals.in_flight.get(), all as u64);
        let refused = services[0].begin().unwrap_err();
        assert_eq!(matches!(refused, Error::Overloaded), all == 100, "{refused}");
        services[0].end();
        assert_eq!(services[0].begin().is_ok(), count == 1, "others may need the place more");
    }
}

#[test]
fn a_sixteenth_is_left_while_all_services_but_one_of_up_to_five_hang() {
    for count in 2..=5 {
        let (services, totals) = sharing(count, Settings::default());
        services[1..].iter().for_each(|service| _ = fill(service));
        assert!(100 - totals.in_flight.get() >= 100 / 16, "{count} services");
    }
}

#[test]
fn a_number_for_each_service_stands_in_the_place_of_the_share() {
    let (services, totals) = sharing(3, Settings { max_in_flight_service: Some(45), ..Settings::default() });
    assert_eq!(services.iter().map(fill).collect::<Vec<_>>(), [45, 45, 10]);
    assert!(matches!(services[0].begin(), Err(Error::Overloaded)), "the bound of all holds nevertheless");
    services[2].end();
    assert!(matches!(services[0].begin(), Err(Error::ServiceOverloaded)));
    assert_eq!(totals.in_flight.get(), 99);
}

#[test]
fn threads_that_come_together_never_take_more_than_the_bounds() {
    let (services, totals) = sharing(4, Settings::default());
    std::thread::scope(|scope| {
        for number in 0..16 {
            let (service, totals) = (&services[number % 4], &totals);
            scope.spawn(move || {
                for _ in 0..200 {
                    let taken = (0..20).filter(|_| service.begin().is_ok()).count();
                    assert!(totals.in_flight.get() <= 100);
                    (0..taken).for_each(|_| service.end());
                }
            });
        }
    });
    assert_eq!(totals.in_flight.get(), 0);
}

#[test]
fn full_endpoints_are_passed_over_until_all_are_full() {
    let (service, now) = service(2, Settings { max_in_flight: 2, ..Settings::default() });
    let mut leases: Vec<_> = (0..4).map(|_| service.choose(&[], now).unwrap()).collect();
    assert_eq!(service.choose(&[], now).unwrap_err(), Unavailable::Saturated);
    let freed = port(&leases[2]);
    drop(leases.remove(2));
    assert!(ports(&service, 1, now).contains_key(&freed));
}

#[test]
fn what_was_tried_is_not_chosen_again() {
    let (service, now) = service(3, Settings::default());
    let mut tried = Vec::new();
    for _ in 0..3 {
        tried.push(Arc::clone(service.choose(&tried, now).unwrap().endpoint()));
    }
    assert_eq!(service.choose(&tried, now).unwrap_err(), Unavailable::NoEndpoint);
}

#[test]
fn a_service_without_endpoints_says_so() {
    let (service, now) = service(0, Settings::default());
    assert!(!service.has_endpoints());
    assert_eq!(service.choose(&[], now).unwrap_err(), Unavailable::NoEndpoint);
}

#[test]
fn a_reload_keeps_what_endpoints_know_and_drops_those_that_go() {
    let (service, now) = service(3, Settings::default());
    let before = service.endpoints();
    let first = service.choose(&[], now).unwrap();
    service.choose(&[], now).unwrap().connect_failed(now);

    let kept = [dials(2)[1].clone(), Dial::Tcp(([127, 0, 0, 1], 9).into())];
    service.set_endpoints(&kept, now);
    let after = service.endpoints();
    assert!(Arc::ptr_eq(&after[0], &before[1]), "the one that stays is the same");
    let left = after[0].held_down(now).expect("a hold-down");
    assert!(left > Duration::ZERO && left <= service.settings().hold_down);
    assert!(Arc::ptr_eq(&after[2], &before[0]), "the one in flight drains");
    assert!(after[2].is_draining() && after[2].in_flight() == 1);
    assert!(!ports(&service, 20, now).contains_key(&1), "what drains gets no request");

    drop((before, after, first));
    assert_eq!(service.endpoints().len(), 2, "nothing is left of those that are gone");
}

#[test]
fn an_endpoint_that_comes_back_in_time_is_the_same() {
    let (service, now) = service(1, Settings::default());
    let lease = service.choose(&[], now).unwrap();
    service.set_endpoints(&[], now);
    service.set_endpoints(&dials(1), now);
    let endpoints = service.endpoints();
    assert!(Arc::ptr_eq(lease.endpoint(), &endpoints[0]));
    assert!(endpoints.len() == 1 && !endpoints[0].is_draining());
}

#[test]
fn an_endpoint_that_is_named_twice_counts_once() {
    let (service, now) = service(1, Settings::default());
    service.set_endpoints(&[dials(1), dials(2)].concat(), now);
    assert_eq!(service.endpoints().len(), 2);
}
