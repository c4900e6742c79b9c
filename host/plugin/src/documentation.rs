//! The tables of `plugin-api/limits.md` and `plugin-api/capabilities.md`, made from what is in force.
//!
//! Here and not among the integration tests, because the bounds are nobody's business outside this crate.

mod errors;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isocenter_contract::{page_says, table};
use isocenter_role::backing::Backing;
use isocenter_role::{Clock, Failure, Limits, LimitsOverride, Role};
use wit_parser::{Resolve, WorldItem};

use crate::host::{OFFERED, drafts, edits, exchange, http, jobs, log, models, pixels, plan, random, state};
use crate::role::{analyzer, auth};
use crate::spec::PluginSpec;
use crate::{breaker, call, compile, engine, limits, load, manifest, series};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../plugin-api")
        .join(name)
}

fn says(name: &str, part: &str, content: &str) {
    if let Err(difference) = page_says(page(name), part, content) {
        panic!("{difference}");
    }
}

fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units
        .iter()
        .find(|(_, shift)| bytes >= 1 << shift && bytes.is_multiple_of(1 << shift));
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, shift)| format!("{} {unit}", bytes >> shift),
    )
}

fn time(duration: Duration) -> String {
    match duration.as_millis() {
        0..1000 => format!("{} ms", duration.as_millis()),
        1000..3_600_000 => format!("{} s", duration.as_secs()),
        _ => format!("{} d", duration.as_secs() / 86_400),
    }
}

fn count(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn limits_row(role: &str, limits: Limits) -> Vec<String> {
    vec![
        role.to_owned(),
        size(limits.memory),
        time(limits.cpu),
        time(limits.wall),
        count(limits.concurrency),
    ]
}

#[test]
fn limits_by_role() {
    let mut rows: Vec<_> = Role::ALL
        .map(|role| limits_row(&format!("[{role}](roles/{role}.md)"), limits::of_role(role)))
        .into();
    for role in Role::ALL {
        let mut limits = limits_row("", limits::of_role(role));
        limits.remove(0);
        let page = format!("roles/{role}.md");
        says(
            &page,
            "table: limits",
            &table(&["memory", "CPU", "wall", "concurrency"], &[limits]),
        );
    }
    rows.push(limits_row("`check`, whatever the roles", limits::CHECK));
    says(
        "limits.md",
        "table: roles",
        &table(&["", "memory", "CPU", "wall", "concurrency"], &rows),
    );
    // What the page says beside the table.
    let set = LimitsOverride {
        concurrency: Some(5),
        ..LimitsOverride::default()
    };
    assert_eq!(
        limits::in_force(Role::Sink, &set).map(|limits| limits.concurrency),
        Ok(1)
    );
    assert_eq!(limits::SLICE, Duration::from_millis(10));
}

#[test]
fn bounds_of_a_call() {
    let bytes = |bytes: usize| size(bytes as u64);
    let traps = "traps";
    let rows: Vec<Vec<String>> = [
        (
            "bytes that the plugin hands over in one host call",
            bytes(call::HOSTCALL_FUEL),
            traps,
        ),
        ("handles alive", count(call::MOST_HANDLES as u64), traps),
        (
            "elements of its tables",
            count(limits::MOST_TABLE_ELEMENTS as u64),
            "refused: growing them fails",
        ),
        (
            "a reason, in an answer or a failure",
            format!("{} characters", call::LONGEST_REASON),
            "cut",
        ),
        (
            "log lines",
            count(log::MOST_LINES),
            "counted, and one line says how many",
        ),
        (
            "bytes of all log lines",
            bytes(log::MOST_BYTES),
            "counted, and one line says how many",
        ),
        (
            "one log line",
            format!("{} bytes", count(log::LONGEST_LINE as u64)),
            "cut",
        ),
        (
            "names of metrics, over the plugin's life",
            count(series::MOST_SERIES as u64),
            "ignored",
        ),
        (
            "the name of a metric",
            format!("{} bytes", series::LONGEST_NAME),
            "ignored",
        ),
        ("random bytes in one host call", size(random::MOST_RANDOM.into()), traps),
        (
            "a key of the state",
            format!("{} bytes", state::LONGEST_KEY),
            "refused: `over-quota`",
        ),
        (
            "a value of the state",
            bytes(state::MOST_VALUE),
            "refused: `over-quota`",
        ),
        ("keys of the state in one answer", count(state::MOST_KEYS), "cut"),
        (
            "all requests by HTTP, with their bodies",
            bytes(http::MOST_REQUESTS),
            traps,
        ),
        (
            "the time of one request, unless set",
            time(http::TIMEOUT),
            "refused: `timeout`",
        ),
        ("one read of a response", size(http::MOST_READ.into()), "cut"),
        ("the payload of a job", bytes(jobs::MOST_PAYLOAD), "refused"),
        ("the key of a job", format!("{} bytes", jobs::LONGEST_KEY), "refused"),
        (
            "the delay of a job",
            time(Duration::from_secs(jobs::LONGEST_DELAY.into())),
            "cut",
        ),
        ("edits of an object", count(edits::MOST_EDITS as u64), traps),
        ("values of all edits", bytes(edits::MOST_BYTES), traps),
        ("frames open, together", bytes(pixels::MOST_OPEN), traps),
        (
            "one read of a frame, a tensor or the body of a request",
            size(pixels::MOST_READ.into()),
            "cut",
        ),
        ("drafts", count(drafts::MOST_DRAFTS), traps),
        ("elements of all drafts", count(drafts::MOST_ELEMENTS as u64), traps),
        ("pixels and values of all drafts", bytes(drafts::MOST_BYTES), traps),
        ("tensors alive, together", size(models::MOST_BYTES), traps),
        ("dimensions of a tensor", count(models::MOST_DIMENSIONS as u64), traps),
        (
            "the delay of a planned send",
            time(Duration::from_secs(plan::LONGEST_DELAY.into())),
            "cut",
        ),
        (
            "the token of an analyzer that waits",
            bytes(analyzer::MOST_TOKEN),
            "fails: `never`",
        ),
        (
            "claims of an identity",
            count(auth::MOST_CLAIMS as u64),
            "fails: `never`",
        ),
        ("text of an identity", bytes(auth::MOST_IDENTITY), "fails: `never`"),
        (
            "limits of a decision",
            count(auth::MOST_LIMITS as u64),
            "fails: `never`",
        ),
        (
            "values of all limits of a decision",
            count(auth::MOST_VALUES as u64),
            "fails: `never`",
        ),
        ("what a route writes", bytes(exchange::MOST_ANSWER), traps),
        (
            "pieces of what a route writes",
            count(exchange::MOST_PIECES as u64),
            traps,
        ),
    ]
    .into_iter()
    .map(|(what, most, beyond)| vec![what.to_owned(), most, beyond.to_owned()])
    .collect();
    assert_eq!(pixels::MOST_READ, exchange::MOST_READ);
    says("limits.md", "table: bounds", &table(&["", "at most", "beyond"], &rows));
}

#[test]
fn bounds_of_a_component() {
    let rows: Vec<Vec<String>> = [
        ("the component file", size(load::MOST_BYTES)),
        ("its manifest", size(manifest::MOST_MANIFEST as u64)),
        ("the compiler's CPU time", time(compile::CPU)),
        ("the compiler's memory", size(compile::MEMORY)),
        ("the compiled component", size(compile::MOST_COMPILED)),
        ("core instances of one call", count(engine::CORE_INSTANCES)),
        ("calls of all plugins at the same time", count(engine::POOL)),
        ("memory that an operator may allow", size(limits::MOST_MEMORY)),
    ]
    .into_iter()
    .map(|(what, most)| vec![what.to_owned(), most])
    .collect();
    says("limits.md", "table: component", &table(&["", "at most"], &rows));
}

/// Every failure, with the example of its sentence.
fn failures() -> [Failure; 8] {
    let deadline = |clock, limit| Failure::Deadline {
        clock,
        limit: Duration::from_millis(limit),
    };
    [
        Failure::Trap("told to (src/lib.rs:7)".into()),
        deadline(Clock::Cpu, 500),
        deadline(Clock::Wall, 2000),
        Failure::Memory { limit: 128 << 20 },
        Failure::Never("its reason".into()),
        Failure::After {
            seconds: 7,
            reason: "its reason".into(),
        },
        Failure::Overloaded,
        Failure::Tripped {
            retry_after: Duration::from_secs(2),
            failures: 5,
        },
    ]
}

#[test]
fn ways_to_fail() {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let rows: Vec<_> = failures()
        .iter()
        .map(|failure| {
            vec![
                format!("`{}`", failure.word()),
                failure.to_string(),
                yes_no(failure.retryable().is_some()),
                yes_no(failure.is_fault()),
            ]
        })
        .collect();
    let head = [
        "",
        "as the operator reads it",
        "may go well later",
        "counts towards the breaker",
    ];
    says("limits.md", "table: failures", &table(&head, &rows));
    // What the page says beside the table.
    assert_eq!((breaker::FAILURES, breaker::LONGEST_REST), (5, Duration::from_secs(60)));
}

/// The roles in whose world an interface is imported.
fn importers() -> BTreeMap<String, Vec<Role>> {
    let mut resolve = Resolve::default();
    let (plugin, _) = resolve.push_dir(page("wit")).unwrap();
    let mut importers: BTreeMap<String, Vec<Role>> = BTreeMap::new();
    for role in Role::ALL {
        let world = resolve.packages[plugin].worlds[&format!("{role}-plugin")];
        for item in resolve.worlds[world].imports.values() {
            if let WorldItem::Interface { id, .. } = item {
                importers.entry(resolve.id_of(*id).unwrap()).or_default().push(role);
            }
        }
    }
    importers
}

#[test]
fn capabilities_and_who_has_them() {
    let importers = importers();
    let ungranted = PluginSpec::new("p", "p.wasm");
    let rows: Vec<_> = OFFERED
        .iter()
        .map(|capability| {
            let roles = importers.get(capability.interface).map_or(&[][..], Vec::as_slice);
            let names: Vec<String> = roles.iter().map(ToString::to_string).collect();
            let who = if roles.len() == Role::ALL.len() {
                "every role".to_owned()
            } else {
                names.join(", ")
            };
            // What it says that it needs is what it asks for.
            let refused = (capability.validate)(&ungranted, &Backing::default()).err();
            assert_eq!(
                refused.is_some(),
                capability.grant.is_some(),
                "{}",
                capability.interface
            );
            if let (Some(sentence), Some(grant)) = (refused, capability.grant) {
                assert!(sentence.contains(&format!("(grant = {{ {grant} }})")), "{sentence}");
            }
            vec![
                format!("`{}`", capability.interface),
                who,
                capability.grant.map(|grant| format!("`{grant}`")).unwrap_or_default(),
            ]
        })
        .collect();
    says(
        "capabilities.md",
        "table: capabilities",
        &table(&["interface", "in the world of", "grant"], &rows),
    );
}
