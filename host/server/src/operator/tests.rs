//! What people see, and what they see when no host runs.

use serde_json::json;

use super::{Operator, OperatorError, SOCKET, encoded, show};

#[tokio::test]
async fn without_a_host_there_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Operator::of(folder.path()).reload().await;
    assert!(matches!(refused, Err(OperatorError::NoHost(_))), "{refused:?}");
    // What a host left when it was killed: a socket that nobody listens to.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    let refused = Operator::of(folder.path()).reload().await.unwrap_err();
    let said = refused.to_string();
    assert!(said.starts_with("no host runs on /"), "{said}");
}

#[test]
fn lists_are_lines_that_a_terminal_does_not_act_upon() {
    assert_eq!(show::list(&json!([]), "nothing waits"), ["nothing waits"]);
    let dead = json!([{
        "id": 7, "kind": "deliver", "destination": "archive", "study": "1.2", "object": "1.2.3", "attempts": 4,
        "reason": "refused\u{1b}[2J", "enqueued": "2026-11-21T12:00:00Z", "chain": null,
    }]);
    assert_eq!(
        show::list(&dead, "nothing waits"),
        [
            "7  kind=deliver  destination=archive  study=1.2  object=1.2.3  attempts=4  enqueued=2026-11-21T12:00:00Z  refused [2J"
        ]
    );
}

#[test]
fn outcomes_say_what_they_cost() {
    let outcome = json!({
        "at": "2026-11-21T12:00:00Z", "plugin": "anonymize", "role": "filter", "outcome": "keep", "chain": "research",
        "object": "1.2.3", "study": null, "shadow": false, "cpu_us": 150, "wall_us": 2300, "peak_memory": 1_572_864,
        "edits": 12, "reason": null,
    });
    assert_eq!(
        show::outcome(&outcome),
        "2026-11-21T12:00:00Z  anonymize (filter)  keep  chain=research  object=1.2.3  0.15 ms CPU, 2.30 ms, 1.5 MiB  12 edits"
    );
}

#[test]
fn a_rehearsal_is_a_diff_of_elements() {
    let step = json!({
        "plugin": "anonymize", "role": "filter", "outcome": "keep", "reason": null, "cpu_us": 150, "wall_us": 2300,
        "peak_memory": 1_572_864, "edits": ["…"],
        "changes": [
            { "at": "(0010,0010)", "before": "DOE^JANE", "after": "ANON" },
            { "at": "(0010,0030)", "before": "19700101", "after": null },
            { "at": "(0012,0062)", "before": null, "after": "YES" },
        ],
    });
    let rehearsal = json!({ "chain": "research", "matches": false, "end": "it would be stored", "steps": [step] });
    assert_eq!(
        show::rehearsal(&rehearsal),
        [
            "  the condition of chain research does not hold for this object; its plugins were tried all the same",
            "  1. anonymize (filter): keep  0.15 ms CPU, 2.30 ms, 1.5 MiB",
            "       (0010,0010)  \"DOE^JANE\" → \"ANON\"",
            "       (0010,0030)  \"19700101\" → (nothing)",
            "       (0012,0062)  (nothing) → \"YES\"",
            "  = it would be stored",
        ]
    );
}

#[test]
fn names_are_encoded_for_a_query() {
    assert_eq!(encoded("a b&c=d/é"), "a%20b%26c%3Dd%2F%C3%A9");
}

/// A part of `plugin-api/errors.md`.
#[test]
fn what_an_operator_reads_when_nothing_comes_back() {
    let errors = [
        OperatorError::NoHost("data".into()),
        OperatorError::NotYours("data".into()),
        OperatorError::Broken("…".into()),
        OperatorError::File("some.dcm".into(), std::io::ErrorKind::NotFound.into()),
        OperatorError::Refused(vec!["…".into()]),
    ];
    let rows = isocenter_contract::sentences!(errors, {
        OperatorError::NoHost(_) => "as it says; `--config` names the configuration of the host that is meant",
        OperatorError::NotYours(_) => "as it says",
        OperatorError::Broken(_) => "as it says",
        OperatorError::File(..) => "as it says",
        OperatorError::Refused(_) => "the host's own sentence, such as one of those below",
    });
    let table = isocenter_contract::table(&["said", "do"], &rows);
    let page = isocenter_contract::repository().join("plugin-api/errors.md");
    if let Err(difference) = isocenter_contract::page_says(page, "table: operator", &table) {
        panic!("{difference}");
    }
}
