use isocenter_dicom::{Tag, tags};
use serde_json::{Map, Value, json};

use super::{object, uid, with};
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Include, Index, Indexed, Level, NewObject, Query, SearchError, Within},
};

/// Number, patient name, patient id, study date, study time, accession number, modalities of its series.
type Row = (
    u32,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const STUDIES: &[Row] = &[
    (10, "Smith^John", "S1", "20240101", "080000", "A10", &["CT"]),
    (11, "SMITH^JANE^Q", "S2", "20240102", "0930", "A11", &["CT", "SR"]),
    (12, "Smithers^Waylon", "s1", "20240102", "180000.5", "A12", &["MR"]),
    (13, "Müller^Jörg", "M1", "20231231", "235959", "B1_3", &["MR", "PR"]),
    (14, "Muller^Jorg", "M2", "20230615", "", "B1%3", &["US"]),
    (
        15,
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "Y1",
        "20230616",
        "07",
        "B1\\3",
        &["CR"],
    ),
    (
        16,
        "O'Brien-Smith^Pat",
        "O'; DROP TABLE studies; --",
        "",
        "",
        "",
        &["CT"],
    ),
    (17, "", "E1", "2024", "99", "E*", &["DX"]),
    (18, "Иванов^Пётр", "I1", "19990101", "120000", "A18", &["NM"]),
    (19, "Smith", "S9", "20240101", "075959", "A19", &["MG"]),
];

fn name(text: &str) -> Value {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"];
    let value: Map<String, Value> = groups
        .into_iter()
        .map(str::to_owned)
        .zip(text.split('=').map(Value::from))
        .collect();
    json!({"vr": "PN", "Value": [value]})
}

fn objects() -> Vec<NewObject> {
    let mut all = Vec::new();
    for (study, patient, id, date, time, accession, modalities) in STUDIES {
        for (series, modality) in (1..).zip(*modalities) {
            for number in 1..=2 {
                all.push(with(
                    *study,
                    series,
                    number,
                    "x",
                    json!({
                        "00100010": name(patient), "00100020": {"vr": "LO", "Value": [id]},
                        "00100021": {"vr": "LO", "Value": ["ward"]},
                        "00100030": {"vr": "DA", "Value": [format!("19{study}0203")]}, "00100040": {"vr": "CS", "Value": ["F"]},
                        "00080020": {"vr": "DA", "Value": [date]}, "00080030": {"vr": "TM", "Value": [time]},
                        "00080050": {"vr": "SH", "Value": [accession]}, "00080090": name("Strauß^Ödön"),
                        "00081030": {"vr": "LO", "Value": [format!("Study {study}")]},
                        "00200010": {"vr": "SH", "Value": [format!("ID{study}")]},
                        "00080060": {"vr": "CS", "Value": [modality]},
                        "0008103E": {"vr": "LO", "Value": [format!("{modality} series")]},
                        "00180015": {"vr": "CS", "Value": ["CHEST"]},
                        "00400244": {"vr": "DA", "Value": [date]}, "00400245": {"vr": "TM", "Value": [time]},
                        "00400275": {"vr": "SQ", "Value": [
                            {"00400009": {"vr": "SH", "Value": [format!("SPS{study}")]}, "00401001": {"vr": "SH", "Value": ["RP1"]}},
                            {"00400009": {"vr": "SH", "Value": ["SPS-B"]}},
                        ]},
                        "00280010": {"vr": "US", "Value": [512]}, "00280011": {"vr": "US", "Value": [256]},
                        "00280100": {"vr": "US", "Value": [16]}, "00280008": {"vr": "IS", "Value": [3]},
                        "00080023": {"vr": "DA", "Value": ["20240105"]}, "00080033": {"vr": "TM", "Value": ["101112.5"]},
                    }),
                ));
            }
        }
    }
    all
}

async fn filled() -> (crate::cluster::tests::Fresh, Index) {
    let fresh = fresh_index().await;
    let index = fresh.index.clone();
    let outcomes = index.commit(&objects(), Duplicates::KeepFirst).await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Indexed::New));
    (fresh, index)
}

fn value<'a>(data_set: &'a Map<String, Value>, key: &str) -> &'a Value {
    data_set.get(key).map_or(&Value::Null, |element| &element["Value"][0])
}

fn query(level: Level, matching: &[(Tag, &str)]) -> Query {
    Query {
        matching: matching
            .iter()
            .map(|(tag, value)| (*tag, (*value).to_owned()))
            .collect(),
        ..Query::new(level)
    }
}

/// The numbers of the studies found, sorted.
async fn studies(index: &Index, query: &Query) -> Vec<u32> {
    let found = index.search(query, &Within::everything()).await.unwrap();
    let mut found: Vec<u32> = found
        .iter()
        .map(|found| {
            value(found, "0020000D")
                .as_str()
                .unwrap()
                .trim_start_matches("1.")
                .parse()
                .unwrap()
        })
        .collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn every_key_and_kind_of_matching() {
    let (_fresh, index) = filled().await;
    let all: &[u32] = &[10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
    let table: &[(Tag, &str, &[u32])] = &[
        // Names: without regard to case and accents, by component group, with wildcards.
        (tags::PATIENT_NAME, "smith^john", &[10]),
        (tags::PATIENT_NAME, "SMITH", &[19]),
        (tags::PATIENT_NAME, "Smith*", &[10, 11, 12, 19]),
        (tags::PATIENT_NAME, "Smith^*", &[10, 11]),
        (tags::PATIENT_NAME, "*smith*", &[10, 11, 12, 16, 19]),
        (tags::PATIENT_NAME, "Smi?h^J*", &[10, 11]),
        (tags::PATIENT_NAME, "müller^jörg", &[13, 14]),
        (tags::PATIENT_NAME, "MULLER*", &[13, 14]),
        (tags::PATIENT_NAME, "山田*", &[15]),
        (tags::PATIENT_NAME, "やまだ^たろう", &[15]),
        (tags::PATIENT_NAME, "Yamada*=山田*", &[15]),
        (tags::PATIENT_NAME, "Yamada*=田中*", &[]),
        (tags::PATIENT_NAME, "иванов^петр", &[18]),
        (tags::PATIENT_NAME, "", all),
        (tags::PATIENT_NAME, "*", all),
        (tags::PATIENT_NAME, "' OR '1'='1", &[]),
        // Other text: exactly, with wildcards; what LIKE would take for one is itself.
        (tags::PATIENT_ID, "S1", &[10]),
        (tags::PATIENT_ID, "S?", &[10, 11, 19]),
        (tags::PATIENT_ID, "S1\\M1", &[10, 13]),
        (tags::PATIENT_ID, "O'; DROP TABLE studies; --", &[16]),
        (tags::PATIENT_ID, "O'*", &[16]),
        (tags::PATIENT_ID, "$1", &[]),
        (tags::ACCESSION_NUMBER, "B1_3", &[13]),
        (tags::ACCESSION_NUMBER, "B1_*", &[13]),
        (tags::ACCESSION_NUMBER, "B1%*", &[14]),
        (tags::ACCESSION_NUMBER, "B1?3", &[13, 14, 15]),
        (tags::ACCESSION_NUMBER, "A1*", &[10, 11, 12, 18, 19]),
        (tags::ISSUER_OF_PATIENT_ID, "ward", all),
        (tags::PATIENT_SEX, "M", &[]),
        (tags::PATIENT_BIRTH_DATE, "19100203", &[10]),
        (tags::PATIENT_BIRTH_DATE, "1910.02.03-19120203", &[10, 11, 12]),
        (tags::REFERRING_PHYSICIAN_NAME, "STRAUSS^ODON", all),
        (tags::REFERRING_PHYSICIAN_NAME, "Straus", &[]),
        (tags::STUDY_ID, "ID1?", all),
        (tags::STUDY_ID, "ID15", &[15]),
        (tags::STUDY_DESCRIPTION, "Study 1[56]", &[]),
        (tags::STUDY_DESCRIPTION, "*15", &[15]),
        // Dates and times.
        (tags::STUDY_DATE, "20240102", &[11, 12]),
        (tags::STUDY_DATE, "20231231-20240101", &[10, 13, 19]),
        (tags::STUDY_DATE, "20240102-", &[11, 12]),
        (tags::STUDY_DATE, "-20230615", &[14, 18]),
        (tags::STUDY_TIME, "18", &[12]),
        (tags::STUDY_TIME, "180000", &[12]),
        (tags::STUDY_TIME, "180000.5", &[12]),
        (tags::STUDY_TIME, "180000.6", &[]),
        (tags::STUDY_TIME, "0800-0930", &[10, 11]),
        (tags::STUDY_TIME, "-08", &[10, 15, 19]),
        (tags::STUDY_TIME, "2359-", &[13]),
        // UIDs and lists of them.
        (tags::STUDY_INSTANCE_UID, "1.12", &[12]),
        (tags::STUDY_INSTANCE_UID, "1.12\\1.13, 1.99", &[12, 13]),
        (tags::STUDY_INSTANCE_UID, "1.1*", &[]),
        (tags::MODALITIES_IN_STUDY, "CT", &[10, 11, 16]),
        (tags::MODALITIES_IN_STUDY, "SR\\PR", &[11, 13]),
        (tags::MODALITIES_IN_STUDY, "?R", &[11, 12, 13, 15]),
    ];
    for (tag, text, expected) in table {
        assert_eq!(
            studies(&index, &query(Level::Study, &[(*tag, text)])).await,
            *expected,
            "{tag} {text}"
        );
    }
    let both = query(
        Level::Study,
        &[(tags::PATIENT_NAME, "smith*"), (tags::STUDY_DATE, "20240101")],
    );
    assert_eq!(studies(&index, &both).await, [10, 19]);

    // Fuzzy: word by word, each by its beginning.
    for (text, expected) in [
        ("john smi", &[10][..]),
        ("SMITH", &[10, 11, 12, 16, 19]),
        ("brien pat", &[16]),
        ("mull", &[13, 14]),
        ("太", &[15]),
        ("mith", &[]),
        ("100%", &[]),
    ] {
        let query = Query {
            fuzzy: true,
            ..query(Level::Study, &[(tags::PATIENT_NAME, text)])
        };
        assert_eq!(studies(&index, &query).await, expected, "{text}");
    }

    // Series and objects, by their own keys and by those above. One study is answered for each series or object.
    let table: &[(Level, Tag, &str, &[u32])] = &[
        (Level::Series, tags::MODALITY, "CT", &[10, 11, 16]),
        (Level::Series, tags::MODALITY, "S*", &[11]),
        (Level::Series, tags::SERIES_NUMBER, "2", &[11, 13]),
        (Level::Series, tags::SERIES_INSTANCE_UID, "1.11.2,1.10.1", &[10, 11]),
        (Level::Series, tags::SERIES_DESCRIPTION, "US series", &[14]),
        (Level::Series, tags::BODY_PART_EXAMINED, "ABDOMEN", &[]),
        (Level::Series, tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS12", &[12]),
        (Level::Series, tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS?3", &[13, 13]),
        (Level::Series, tags::REQUESTED_PROCEDURE_ID, "RP2", &[]),
        (
            Level::Series,
            tags::PERFORMED_PROCEDURE_STEP_START_DATE,
            "20240102",
            &[11, 11, 12],
        ),
        (
            Level::Series,
            tags::PERFORMED_PROCEDURE_STEP_START_TIME,
            "07",
            &[15, 19],
        ),
        (Level::Series, tags::PATIENT_NAME, "smithers*", &[12]),
        (Level::Series, tags::MODALITIES_IN_STUDY, "SR", &[11, 11]),
        (Level::Object, tags::SOP_INSTANCE_UID, "1.12.1.2", &[12]),
        (Level::Object, tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.4", &[]),
        (Level::Object, tags::PATIENT_ID, "Y1", &[15, 15]),
        (Level::Object, tags::MODALITY, "NM", &[18, 18]),
        (Level::Object, tags::STUDY_ID, "ID17", &[17, 17]),
        (Level::Object, tags::ROWS, "511", &[]),
        (Level::Object, tags::CONTENT_DATE, "-20240104", &[]),
    ];
    for (level, tag, text, expected) in table {
        assert_eq!(
            studies(&index, &query(*level, &[(*tag, text)])).await,
            *expected,
            "{tag} {text}"
        );
    }
    let numbered = Query {
        study: Some(uid("1.11")),
        ..query(Level::Object, &[(tags::INSTANCE_NUMBER, "2")])
    };
    assert_eq!(studies(&index, &numbered).await, [11, 11]);
    let of_series = Query {
        series: Some(uid("1.11.2")),
        ..numbered
    };
    assert_eq!(studies(&index, &of_series).await, [11]);
}

#[tokio::test]
async fn answers_hold_what_is_required_and_what_is_asked_for() {
    let (_fresh, index) = filled().await;
    let keys = |data_set: &Map<String, Value>| data_set.keys().cloned().collect::<Vec<_>>().join(" ");

    let study = &index
        .search(
            &query(Level::Study, &[(tags::STUDY_INSTANCE_UID, "1.15")]),
            &Within::everything(),
        )
        .await
        .unwrap()[0];
    assert_eq!(
        keys(study),
        "00080005 00080020 00080030 00080050 00080056 00080061 00080090 00081030 00100010 00100020 00100030 00100040 0020000D \
         00200010 00201206 00201208"
    );
    assert_eq!(
        study["00100010"],
        name("Yamada^Tarou=山田^太郎=やまだ^たろう"),
        "as it was stored"
    );
    assert_eq!(study["00080061"], json!({"vr": "CS", "Value": ["CR"]}));
    assert_eq!(
        (value(study, "00201206"), value(study, "00201208")),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        (value(study, "00080056"), value(study, "00080005")),
        (&json!("ONLINE"), &json!("ISO_IR 192"))
    );

    let mut asked = query(
        Level::Study,
        &[(tags::STUDY_INSTANCE_UID, "1.11"), (tags::ISSUER_OF_PATIENT_ID, "")],
    );
    let study = &index.search(&asked, &Within::everything()).await.unwrap()[0];
    assert_eq!(value(study, "00100021"), "ward");
    assert_eq!(study["00080061"]["Value"], json!(["CT", "SR"]));
    assert_eq!(
        (value(study, "00201206"), value(study, "00201208")),
        (&json!(2), &json!(4))
    );
    asked.include = Include::Tags(vec![
        tags::PATIENT_AGE,
        tags::WINDOW_CENTER,
        tags::MODALITIES_IN_STUDY,
        tags::RETRIEVE_URL,
    ]);
    assert_eq!(asked.beyond_index(), [tags::WINDOW_CENTER]);

    let within = Query {
        study: Some(uid("1.11")),
        ..Query::new(Level::Series)
    };
    let series = index.search(&within, &Within::everything()).await.unwrap();
    assert_eq!(
        keys(&series[0]),
        "00080005 00080056 00080060 0008103E 0020000D 0020000E 00200011 00201209 00400244 00400245 00400275"
    );
    assert_eq!(value(&series[0], "00201209"), &json!(2));
    assert_eq!(
        series
            .iter()
            .map(|series| value(series, "00200011"))
            .collect::<Vec<_>>(),
        [1, 2]
    );
    let anywhere = &index
        .search(&query(Level::Series, &[(tags::MODALITY, "US")]), &Within::everything())
        .await
        .unwrap()[0];
    assert_eq!(
        (value(anywhere, "00100020"), value(anywhere, "00080060")),
        (&json!("M2"), &json!("US"))
    );
    assert!(!anywhere.contains_key("00180015"));
    let all = Query {
        include: Include::All,
        ..query(Level::Series, &[(tags::MODALITY, "US")])
    };
    assert_eq!(
        value(&index.search(&all, &Within::everything()).await.unwrap()[0], "00180015"),
        "CHEST"
    );

    let within = Query {
        study: Some(uid("1.11")),
        series: Some(uid("1.11.1")),
        ..Query::new(Level::Object)
    };
    let objects = index.search(&within, &Within::everything()).await.unwrap();
    assert_eq!(objects.len(), 2);
    assert_eq!(
        keys(&objects[0]),
        "00080005 00080016 00080018 00080056 0020000D 0020000E 00200013 00280008 00280010 00280011 00280100"
    );
    assert_eq!(
        (value(&objects[0], "00280010"), value(&objects[0], "00280008")),
        (&json!(512), &json!(3))
    );
    let include = Include::Tags(vec![
        tags::CONTENT_TIME,
        tags::CONTENT_DATE,
        tags::AVAILABLE_TRANSFER_SYNTAX_UID,
    ]);
    let more = &index
        .search(&Query { include, ..within }, &Within::everything())
        .await
        .unwrap()[0];
    assert_eq!(
        (value(more, "00080023"), value(more, "00080033")),
        (&json!("20240105"), &json!("101112.500000"))
    );
    assert_eq!(value(more, "00083002"), "1.2.840.10008.1.2.1");
    let anywhere = &index
        .search(
            &query(Level::Object, &[(tags::SOP_INSTANCE_UID, "1.11.2.1")]),
            &Within::everything(),
        )
        .await
        .unwrap()[0];
    assert_eq!(
        (value(anywhere, "00100020"), value(anywhere, "00080060")),
        (&json!("S2"), &json!("SR"))
    );
}

#[tokio::test]
async fn what_cannot_be_matched_is_said() {
    let fresh = fresh_index().await;
    let mut asked = query(
        Level::Study,
        &[
            (tags::MODALITY, "CT"),
            (tags::PATIENT_ID, "1"),
            (tags::WINDOW_CENTER, "3"),
            (tags::WINDOW_WIDTH, ""),
        ],
    );
    assert_eq!(asked.unsupported(), [tags::MODALITY, tags::WINDOW_CENTER]);
    let error = fresh.index.search(&asked, &Within::everything()).await.unwrap_err();
    assert_eq!(error.to_string(), "(0008,0060) cannot be matched at the study level");
    let unsupported = asked.unsupported();
    asked.matching.retain(|(tag, _)| !unsupported.contains(tag));
    assert!(
        fresh
            .index
            .search(&asked, &Within::everything())
            .await
            .unwrap()
            .is_empty()
    );
    let error = fresh
        .index
        .search(
            &query(Level::Study, &[(tags::STUDY_DATE, "May")]),
            &Within::everything(),
        )
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        SearchError::BadValue {
            tag: tags::STUDY_DATE,
            ..
        }
    ));
}

#[tokio::test]
async fn pages_join_without_gap_or_overlap() {
    let (_fresh, index) = filled().await;
    for level in [Level::Study, Level::Series, Level::Object] {
        let whole = index
            .search(
                &Query {
                    limit: 1_000_000,
                    ..Query::new(level)
                },
                &Within::everything(),
            )
            .await
            .unwrap();
        let expected = [10, 12, 24][level as usize];
        assert_eq!(whole.len(), expected);
        for limit in [1, 3, 7] {
            let mut joined = Vec::new();
            loop {
                let page = index
                    .search(
                        &Query {
                            limit,
                            offset: joined.len() as u64,
                            ..Query::new(level)
                        },
                        &Within::everything(),
                    )
                    .await
                    .unwrap();
                if page.is_empty() {
                    break;
                }
                joined.extend(page);
            }
            assert_eq!(joined, whole, "{level} by {limit}");
        }
    }
    let dates: Vec<_> = index
        .search(&Query::new(Level::Study), &Within::everything())
        .await
        .unwrap();
    let dates: Vec<_> = dates
        .iter()
        .map(|study| value(study, "00080020").as_str().unwrap_or("").to_owned())
        .collect();
    assert_eq!(
        dates[..4],
        ["20240102", "20240102", "20240101", "20240101"],
        "the latest first"
    );
    assert!(
        index
            .search(
                &Query {
                    offset: u64::MAX,
                    ..Query::new(Level::Study)
                },
                &Within::everything()
            )
            .await
            .unwrap()
            .is_empty()
    );
}

/// An object that was replaced by one of another series leaves its series, which is then not found.
#[tokio::test]
async fn a_series_without_objects_is_not_found() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let mut moved = object(1, 2, 1, "y");
    moved.identity.sop_instance = uid("1.1.1.1");
    index
        .commit(&[object(1, 1, 1, "x")], Duplicates::Replace)
        .await
        .unwrap();
    assert_eq!(
        index.commit(&[moved], Duplicates::Replace).await.unwrap(),
        [Indexed::Replaced]
    );
    let series = index
        .search(&Query::new(Level::Series), &Within::everything())
        .await
        .unwrap();
    assert_eq!(
        series
            .iter()
            .map(|series| value(series, "0020000E"))
            .collect::<Vec<_>>(),
        ["1.1.2"]
    );
    assert_eq!(
        value(
            &index
                .search(&Query::new(Level::Study), &Within::everything())
                .await
                .unwrap()[0],
            "00201206"
        ),
        &json!(1)
    );
}
