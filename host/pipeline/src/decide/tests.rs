use std::time::Duration;

use super::{Next, egress, ingest};
use crate::chain::OnFailure::{Quarantine, Refuse};
use isocenter_role::{Failure, FilterAnswer, Verdict};

fn answer(verdict: Verdict) -> Result<FilterAnswer, Failure> {
    Ok(FilterAnswer {
        verdict,
        edits: Vec::new(),
    })
}

fn later() -> Result<FilterAnswer, Failure> {
    Err(Failure::After {
        seconds: 3,
        reason: "busy".to_owned(),
    })
}

fn never() -> Result<FilterAnswer, Failure> {
    Err(Failure::Never("bad table".to_owned()))
}

#[test]
fn i7_nothing_passes_on_failure() {
    let failures = [
        later(),
        never(),
        Err(Failure::Trap("unreachable".to_owned())),
        Err(Failure::Overloaded),
    ];
    for failure in &failures {
        for policy in [Quarantine, Refuse] {
            for tries in [0, 3] {
                let next = ingest(failure, policy, tries, 3);
                assert!(
                    matches!(next, Next::Hold(_) | Next::Refuse(_) | Next::TryLater(..)),
                    "{failure:?} under {policy:?} became {next:?}"
                );
            }
        }
        assert!(
            matches!(egress(failure), Next::Hold(_) | Next::TryLater(..)),
            "{failure:?}"
        );
    }
}

#[test]
fn the_ingest_table() {
    let keep = answer(Verdict::Keep);
    assert_eq!(ingest(&keep, Quarantine, 0, 3), Next::GoOn);
    let drop = answer(Verdict::Drop("localizer".to_owned()));
    assert_eq!(ingest(&drop, Quarantine, 0, 3), Next::Drop("localizer".to_owned()));
    let refuse = answer(Verdict::Refuse("no".to_owned()));
    assert_eq!(ingest(&refuse, Quarantine, 0, 3), Next::Refuse("no".to_owned()));
    let hold = answer(Verdict::Quarantine("odd".to_owned()));
    assert_eq!(ingest(&hold, Refuse, 0, 3), Next::Hold("odd".to_owned()));
    assert!(matches!(ingest(&never(), Quarantine, 0, 3), Next::Hold(_)));
    assert!(matches!(ingest(&never(), Refuse, 0, 3), Next::Refuse(_)));
}

#[test]
fn a_sender_is_told_to_come_again_only_so_often() {
    let Next::TryLater(after, _) = ingest(&later(), Quarantine, 2, 3) else {
        panic!("the third try is still asked for");
    };
    assert_eq!(after, Duration::from_secs(3));
    assert!(matches!(ingest(&later(), Quarantine, 3, 3), Next::Hold(_)));
    assert!(matches!(ingest(&later(), Refuse, 3, 3), Next::Refuse(_)));
}

#[test]
fn a_refusal_at_egress_becomes_a_dead_letter() {
    for verdict in [Verdict::Refuse("no".to_owned()), Verdict::Quarantine("no".to_owned())] {
        assert_eq!(egress(&answer(verdict)), Next::Hold("no".to_owned()));
    }
    assert_eq!(
        egress(&answer(Verdict::Drop("no".to_owned()))),
        Next::Drop("no".to_owned())
    );
}
