use super::*;

#[test]
fn pgbench_output() {
    let printed = "number of clients: 4\nlatency average = 2.500 ms\ninitial connection time = 9.1 ms\n\
                   tps = 1600.250000 (without initial connection time)\n";
    let expected = Commits {
        per_second: 1600.25,
        mean_latency: Duration::from_micros(2500),
    };
    assert_eq!(parse(printed), Some(expected));
    assert_eq!(parse("pgbench: error"), None);
}
