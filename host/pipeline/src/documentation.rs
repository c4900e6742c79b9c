//! The tables of `plugin-api/limits.md` about what becomes of the work when a plugin fails, made from the decisions.

use std::path::Path;
use std::time::Duration;

use isocenter_contract::{page_says, table};
use isocenter_role::{Clock, Failure, FilterAnswer};

use crate::chain::OnFailure;
use crate::decide::{self, Next};
use crate::destination::Retry;
use crate::{analyze, route, settle, sink, worker};

/// How often a sender is told to come again (`tries_before_quarantine`), in what the page says.
const TRIES: u32 = 3;

fn says(part: &str, content: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-api/limits.md");
    if let Err(difference) = page_says(page, part, content) {
        panic!("{difference}");
    }
}

/// Every failure, those for good first.
fn failures() -> [Vec<Failure>; 2] {
    let limit = Duration::from_secs(1);
    let all = vec![
        Failure::Trap(String::new()),
        Failure::Deadline {
            clock: Clock::Cpu,
            limit,
        },
        Failure::Memory { limit: 1 },
        Failure::Never(String::new()),
        Failure::After {
            seconds: 7,
            reason: String::new(),
        },
        Failure::Overloaded,
        Failure::Tripped {
            retry_after: limit,
            failures: 5,
        },
    ];
    let (later, good) = all.into_iter().partition(|failure| failure.retryable().is_some());
    [good, later]
}

fn on_ingest(next: &Next) -> &'static str {
    match next {
        Next::GoOn => "it passes",
        Next::Drop(_) => "it is dropped",
        Next::Refuse(_) => "nothing is stored, the sender is answered a failure",
        Next::TryLater(..) => "the sender is told to come again",
        Next::Hold(_) => "the original is held for a person, the sender is answered success",
    }
}

fn on_egress(next: &Next) -> &'static str {
    match next {
        Next::GoOn => "it passes",
        Next::Drop(_) => "it is not sent",
        Next::Refuse(_) => "refused",
        Next::TryLater(..) => "the delivery is tried again",
        Next::Hold(_) => "the delivery is a dead letter",
    }
}

/// What becomes of all of these failures, which is the same for each.
fn alike(failures: &[Failure], word: impl Fn(&Result<FilterAnswer, Failure>) -> &'static str) -> String {
    let mut words: Vec<_> = failures.iter().map(|failure| word(&Err(failure.clone()))).collect();
    words.dedup();
    match words.as_slice() {
        [word] => (*word).to_owned(),
        _ => panic!("{failures:?} come to different ends: {words:?}"),
    }
}

#[test]
fn failures_of_filters() {
    let [good, later] = failures();
    let row = |what: &str, failures: &[Failure], tries: u32| {
        let ingest = |policy| {
            alike(failures, |result| {
                on_ingest(&decide::ingest(result, policy, tries, TRIES))
            })
        };
        vec![
            what.to_owned(),
            ingest(OnFailure::Quarantine),
            ingest(OnFailure::Refuse),
            alike(failures, |result| on_egress(&decide::egress(result))),
        ]
    };
    let rows = [
        row("fails for good", &good, 0),
        row("may go well later", &later, 0),
        row("the same, for the fourth time", &later, TRIES),
    ];
    let head = ["a filter", "on ingest", "with `on-failure = \"refuse\"`", "on egress"];
    let written = table(&head, &rows);
    assert!(
        !written.contains("it passes") && !written.contains("dropped"),
        "{written}"
    );
    says("table: filters", &written);
}

#[test]
fn failures_of_work_that_waits() {
    let row = |who: &str, end: &str, later: &str, retry: Retry, unless_set: &str| {
        let attempts = match retry.attempts {
            u32::MAX => "no end".to_owned(),
            attempts => format!("{attempts}{unless_set}"),
        };
        let pauses = format!(
            "{} s to {} s{unless_set}",
            retry.first.as_secs(),
            retry.longest.as_secs()
        );
        vec![who.to_owned(), end.to_owned(), later.to_owned(), attempts, pauses]
    };
    let dead = "a dead letter; the object stays stored";
    let rows = [
        row("router", dead, "asked again", route::RETRY, ""),
        row(
            "study-router",
            "a dead letter; the study stays stored",
            "asked again",
            settle::RETRY,
            "",
        ),
        row(
            "analyzer",
            "a dead letter; nothing that it made is stored",
            "the same step again",
            analyze::RETRY,
            "",
        ),
        row("worker", "a dead letter", "the job again", worker::RETRY, ""),
        row(
            "sink",
            "the batch is halved until one event stands alone; that is parked",
            "its place stays, the batch again",
            sink::RETRY,
            "",
        ),
        row(
            "destination, whatever its filters",
            dead,
            "the delivery again",
            Retry::default(),
            " unless set",
        ),
    ];
    let head = ["", "fails for good", "may go well later", "attempts", "pauses"];
    says("table: queue", &table(&head, &rows));
}
