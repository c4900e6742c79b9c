//! How many rows there are, and what they do not say.

use std::time::{Duration, Instant};

use isocenter_role::{Clock, Failure, Role};

use super::{BURST, Doors, Worth, said};

#[test]
fn a_flood_of_refusals_leaves_a_burst_and_ten_a_second() {
    let (doors, start) = (Doors::default(), Instant::now());
    let rows = |role, from: u64, calls: u64| -> u32 {
        (0..calls)
            // A call each millisecond.
            .map(|call| start + Duration::from_millis(from + call))
            .map(|now| u32::from(doors.admits("who", role, Worth::ARow, now)))
            .sum()
    };
    // One second of a thousand calls: the burst, and what became due meanwhile.
    assert_eq!(rows(Role::Authenticator, 0, 1000), BURST + 9);
    assert_eq!(rows(Role::Authenticator, 1000, 1000), 10);
    // Another role has its own; after a rest there is room again.
    assert_eq!(rows(Role::Authorizer, 2000, 50), 50);
    assert_eq!(rows(Role::Authenticator, 60_000, 1000), BURST + 9);
}

#[test]
fn what_passes_is_written_down_once_a_minute() {
    let (doors, start) = (Doors::default(), Instant::now());
    let rows: Vec<u64> = (0..180)
        .filter(|second| {
            let now = start + Duration::from_secs(*second);
            // However much is refused meanwhile.
            for _ in 0..200 {
                doors.admits("may", Role::Authorizer, Worth::ARow, now);
            }
            doors.admits("may", Role::Authorizer, Worth::ASample, now)
        })
        .collect();
    assert_eq!(rows, [0, 60, 120]);
}

#[test]
fn what_a_plugin_says_of_a_caller_is_no_row() {
    let secret = "Bearer abcdef";
    let failures = [
        (
            Failure::Trap(secret.to_owned()),
            "the plugin trapped; the log says where",
        ),
        (
            Failure::Never(secret.to_owned()),
            "the plugin could not do its work; the log says why",
        ),
        (
            Failure::After {
                seconds: 7,
                reason: secret.to_owned(),
            },
            "the plugin asks to be tried again in 7 s",
        ),
        (
            Failure::Deadline {
                clock: Clock::Wall,
                limit: Duration::from_secs(2),
            },
            "the plugin used more than 2000 ms of wall time",
        ),
    ];
    for role in [Role::Authenticator, Role::Gate, Role::Route] {
        for (failure, expected) in &failures {
            assert_eq!(said(role, failure), *expected, "{role}");
        }
    }
    // Who is never shown a credential may be quoted.
    assert!(said(Role::Authorizer, &failures[0].0).contains("trapped: Bearer"));
}
