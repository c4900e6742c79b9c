use super::*;

#[test]
fn quantiles() {
    let sorted: Vec<Duration> = (1..=101).map(Duration::from_millis).collect();
    for (part, expected) in [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 101.0)] {
        assert_eq!(quantile(&sorted, part), Some(expected), "{part}");
    }
    assert_eq!(quantile(&[], 0.5), None);
}

#[test]
fn rates_shares_and_costs() {
    let outcome = |objects: u64, seconds: f64| Outcome {
        objects,
        bytes: objects * 500_000,
        seconds,
        latencies: vec![Duration::from_millis(2); objects as usize],
        ..Outcome::default()
    };
    let cost = Cost {
        system_seconds: 2.0,
        generator_seconds: 0.5,
        peak_bytes: 64_000_000,
    };
    let row = Row {
        size: Size::Large,
        associations: 4,
        objects: 1000,
        object_bytes: 500_000,
        systems: vec![
            Measured::of(Kind::Append, "append + fdatasync", &outcome(1000, 2.0), None),
            Measured::commits(2000.0, Duration::from_millis(2)),
            Measured::of(Kind::Host, "isocenter, no chain", &outcome(1000, 2.5), Some(cost)),
            Measured::of(
                Kind::OrthancPostgres,
                "Orthanc, Postgres",
                &outcome(1000, 10.0),
                Some(cost),
            ),
        ],
    };
    assert_eq!(row.rate(Kind::Host), Some(400.0));
    assert_eq!(row.rate(Kind::OrthancSqlite), None);
    let table = row.table();
    for expected in ["80 %", "20 %", "4.00", "200.0", "64"] {
        assert!(
            table
                .lines()
                .any(|line| line.contains("no chain") && line.contains(expected)),
            "{expected} is not in\n{table}"
        );
    }
}
