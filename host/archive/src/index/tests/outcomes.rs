use std::time::{Duration, SystemTime};

use sqlx::Connection;

use super::uid;
use crate::{
    cluster::tests::fresh_index,
    index::{EditList, Index, NewOutcome, RecordedOutcome},
};

/// A call of a filter about object `1.<study>.<number>`.
fn filtered(plugin: &str, study: u32, number: u32) -> NewOutcome {
    NewOutcome {
        at: SystemTime::now(),
        plugin: plugin.into(),
        digest: "ab".repeat(32),
        role: "filter",
        chain: Some("all".into()),
        shadow: false,
        study: Some(uid(&format!("1.{study}"))),
        object: Some(uid(&format!("1.{study}.{number}"))),
        outcome: "keep",
        failed: false,
        edits: EditList::default(),
        cpu: Duration::from_micros(210),
        wall: Duration::from_micros(340),
        queue: Duration::from_micros(5),
        peak_memory: 1 << 33,
        reason: None,
    }
}

fn numbers(outcomes: &[RecordedOutcome]) -> Vec<&str> {
    outcomes
        .iter()
        .map(|outcome| {
            let uid = outcome.object.as_ref().unwrap().as_str();
            uid.rsplit('.').next().unwrap()
        })
        .collect()
}

async fn count(index: &Index, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let mut connection = index.pool.acquire().await.unwrap();
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(&mut *connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_recorded_is_found() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let list: EditList = ["remove 0010,0010", "set 0010,0020 \"P1\""].iter().collect();
    let edited = NewOutcome {
        edits: list.clone(),
        ..filtered("scrub", 1, 1)
    };
    let trapped = NewOutcome {
        digest: String::new(),
        chain: None,
        shadow: true,
        outcome: "trap",
        failed: true,
        reason: Some(format!("nul \0 and {}", "x".repeat(2000))),
        ..filtered("scrub", 1, 2)
    };
    let of_study = NewOutcome {
        role: "study-router",
        object: None,
        ..filtered("quiet", 1, 0)
    };
    let gate = NewOutcome {
        role: "gate",
        study: None,
        object: None,
        outcome: "reject",
        ..filtered("door", 0, 0)
    };
    index
        .record_outcomes(&[edited.clone(), trapped.clone(), of_study, gate])
        .await
        .unwrap();
    index.record_outcomes(&[]).await.unwrap();

    let found = index.outcomes_of_object(None, &uid("1.1.1"), None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    let one = &found[0];
    assert_eq!(
        (
            one.plugin.as_str(),
            one.digest.as_str(),
            one.role.as_str(),
            one.chain.as_deref(),
            one.shadow
        ),
        ("scrub", edited.digest.as_str(), "filter", Some("all"), false)
    );
    assert_eq!((one.study.clone(), one.object.clone()), (edited.study, edited.object));
    assert_eq!(
        (one.outcome.as_str(), one.failed, one.reason.as_deref()),
        ("keep", false, None)
    );
    assert_eq!(
        (one.cpu, one.wall, one.queue, one.peak_memory),
        (edited.cpu, edited.wall, edited.queue, 1 << 33)
    );
    let apart = edited
        .at
        .duration_since(one.at)
        .unwrap_or_else(|error| error.duration());
    assert!(apart < Duration::from_millis(1), "{apart:?}");
    assert_eq!(one.edits, 2);
    assert_eq!(index.edit_list(one.edit_list.unwrap()).await.unwrap(), Some(list));

    let found = index
        .outcomes_of_object(Some(&uid("1.1")), &uid("1.1.2"), None, 10)
        .await
        .unwrap();
    let two = &found[0];
    assert_eq!(
        (two.digest.as_str(), two.chain.as_deref(), two.shadow, two.failed),
        ("", None, true, true)
    );
    assert_eq!((two.edits, two.edit_list), (0, None));
    let reason = two.reason.as_deref().unwrap();
    assert!(reason.starts_with("nul  and xxx") && reason.chars().count() == 1000);

    assert!(
        index
            .outcomes_of_object(Some(&uid("1.2")), &uid("1.1.2"), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let found = index.outcomes_of_study(&uid("1.1"), None, 10).await.unwrap();
    assert_eq!(
        (found.len(), found[0].plugin.as_str(), found[0].role.as_str()),
        (1, "quiet", "study-router")
    );
    let found = index.outcomes_of_plugin("door", None, 10).await.unwrap();
    assert_eq!(
        (found.len(), &found[0].study, found[0].outcome.as_str()),
        (1, &None, "reject")
    );
    let failed = |plugin| index.failed_outcomes(plugin, None, 10);
    assert_eq!(numbers(&failed(None).await.unwrap()), ["2"]);
    assert_eq!(numbers(&failed(Some("scrub")).await.unwrap()), ["2"]);
    assert!(failed(Some("door")).await.unwrap().is_empty());
}

#[tokio::test]
async fn pages_newest_first() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    // The same plugin as two components, in two chains, and another plugin between.
    for number in 1..=12u32 {
        let mut outcome = filtered("scrub", 1, number);
        outcome.digest = ["ab", "cd"][(number % 2) as usize].repeat(32);
        outcome.chain = (number % 3 == 0).then(|| "some".into());
        outcome.failed = number % 4 == 0;
        let other = filtered("other", 1, number);
        index.record_outcomes(&[outcome, other]).await.unwrap();
    }
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = index.outcomes_of_plugin("scrub", before, 5).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        pages.push(numbers(&page).join(" "));
    }
    assert_eq!(pages, ["12 11 10 9 8", "7 6 5 4 3", "2 1"]);
    let failed = index.failed_outcomes(None, None, 2).await.unwrap();
    assert_eq!(numbers(&failed), ["12", "8"]);
    let failed = index.failed_outcomes(None, Some(failed[1].id), 2).await.unwrap();
    assert_eq!(numbers(&failed), ["4"]);

    for _ in 0..3 {
        index
            .record_outcomes(&[filtered("scrub", 2, 1), filtered("scrub", 3, 1)])
            .await
            .unwrap();
        let mut same = filtered("scrub", 2, 1);
        same.object = Some(uid("1.7"));
        same.study = Some(uid("1.8"));
        let mut elsewhere = same.clone();
        elsewhere.study = Some(uid("1.9"));
        index.record_outcomes(&[same, elsewhere]).await.unwrap();
    }
    let page = index.outcomes_of_object(None, &uid("1.7"), None, 4).await.unwrap();
    let studies = |page: &[RecordedOutcome]| -> Vec<String> {
        page.iter()
            .map(|outcome| outcome.study.as_ref().unwrap().to_string())
            .collect()
    };
    assert_eq!(studies(&page), ["1.9", "1.8", "1.9", "1.8"]);
    let page = index
        .outcomes_of_object(None, &uid("1.7"), Some(page[3].id), 4)
        .await
        .unwrap();
    assert_eq!(studies(&page), ["1.9", "1.8"]);
    let page = index
        .outcomes_of_object(Some(&uid("1.8")), &uid("1.7"), None, 4)
        .await
        .unwrap();
    assert_eq!(studies(&page), ["1.8", "1.8", "1.8"]);
}

/// Twelve hosts at once, the first of each to name these steps and these edits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_alike_is_kept_once() {
    let fresh = fresh_index().await;
    let mut tasks = Vec::new();
    for host in 0..12u32 {
        let index = Index::connect(fresh.options.clone(), 2).await.unwrap();
        tasks.push(tokio::spawn(async move {
            for round in 0..5u32 {
                let mut batch: Vec<NewOutcome> = (0..40)
                    .map(|number| NewOutcome {
                        edits: [format!("list {}", number % 4)].iter().collect(),
                        ..filtered(&format!("plugin {}", number % 3), host, round * 100 + number)
                    })
                    .collect();
                if host % 2 == 1 {
                    batch.reverse();
                }
                index.record_outcomes(&batch).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let index = &fresh.index;
    assert_eq!(count(index, "plugin_outcomes").await, 12 * 5 * 40);
    assert_eq!(count(index, "plugin_edits").await, 4);
    assert_eq!(count(index, "plugin_steps").await, 3);
}

#[tokio::test]
async fn inserted_twice_it_is_there_once() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let batch = [filtered("scrub", 1, 1), filtered("scrub", 1, 2)];
    let ids = index.outcome_ids(2).await.unwrap();
    index.insert_outcomes(&ids, &batch).await.unwrap();
    index.insert_outcomes(&ids, &batch).await.unwrap();
    let found = index.outcomes_of_plugin("scrub", None, 10).await.unwrap();
    assert_eq!(numbers(&found), ["2", "1"]);
}

#[tokio::test]
async fn old_outcomes_are_pruned_and_their_lists_with_them() {
    const DAY: Duration = Duration::from_secs(86_400);
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let aged = |days: u32, number: u32, list: &str| NewOutcome {
        at: SystemTime::now() - days * DAY,
        edits: [list].iter().collect(),
        ..filtered("scrub", 1, number)
    };
    let ahead = NewOutcome {
        at: SystemTime::now() + 400 * DAY,
        ..filtered("scrub", 1, 5)
    };
    let batch = [
        aged(40, 1, "old"),
        aged(31, 2, "both"),
        ahead,
        aged(29, 3, "both"),
        aged(0, 4, "new"),
    ];
    index.record_outcomes(&batch).await.unwrap();
    // Lists carry the day on which they were recorded: as if that had been with the outcomes.
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    for (list, days) in [("old", 40), ("both", 30), ("new", 1)] {
        sqlx::query("UPDATE plugin_edits SET used = now() - $2 * interval '1 day' WHERE list = $1 || E'\\n'")
            .bind(list)
            .bind(days)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    assert_eq!(index.prune_outcomes(30 * DAY).await.unwrap(), 2);
    assert_eq!(index.prune_outcomes(30 * DAY).await.unwrap(), 0);
    let found = index.outcomes_of_plugin("scrub", None, 10).await.unwrap();
    assert_eq!(numbers(&found), ["4", "3", "5"]);
    assert!(found.iter().all(|outcome| outcome.at <= SystemTime::now()));
    for outcome in &found {
        if let Some(list) = outcome.edit_list {
            assert!(index.edit_list(list).await.unwrap().is_some());
        }
    }
    assert_eq!(count(index, "plugin_edits").await, 2);
    // A list that is used again is there again, and stays.
    index
        .record_outcomes(&[aged(0, 6, "old"), aged(0, 7, "both")])
        .await
        .unwrap();
    assert_eq!(index.prune_outcomes(Duration::ZERO).await.unwrap(), 5);
    assert_eq!(count(index, "plugin_edits").await, 3);
}
