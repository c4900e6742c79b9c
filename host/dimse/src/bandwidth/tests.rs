use super::*;

#[test]
fn what_comes_over_the_rate_waits_and_a_rest_earns_no_more_than_a_burst() {
    let bandwidth = Bandwidth::new(NonZeroU64::new(1_000_000).unwrap());
    let mut now = Instant::now() + Duration::from_secs(60);
    // A pause before, the bytes, and the wait that comes of them.
    for (pause, bytes, wait) in [
        (0, 100_000, 0),
        (0, 500_000, 500),
        (0, 250_000, 750),
        (750, 1_000, 1),
        (3_600_000, 100_000, 0),
        (0, 1_000_000, 1_000),
    ] {
        now += Duration::from_millis(pause);
        let waits = bandwidth
            .take_at(now, bytes)
            .map_or(Duration::ZERO, |until| until - now);
        assert_eq!(waits, Duration::from_millis(wait), "{bytes} bytes after {pause} ms");
    }
}
