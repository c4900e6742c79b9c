//! The plans that Postgres makes for 20,000 studies: every key of the study level is answered from an index, and the rest of a
//! search touches its page alone.

use std::time::Instant;

use isocenter_dicom::tags;
use sqlx::{AssertSqlSafe, Connection};

use super::uid;
use crate::{
    cluster::tests::fresh_index,
    index::{
        Find, FindLevel, Level, Query, RowLimit, Within, commit, commitment, edits, enqueue, events, locate, outcomes,
        pledges, queue, replace, resolve, settle, sinks, state, steps,
    },
};

const FILL: [&str; 4] = [
    r#"INSERT INTO studies SELECT '1.' || n, 'name' || n || '^x', NULL, NULL, ' name' || n || ' x', 'P' || n, CASE WHEN n % 400 = 0 THEN 'clinic' ELSE 'ward' END,
        date '1920-01-01' + n % 30000, 'F', date '2000-01-01' + n % 9000, time '00:00' + n * interval '4 seconds', 'A' || n,
        'doctor' || n % 500, NULL, NULL, ' doctor' || n % 500, 'ID' || n, 'Study ' || n % 1000,
        jsonb_build_object('00100020', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array('P' || n)),
            '00080090', jsonb_build_object('vr', 'PN', 'Value', jsonb_build_array(jsonb_build_object('Alphabetic', 'doctor' || n % 500))))
        FROM generate_series(1, 20000) n"#,
    r#"INSERT INTO series (study_uid, series_uid, modality, series_number, step_date, institution_name, attributes)
        SELECT '1.' || n, '1.' || n || '.' || s, CASE WHEN n % 200 = 0 THEN 'NM' WHEN s = 1 THEN 'CT' ELSE 'MR' END, s,
        date '2000-01-01' + n % 9000, CASE WHEN n % 400 = 0 THEN 'Rare' ELSE 'Usual' END, '{}'
        FROM generate_series(1, 20000) n, generate_series(1, 2) s"#,
    r#"INSERT INTO objects (study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        instance_number, transport, arrived)
        SELECT '1.' || n, '1.' || n || '.' || s || '.1', '1.' || n || '.' || s, '1.2', '1.2', gen_random_uuid(), 0, 1, 1, '', 1, 'file', now()
        FROM generate_series(1, 20000) n, generate_series(1, 2) s"#,
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
    let all = Query::new(Level::Study);
    let study = |tag, value: &str| Query {
        matching: vec![(tag, value.to_owned())],
        ..all.clone()
    };
    let table = [
        (
            "studies_by_date",
            Query {
                limit: 25,
                ..all.clone()
            },
        ),
        ("studies_by_patient_name", study(tags::PATIENT_NAME, "NAME77^X")),
        ("studies_by_patient_name", study(tags::PATIENT_NAME, "name77*")),
        ("studies_by_patient_id", study(tags::PATIENT_ID, "P4711")),
        ("studies_by_patient_id", study(tags::PATIENT_ID, "P471*")),
        ("studies_by_birth_date", study(tags::PATIENT_BIRTH_DATE, "19300101")),
        ("studies_by_accession_number", study(tags::ACCESSION_NUMBER, "A12345")),
        ("studies_by_date", study(tags::STUDY_DATE, "20100101")),
        ("studies_by_date", study(tags::STUDY_DATE, "20100101-20100107")),
        ("studies_by_time", study(tags::STUDY_TIME, "101500")),
        (
            "studies_by_referring_name",
            study(tags::REFERRING_PHYSICIAN_NAME, "doctor77"),
        ),
        ("studies_by_study_id", study(tags::STUDY_ID, "ID99*")),
        ("studies_by_description", study(tags::STUDY_DESCRIPTION, "Study 777")),
        ("studies_pkey", study(tags::STUDY_INSTANCE_UID, "1.77\\1.88")),
        ("series_by_modality", study(tags::MODALITIES_IN_STUDY, "NM")),
        (
            "series_pkey",
            Query {
                study: Some(uid("1.77")),
                ..Query::new(Level::Series)
            },
        ),
        (
            "series_by_uid",
            Query {
                matching: vec![(tags::SERIES_INSTANCE_UID, "1.77.1".into())],
                ..Query::new(Level::Series)
            },
        ),
        (
            "objects_in_order",
            Query {
                study: Some(uid("1.77")),
                series: Some(uid("1.77.1")),
                ..Query::new(Level::Object)
            },
        ),
        (
            "objects_by_uid",
            Query {
                matching: vec![(tags::SOP_INSTANCE_UID, "1.77.1.1".into())],
                ..Query::new(Level::Object)
            },
        ),
    ];
    for (expected, query) in table {
        let plan = index.explain(&query, &Within::everything()).await.unwrap();
        assert!(
            plan.contains(expected),
            "{:?} should use {expected}:\n{plan}",
            query.matching
        );
        assert!(!plan.contains("Seq Scan on studies"), "{:?}:\n{plan}", query.matching);
        let start = Instant::now();
        let found = index.search(&query, &Within::everything()).await.unwrap();
        assert!(!found.is_empty(), "{:?}", query.matching);
        println!("{:?}: {} found in {:?}", query.matching, found.len(), start.elapsed());
    }
    let few = |tag, one_of: &[&str]| {
        let one_of = one_of.iter().map(|value| (*value).to_owned()).collect();
        Within::limits(&[RowLimit { tag, one_of }]).unwrap()
    };
    let page = Query {
        limit: 25,
        ..all.clone()
    };
    let objects = Query {
        matching: vec![(tags::SOP_INSTANCE_UID, "1.77.1.1".into())],
        ..Query::new(Level::Object)
    };
    let limited = [
        ("studies_by_patient_id", &page, few(tags::PATIENT_ID, &["P4711"])),
        (
            "studies_by_patient_id",
            &page,
            few(tags::PATIENT_ID, &["P4711", "P4712"]),
        ),
        (
            "studies_by_accession_number",
            &page,
            few(tags::ACCESSION_NUMBER, &["A12345"]),
        ),
        (
            "studies_by_referring_name",
            &page,
            few(tags::REFERRING_PHYSICIAN_NAME, &["doctor77", "doctor78"]),
        ),
        ("studies_by_issuer", &page, few(tags::ISSUER_OF_PATIENT_ID, &["clinic"])),
        ("series_by_institution", &page, few(tags::INSTITUTION_NAME, &["Rare"])),
        ("studies_by_date", &page, few(tags::INSTITUTION_NAME, &["Usual"])),
        ("series_by_modality", &page, few(tags::MODALITY, &["NM"])),
        ("series_by_uid", &page, few(tags::SERIES_INSTANCE_UID, &["1.77.1"])),
        ("objects_by_uid", &page, few(tags::SOP_INSTANCE_UID, &["1.77.1.1"])),
        ("studies_by_date", &page, few(tags::SOP_CLASS_UID, &["1.2"])),
        ("objects_by_uid", &objects, few(tags::PATIENT_ID, &["P77"])),
        ("objects_by_uid", &objects, few(tags::INSTITUTION_NAME, &["Usual"])),
    ];
    for (expected, query, within) in limited {
        let plan = index.explain(query, &within).await.unwrap();
        assert!(plan.contains(expected), "{within:?} should use {expected}:\n{plan}");
        for table in ["studies", "series", "objects"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{within:?}:\n{plan}");
        }
        let found = index.search(query, &within).await.unwrap();
        assert!(!found.is_empty(), "{within:?}");
    }
    let find = |level, matching: &[(isocenter_dicom::Tag, &str)]| Find {
        level,
        matching: matching
            .iter()
            .map(|(tag, value)| (*tag, (*value).to_owned()))
            .collect(),
        wanted: vec![
            tags::PATIENT_NAME,
            tags::MODALITIES_IN_STUDY,
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        ],
        fuzzy: false,
        combined: false,
    };
    let week = "20100101-20100107";
    let finds = [
        (
            "studies_by_patient_id",
            find(FindLevel::Patient, &[(tags::PATIENT_ID, "P4711")]),
        ),
        (
            "studies_by_patient_id",
            find(FindLevel::Study, &[(tags::PATIENT_ID, "P4711")]),
        ),
        (
            "studies_by_patient_id",
            find(FindLevel::Series, &[(tags::PATIENT_ID, "P4711")]),
        ),
        (
            "studies_by_patient_id",
            find(FindLevel::Object, &[(tags::PATIENT_ID, "P4711")]),
        ),
        (
            "studies_by_patient_name",
            find(FindLevel::Patient, &[(tags::PATIENT_NAME, "name77*")]),
        ),
        (
            "studies_by_patient_name",
            find(FindLevel::Study, &[(tags::PATIENT_NAME, "Name77*")]),
        ),
        (
            "studies_pkey",
            find(FindLevel::Study, &[(tags::STUDY_INSTANCE_UID, "1.77\\1.88")]),
        ),
        (
            "studies_by_accession_number",
            find(FindLevel::Study, &[(tags::ACCESSION_NUMBER, "A12345")]),
        ),
        ("studies_by_date", find(FindLevel::Study, &[])),
        ("studies_by_date", find(FindLevel::Study, &[(tags::STUDY_DATE, week)])),
        (
            "studies_by_date",
            find(
                FindLevel::Study,
                &[(tags::STUDY_DATE, week), (tags::MODALITIES_IN_STUDY, "CT")],
            ),
        ),
        (
            "series_pkey",
            find(FindLevel::Series, &[(tags::STUDY_INSTANCE_UID, "1.77")]),
        ),
        (
            "series_by_uid",
            find(FindLevel::Series, &[(tags::SERIES_INSTANCE_UID, "1.77.1")]),
        ),
        (
            "objects_",
            find(
                FindLevel::Object,
                &[
                    (tags::STUDY_INSTANCE_UID, "1.77"),
                    (tags::SERIES_INSTANCE_UID, "1.77.1"),
                ],
            ),
        ),
        (
            "objects_by_uid",
            find(FindLevel::Object, &[(tags::SOP_INSTANCE_UID, "1.77.1.1")]),
        ),
    ];
    let no_scan = |plan: &str| {
        for table in ["studies", "series", "objects"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
        }
    };
    for (expected, find) in finds {
        let plan = index.explain_find(&find, None, &Within::everything()).await.unwrap();
        assert!(plan.contains(expected), "{find:?} should use {expected}:\n{plan}");
        no_scan(&plan);
        let (found, _) = index.find(&find, None, 250, &Within::everything()).await.unwrap();
        assert!(!found.is_empty(), "{find:?}");
    }
    // A later page begins where the one before ended, and is found there. All patients, by no key, are sorted.
    for (level, begins) in [
        (FindLevel::Study, "study_date <= "),
        (FindLevel::Series, "ROW(se"),
        (FindLevel::Object, "ROW(o"),
    ] {
        let find = find(level, &[]);
        let (_, position) = index.find(&find, None, 250, &Within::everything()).await.unwrap();
        let plan = index
            .explain_find(&find, position.as_ref(), &Within::everything())
            .await
            .unwrap();
        no_scan(&plan);
        let entered = plan
            .lines()
            .any(|line| line.contains("Index Cond") && line.contains(begins));
        assert!(
            entered || begins.starts_with("ROW"),
            "{level:?} should be entered by {begins}:\n{plan}"
        );
    }
    let totals = index.totals().await.unwrap();
    assert_eq!(
        (totals.studies, totals.objects, totals.estimated),
        (20_000, 40_000, false)
    );
}

/// A plan that is made while the tables are empty is kept when they are not.
#[tokio::test]
async fn plans_of_an_empty_index_scan_no_table() {
    let fresh = fresh_index().await;
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    sqlx::query("SET plan_cache_mode = force_generic_plan")
        .execute(&mut connection)
        .await
        .unwrap();
    for (name, sql, values) in [
        ("insert", commit::INSERT, 70),
        ("insert_familiar", commit::INSERT_FAMILIAR, 26),
        ("look", commit::LOOK, 2),
        ("hold", commit::HOLD, 19),
        ("look_held", commit::LOOK_HELD, 3),
        ("lock", replace::LOCK, 2),
        ("set_aside", replace::SET_ASIDE, 3),
        ("change", replace::CHANGE, 26),
        ("claim", queue::CLAIM, 4),
        ("claim_deliveries", queue::CLAIM_DELIVERIES, 3),
        ("enqueue", enqueue::ENQUEUE, 8),
        ("enqueue_of_plugin", enqueue::ENQUEUE_OF_PLUGIN, 6),
        ("last_arrival", settle::LAST_ARRIVAL, 1),
        ("quiet", settle::QUIET, 4),
        ("end_settle", settle::END, 2),
        ("settle_again", settle::AGAIN, 2),
        ("wait", queue::WAIT, 4),
        ("done", queue::DONE, 1),
        ("retry", queue::RETRY, 3),
        ("bury", queue::BURY, 2),
        ("note_commitment", commitment::NOTE, 6),
        ("same_commitment", commitment::SAME, 4),
        ("enqueue_report", commitment::ENQUEUE, 3),
        ("hold_report", commitment::HOLD, 2),
        ("hasten_reports", commitment::HASTEN, 1),
        ("unreported", commitment::UNREPORTED, 2),
        ("reported", commitment::REPORTED, 1),
        ("served", commitment::SERVED, 1),
        ("pledge", pledges::PLEDGE, 6),
        ("kept", pledges::KEPT, 3),
        ("not_kept", pledges::NOT_KEPT, 5),
        ("sweep_pledges", pledges::SWEEP, 2),
        ("locate", locate::LOCATE, 5),
        ("locate_series", locate::LOCATE_SERIES, 5),
        ("locate_object", locate::LOCATE_OBJECT, 3),
        ("known", locate::KNOWN, 2),
        ("held", resolve::HELD, 1),
        ("resolve", resolve::RESOLVE, 9),
        ("note_resolved", resolve::NOTE, 23),
        ("state_get", state::GET, 2),
        ("state_keys", state::KEYS_BETWEEN, 5),
        ("state_lock", state::LOCK, 2),
        ("state_look", state::LOOK, 2),
        ("state_write", state::WRITE, 6),
        ("state_delete", state::DELETE, 2),
        ("state_sweep", state::SWEEP, 3),
        ("steps_add", steps::ADD, 5),
        ("steps_numbers", steps::NUMBERS, 5),
        ("outcomes_insert", outcomes::INSERT, 17),
        ("outcomes_of_object", outcomes::OF_OBJECT, 4),
        ("outcomes_of_study", outcomes::OF_STUDY, 3),
        ("outcomes_of_plugin", outcomes::OF_PLUGIN, 3),
        ("outcomes_prune", outcomes::PRUNE, 2),
        ("edits_prune", edits::PRUNE, 2),
        ("events_append", events::APPEND, 2),
        ("events_after", events::AFTER, 4),
        ("sinks_claim", sinks::CLAIM, 3),
        ("sinks_advance", sinks::ADVANCE, 3),
        ("sinks_park", sinks::PARK, 3),
        ("sinks_unparked", sinks::UNPARKED, 2),
    ] {
        sqlx::raw_sql(AssertSqlSafe(format!("PREPARE {name} AS {sql}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let execute = format!("EXPLAIN EXECUTE {name} ({})", vec!["NULL"; values].join(", "));
        let rows = sqlx::raw_sql(AssertSqlSafe(execute))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
        assert!(
            !plan.iter().any(|line| line.contains("Seq Scan")),
            "{name}:\n{}",
            plan.join("\n")
        );
    }
}
