//! The modality worklist by the index: what is kept, found, ended and forgotten.

use std::time::Duration;

use isocenter_dicom::{Tag, tags};
use isocenter_procedure::ScheduledStep;
use serde_json::json;
use sqlx::Connection;

use super::uid;
use crate::{
    cluster::tests::fresh_index,
    index::{Index, Scheduled, performed, scheduled},
};

/// Matching keys.
type Keys<'a> = &'a [(Tag, &'a str)];

/// Entry `n`: study `1.n`, step `Sn`, at a station and a moment.
fn entry(n: u32, name: &str, station: &str, date: &str, time: &str) -> ScheduledStep {
    ScheduledStep::of(&json!({
        "0020000D": {"vr": "UI", "Value": [format!("1.{n}")]},
        "00100010": {"vr": "PN", "Value": [name]},
        "00100020": {"vr": "LO", "Value": [format!("P{n}")]},
        "00100030": {"vr": "DA", "Value": ["19600203"]},
        "00080050": {"vr": "SH", "Value": [format!("A{n}")]},
        "00401001": {"vr": "SH", "Value": [format!("RP{n}")]},
        "00400100": {"vr": "SQ", "Value": [{
            "00400009": {"vr": "SH", "Value": [format!("S{n}")]},
            "00080060": {"vr": "CS", "Value": [if n.is_multiple_of(2) { "MR" } else { "CT" }]},
            "00400001": {"vr": "AE", "Value": station.split('\\').collect::<Vec<_>>()},
            "00400002": {"vr": "DA", "Value": [date]},
            "00400003": {"vr": "TM", "Value": [time]},
            "00400006": {"vr": "PN", "Value": ["Strauß^Ödön"]},
        }]},
    }))
    .unwrap()
}

fn search(of_entry: Keys<'_>, of_step: Keys<'_>) -> Scheduled {
    let owned = |keys: Keys<'_>| keys.iter().map(|(tag, value)| (*tag, (*value).to_owned())).collect();
    Scheduled {
        of_entry: owned(of_entry),
        of_step: owned(of_step),
    }
}

async fn found(index: &Index, search: &Scheduled, page: u32) -> Vec<String> {
    let (mut steps, mut after) = (Vec::new(), None);
    loop {
        let (entries, next) = index.worklist(search, after.as_ref(), page).await.unwrap();
        assert!(entries.len() <= page as usize);
        steps.extend(entries.into_iter().map(|entry| entry.step));
        after = next;
        if after.is_none() {
            return steps;
        }
    }
}

#[tokio::test]
async fn every_key_matches_as_the_standard_says() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let entries = [
        entry(1, "Müller^Jörg", "CT1\\CT2", "20260105", "0930"),
        entry(2, "Yamada^Tarou=山田^太郎=やまだ^たろう", "MR1", "20260105", "1200"),
        entry(3, "Miller^John", "CT1", "20260106", "0800"),
        entry(4, "Hong^Gildong=洪^吉洞=홍^길동", "MR1", "20260107", "170000.5"),
    ];
    assert_eq!(index.schedule(&entries).await.unwrap().len(), 4);
    let (date, time) = (
        tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
        tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
    );
    let table: [(Keys<'_>, Keys<'_>, &[&str]); 26] = [
        (&[], &[], &["S1", "S2", "S3", "S4"]),
        (&[(tags::PATIENT_NAME, "muller^JORG")], &[], &["S1"]),
        (&[(tags::PATIENT_NAME, "m?ller*")], &[], &["S1", "S3"]),
        (&[(tags::PATIENT_NAME, "山田*")], &[], &["S2"]),
        (&[(tags::PATIENT_NAME, "==홍^길동")], &[], &["S4"]),
        (&[(tags::PATIENT_ID, "P2")], &[], &["S2"]),
        (&[(tags::PATIENT_ID, "p2")], &[], &[]),
        (
            &[(tags::PATIENT_BIRTH_DATE, "19600203")],
            &[],
            &["S1", "S2", "S3", "S4"],
        ),
        (&[(tags::ACCESSION_NUMBER, "A3")], &[], &["S3"]),
        (&[(tags::REQUESTED_PROCEDURE_ID, "RP4")], &[], &["S4"]),
        (&[(tags::STUDY_INSTANCE_UID, "1.1\\1.4")], &[], &["S1", "S4"]),
        (&[], &[(tags::SCHEDULED_PROCEDURE_STEP_ID, "S3")], &["S3"]),
        (&[], &[(tags::SCHEDULED_STATION_AE_TITLE, "CT1")], &["S1", "S3"]),
        (&[], &[(tags::SCHEDULED_STATION_AE_TITLE, "CT2")], &["S1"]),
        (&[], &[(tags::SCHEDULED_STATION_AE_TITLE, "CT*")], &["S1", "S3"]),
        (&[], &[(tags::MODALITY, "MR")], &["S2", "S4"]),
        (
            &[],
            &[(tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, "strauss^odon")],
            &["S1", "S2", "S3", "S4"],
        ),
        (&[], &[(date, "20260105")], &["S1", "S2"]),
        (&[], &[(date, "20260106-")], &["S3", "S4"]),
        (&[], &[(date, "-20260105")], &["S1", "S2"]),
        (&[], &[(time, "0900-1300")], &["S1", "S2"]),
        // Two ranges are one: from the 5th at 10 to the 7th at 12.
        (&[], &[(date, "20260105-20260107"), (time, "1000-1200")], &["S2", "S3"]),
        (&[], &[(date, "20260105"), (time, "1000-1200")], &["S2"]),
        (&[(tags::PATIENT_ID, "P1")], &[(tags::MODALITY, "MR")], &[]),
        (
            &[],
            &[(tags::SCHEDULED_PROCEDURE_STEP_STATUS, "SCHEDULED")],
            &["S1", "S2", "S3", "S4"],
        ),
        (&[(tags::PATIENT_NAME, "*")], &[(date, "")], &["S1", "S2", "S3", "S4"]),
    ];
    for (of_entry, of_step, expected) in table {
        let search = search(of_entry, of_step);
        for page in [1, 2, 250] {
            assert_eq!(found(index, &search, page).await, expected, "{search:?}");
        }
    }
    let bad = search(&[], &[(date, "tomorrow")]);
    assert!(index.worklist(&bad, None, 10).await.is_err());
}

#[tokio::test]
async fn an_entry_that_comes_again_is_the_same_entry() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let everything = Scheduled::default();
    index
        .schedule(&[entry(1, "A", "CT1", "20260105", "0930")])
        .await
        .unwrap();
    index
        .schedule(&[entry(1, "B", "CT2", "20260106", "0930")])
        .await
        .unwrap();
    let (entries, _) = index.worklist(&everything, None, 10).await.unwrap();
    let [only] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(only.data_set["00100010"]["Value"][0]["Alphabetic"], "B");
    // Two of one batch with one name: the last counts.
    let twice = [
        entry(1, "C", "CT1", "20260105", "0930"),
        entry(1, "D", "CT1", "20260105", "0930"),
    ];
    assert_eq!(index.schedule(&twice).await.unwrap().len(), 1);
    let kept = index.scheduled_step(&uid("1.1"), "S1").await.unwrap().unwrap();
    assert_eq!(kept.data_set["00100010"]["Value"][0]["Alphabetic"], "D");
    // What has ended is not found, and stays as it was.
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    sqlx::query("UPDATE scheduled_steps SET ended = now(), outcome = 'completed'")
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(found(index, &everything, 10).await, [""; 0]);
    assert!(
        index
            .schedule(&[entry(1, "E", "CT1", "20260105", "0930")])
            .await
            .unwrap()
            .is_empty()
    );
    let kept = index.scheduled_step(&uid("1.1"), "S1").await.unwrap().unwrap();
    assert_eq!(kept.outcome.as_deref(), Some("completed"));
    assert_eq!(kept.data_set["00100010"]["Value"][0]["Alphabetic"], "D");
    assert!(index.remove_scheduled(&uid("1.1"), "S1").await.unwrap());
    assert!(!index.remove_scheduled(&uid("1.1"), "S1").await.unwrap());
    assert_eq!(index.schedule(&twice).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_old_is_forgotten() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let entries = [
        entry(1, "A", "CT1", "20200105", "0930"),
        entry(2, "B", "CT1", "20200105", "0930"),
        entry(3, "C", "CT1", "29990105", "0930"),
        entry(4, "D", "CT1", "20200105", "0930"),
    ];
    index.schedule(&entries).await.unwrap();
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    for sql in [
        "UPDATE scheduled_steps SET changed = now() - interval '3 days' WHERE step_id <> 'S4'",
        "UPDATE scheduled_steps SET ended = now() - interval '1 day', outcome = 'completed' WHERE step_id = 'S2'",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    assert_eq!(index.prune_scheduled(Duration::from_secs(2 * 86_400)).await.unwrap(), 1);
    assert_eq!(found(index, &Scheduled::default(), 10).await, ["S4", "S3"]);
    assert_eq!(index.prune_scheduled(Duration::from_secs(3600)).await.unwrap(), 1);
}

const FILL: [&str; 3] = [
    r#"INSERT INTO scheduled_steps (study_uid, step_id, station_aes, modality, start_date, start_time, performing_name, patient_name,
        patient_id, patient_id_issuer, patient_birth_date, patient_sex, accession_number, requested_procedure_id, placer, filler,
        status, attributes, ended, outcome)
        SELECT '1.' || n, 'S' || n, ARRAY['AE' || n % 200], CASE WHEN n % 500 = 0 THEN 'NM' ELSE 'CT' END, date '2026-01-01' + n % 365,
        time '00:00' + n * interval '4 seconds', 'doctor' || n % 500, 'name' || n || '^x', 'P' || n, 'ward', date '1920-01-01' + n % 30000,
        'F', 'A' || n, 'RP' || n, 'PL' || n, 'FI' || n, 'SCHEDULED', '{}', CASE WHEN n % 2 = 0 THEN now() END,
        CASE WHEN n % 2 = 0 THEN 'completed' END
        FROM generate_series(1, 40000) n"#,
    r#"INSERT INTO performed_steps (uid, state, studies, attributes)
        SELECT '2.' || n, 'COMPLETED', ARRAY['1.' || n], '{}' FROM generate_series(1, 10000) n"#,
    "ANALYZE",
];

#[tokio::test]
async fn indexes_answer() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    for sql in FILL {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    let (date, time) = (
        tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
        tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
    );
    let table: [(&str, Keys<'_>, Keys<'_>); 12] = [
        ("scheduled_by_start", &[], &[]),
        (
            "scheduled_by_start",
            &[],
            &[(date, "20260105-20260107"), (time, "1000-1200")],
        ),
        ("scheduled_by_", &[], &[(date, "20260105"), (tags::MODALITY, "CT")]),
        (
            "scheduled_by_",
            &[],
            &[(date, "20260110-20260112"), (tags::SCHEDULED_STATION_AE_TITLE, "AE11")],
        ),
        (
            "scheduled_by_station",
            &[],
            &[(tags::SCHEDULED_STATION_AE_TITLE, "AE11")],
        ),
        ("scheduled_by_patient_name", &[(tags::PATIENT_NAME, "NAME77*")], &[]),
        ("scheduled_by_patient_id", &[(tags::PATIENT_ID, "P4711")], &[]),
        (
            "scheduled_by_accession_number",
            &[(tags::ACCESSION_NUMBER, "A4711")],
            &[],
        ),
        (
            "scheduled_by_requested_procedure",
            &[(tags::REQUESTED_PROCEDURE_ID, "RP4711")],
            &[],
        ),
        (
            "scheduled_by_step",
            &[],
            &[(tags::SCHEDULED_PROCEDURE_STEP_ID, "S4711")],
        ),
        (
            "scheduled_by_performing_name",
            &[],
            &[(tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, "doctor77")],
        ),
        ("scheduled_steps_pkey", &[(tags::STUDY_INSTANCE_UID, "1.4711")], &[]),
    ];
    for (expected, of_entry, of_step) in table {
        let search = search(of_entry, of_step);
        let plan = index.explain_worklist(&search, None).await.unwrap();
        assert!(plan.contains(expected), "{search:?} should use {expected}:\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{search:?}:\n{plan}");
        let (found, _) = index.worklist(&search, None, 250).await.unwrap();
        assert!(!found.is_empty(), "{search:?}");
    }
    let (_, position) = index.worklist(&Scheduled::default(), None, 250).await.unwrap();
    let plan = index
        .explain_worklist(&Scheduled::default(), position.as_ref())
        .await
        .unwrap();
    let entered = |line: &str| line.contains("Index Cond") && line.contains("ROW(start_date");
    assert!(plan.lines().any(entered), "{plan}");
    // Statements whose plan may be made while the tables are empty.
    for (name, sql, values) in [
        ("schedule", scheduled::SCHEDULE, 22),
        ("prune", scheduled::PRUNE, 2),
        ("steps_of_order", scheduled::STEPS_OF_ORDER, 5),
        ("end_order", scheduled::END_ORDER, 7),
        ("status_of_order", scheduled::STATUS_OF_ORDER, 7),
        ("performed_create", performed::CREATE, 5),
        ("performed_lock", performed::LOCK, 1),
        ("performed_change", performed::CHANGE, 3),
        ("performed_tie", performed::TIE, 7),
        ("performed_end", performed::END, 2),
        ("performed_of_study", performed::OF_STUDY, 3),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PREPARE {name} AS {sql}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let execute = format!("EXPLAIN EXECUTE {name} ({})", vec!["NULL"; values].join(", "));
        let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(execute))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
        assert!(!plan.concat().contains("Seq Scan"), "{name}:\n{}", plan.join("\n"));
    }
}
