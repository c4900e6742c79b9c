use super::*;
use crate::load::Outcome;
use crate::report::Cost;

fn system(kind: Kind, rate: f64) -> Measured {
    let outcome = Outcome {
        objects: 100,
        bytes: 1_000_000_000,
        seconds: 100.0 / rate,
        ..Outcome::default()
    };
    let cost = Cost {
        system_seconds: 5.0,
        generator_seconds: 1.0,
        peak_bytes: 200_000_000,
    };
    Measured::of(kind, "x", &outcome, Some(cost))
}

#[test]
fn targets_are_judged() {
    let systems = vec![
        system(Kind::Host, 400.0),
        system(Kind::HostWithChain, 380.0),
        system(Kind::HostWithFive, 320.0),
        system(Kind::OrthancPostgres, 100.0),
        system(Kind::OrthancSqlite, 500.0),
    ];
    let row = Row {
        size: Size::Large,
        associations: 8,
        objects: 100,
        object_bytes: 500_000,
        systems,
    };
    let judged = judge(
        &[row],
        Besides {
            idle_megabytes: Some(120.0),
            host_call_nanoseconds: Some(90.0),
            ..Besides::default()
        },
    );
    let expected = [
        ("rate to Orthanc with Postgres", 4.0, true),
        ("rate to Orthanc with SQLite", 0.8, false),
        ("rate with x to rate without", 0.95, true),
        ("rate with x to rate without", 0.8, false),
        ("CPU for large objects, without a chain", 5.0, false),
        ("CPU for large objects, with a chain", 5.0, false),
        ("peak resident memory", 200.0, true),
        ("idle resident memory", 120.0, false),
        ("typed host call", 90.0, true),
    ];
    assert_eq!(judged.len(), expected.len());
    for (target, (what, measured, met)) in judged.iter().zip(expected) {
        assert!(target.what.starts_with(what), "{}", target.what);
        assert!((target.measured - measured).abs() < 1e-6, "{target:?}");
        assert_eq!(target.met, met, "{target:?}");
    }
}

#[test]
fn a_missed_target_says_by_how_much() {
    assert!(
        Target::at_most("x".to_owned(), "MB", 100.0, 125.0)
            .line()
            .ends_with("by 25 %")
    );
    assert!(
        Target::at_least("x".to_owned(), "times", 4.0, 3.0)
            .line()
            .ends_with("by 25 %")
    );
    assert!(
        Target::at_least("x".to_owned(), "times", 4.0, 4.0)
            .line()
            .starts_with("  met")
    );
}
