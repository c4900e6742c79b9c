use super::*;

const MS: Duration = Duration::from_millis(1);

/// Calls at a time: `.` succeeds, `x` fails, `r` is refused; the number waits so many milliseconds first.
#[test]
fn trips_rests_and_recovers() {
    for (story, expected_rest) in [
        (&[(0, "....")][..], None),
        (&[(0, "xxxx.xxxx")], None),
        (&[(0, "xxxxxrr")], Some(1000)),
        (&[(0, "xxxxx"), (999, "r"), (1, "."), (0, "xxxx")], None),
        (&[(0, "xxxxx"), (1000, "xr")], Some(2000)),
        (&[(0, "xxxxx"), (1000, "x"), (2000, "x"), (4000, "x")], Some(8000)),
        (&[(0, "xxxxx"), (1000, "x"), (2000, "."), (0, "xxxxx")], Some(1000)),
    ] {
        let breaker = Breaker::default();
        let mut now = Instant::now();
        for (wait, calls) in story {
            now += MS * *wait;
            for call in calls.chars() {
                match (call, breaker.admit(now)) {
                    ('.', Ok(leave)) => drop(leave.report(false, now)),
                    ('x', Ok(leave)) => drop(leave.report(true, now)),
                    ('r', Err(Failure::Tripped { .. })) => {}
                    (_, answer) => panic!("{story:?}: {call} got {answer:?}"),
                }
            }
        }
        let rest = breaker.lock().until.map(|until| (until - now).as_millis());
        assert_eq!(rest, expected_rest, "{story:?}");
    }
}

#[test]
fn the_rest_is_at_most_a_minute() {
    let breaker = Breaker::default();
    let mut now = Instant::now();
    for _ in 0..40 {
        if let Ok(leave) = breaker.admit(now) {
            leave.report(true, now);
        }
        now += LONGEST_REST;
    }
    assert!(breaker.admit(now).is_ok());
}

#[test]
fn one_trial_at_a_time_and_an_abandoned_one_is_free_again() {
    let breaker = Breaker::default();
    let now = Instant::now();
    for _ in 0..FAILURES {
        breaker.admit(now).unwrap().report(true, now);
    }
    let later = now + TRIAL;
    let trial = breaker.admit(later).unwrap();
    assert!(breaker.admit(later).is_err());
    drop(trial);
    assert!(breaker.admit(later).is_ok());
}
