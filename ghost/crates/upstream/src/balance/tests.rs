use super::*;
use proptest::prelude::*;

/// How far from its exact share the count of a backend can be in any window. Each node of the tree rounds by
/// half a turn at most, at both ends of the window, and in Huffman's tree what is rounded
/// above a backend reaches it in parts that sum up to four at most.
const BOUND: f64 = 4.0;

fn picks(balancer: &Balancer, start: u64, count: u64) -> Vec<usize> {
    (start..start + count).map(|turn| balancer.at(turn)).collect()
}

fn counts(picks: &[usize], backends: usize) -> Vec<u64> {
    let mut counts = vec![0; backends];
    picks.iter().for_each(|&pick| counts[pick] += 1);
    counts
}

fn longest_run(picks: &[usize], backend: usize) -> u64 {
    let runs = picks.split(|&pick| pick != backend).map(<[usize]>::len);
    runs.max().unwrap_or(0) as u64
}

#[test]
fn turns_come_in_the_order_that_one_would_write_by_hand() {
    let table: [(&[u32], &[usize]); 5] = [
        (&[1], &[0, 0, 0]),
        (&[1, 1], &[0, 1, 0, 1, 0, 1]),
        (&[3, 1], &[0, 0, 1, 0, 0, 0, 1, 0]),
        (&[5, 1, 1], &[0, 1, 0, 0, 0, 2, 0]),
        (&[0, 2, 0, 1], &[1, 3, 1, 1, 3, 1]),
    ];
    for (weights, want) in table {
        let balancer = Balancer::new(weights).expect("a balancer");
        let got: Vec<_> = want.iter().map(|_| balancer.pick()).collect();
        assert_eq!(got, want, "weights {weights:?}");
    }
}

#[test]
fn weights_that_sum_to_zero_have_no_balancer() {
    assert!(Balancer::new(&[]).is_none());
    assert!(Balancer::new(&[0, 0]).is_none());
}

#[test]
fn a_reload_goes_on_only_where_the_weights_are_the_same() {
    let before = Balancer::renew(None, &[2, 1]).expect("a balancer");
    let is_same = |weights: &[u32]| {
        Balancer::renew(Some(&before), weights).map(|renewed| Arc::ptr_eq(&before, &renewed))
    };
    assert_eq!(is_same(&[2, 1]), Some(true));
    assert_eq!(is_same(&[1, 2]), Some(false));
    assert_eq!(is_same(&[0, 0]), None);
}

#[test]
fn threads_that_pick_at_once_get_the_exact_shares_together() {
    let weights = [7, 3, 0, 2];
    let balancer = Balancer::new(&weights).expect("a balancer");
    let (threads, rounds) = (4u64, 300u64);
    let picks: Vec<usize> = std::thread::scope(|scope| {
        let pick = || (0..rounds * 12).map(|_| balancer.pick()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(pick)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("picks")).collect()
    });
    let want: Vec<u64> = weights.iter().map(|&weight| u64::from(weight) * rounds * threads).collect();
    assert_eq!(counts(&picks, weights.len()), want);
}

#[test]
fn the_counter_may_overflow() {
    let balancer = Balancer::new(&[2, 1]).expect("a balancer");
    balancer.turn.store(u64::MAX - 1, Ordering::Relaxed);
    let picks: Vec<_> = (0..6).map(|_| balancer.pick()).collect();
    assert!(picks.contains(&0) && picks.contains(&1));
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    let weight = prop_oneof![Just(0), 1..10u32, 1..=1_000_000u32];
    prop::collection::vec(weight, 1..12)
        .prop_filter("some weight", |weights| weights.iter().any(|&weight| weight > 0))
}

proptest! {
    #[test]
    fn in_any_window_each_backend_gets_its_share(
        weights in weights(),
        start in 0..u64::MAX / 2,
        length in 1..3000u64,
    ) {
        let balancer = Balancer::new(&weights).expect("a balancer");
        let sum: u64 = weights.iter().copied().map(u64::from).sum();
        let counts = counts(&picks(&balancer, start, length), weights.len());
        for (&weight, &count) in weights.iter().zip(&counts) {
            let share = length as f64 * f64::from(weight) / sum as f64;
            prop_assert!((count as f64 - share).abs() <= BOUND, "{count} of {share}");
            prop_assert!(weight > 0 || count == 0);
        }
    }

    #[test]
    fn over_one_period_the_shares_are_exact(weights in prop::collection::vec(0..40u32, 1..8)) {
        let sum: u64 = weights.iter().copied().map(u64::from).sum();
        prop_assume!(sum > 0);
        let balancer = Balancer::new(&weights).expect("a balancer");
        let want: Vec<u64> = weights.iter().copied().map(u64::from).collect();
        prop_assert_eq!(counts(&picks(&balancer, 0, sum), weights.len()), want);
    }

    #[test]
    fn a_backend_with_most_of_the_weight_has_no_longer_run_than_it_must(
        heavy in 1..1000u32,
        light in prop::collection::vec(1..50u32, 1..6),
    ) {
        let others: u32 = light.iter().sum();
        prop_assume!(heavy >= others);
        let weights: Vec<u32> = std::iter::once(heavy).chain(light).collect();
        let balancer = Balancer::new(&weights).expect("a balancer");
        let picks = picks(&balancer, 0, 3 * u64::from(heavy + others));
        prop_assert!(longest_run(&picks, 0) <= u64::from(heavy.div_ceil(others)));
    }

    #[test]
    fn backends_of_equal_weight_take_turns(count in 2..20usize, weight in 1..1_000_000u32) {
        let balancer = Balancer::new(&vec![weight; count]).expect("a balancer");
        let picks = picks(&balancer, 0, 3 * count as u64);
        for window in picks.windows(count) {
            let counts = counts(window, count);
            prop_assert!(counts.iter().all(|&count| count == 1), "{window:?}");
        }
    }
}
