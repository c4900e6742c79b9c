//! C-FIND by the index: levels, pages, counts, limits.

use std::collections::BTreeSet;

use isocenter_dicom::{Tag, tags};
use serde_json::{Map, Value, json};

use super::with;
use crate::{
    cluster::tests::{Fresh, fresh_index},
    index::{Duplicates, Find, FindLevel, Index, Match, RowLimit, Within},
};

/// Studies of three patients, two of one ID with different issuers; some without a date or time.
async fn filled() -> Fresh {
    let fresh = fresh_index().await;
    let mut objects = Vec::new();
    for study in 0..40 {
        let (id, issuer) = match study % 4 {
            0 => ("A", ""),
            1 => ("B", "ward"),
            2 => ("B", "clinic"),
            _ => ("C", ""),
        };
        let date = if study % 5 == 0 {
            String::new()
        } else {
            format!("202401{:02}", study % 3 + 1)
        };
        let time = if study % 7 == 0 {
            String::new()
        } else {
            format!("{:02}0000", study % 4)
        };
        for series in 1..=2 {
            for number in 1..=3 {
                let modality = if series == 1 { "CT" } else { "SR" };
                objects.push(with(
                    study,
                    series,
                    number,
                    "x",
                    json!({
                        "00100020": {"vr": "LO", "Value": [id]},
                        "00100021": {"vr": "LO", "Value": [issuer]},
                        "00100010": {"vr": "PN", "Value": [{"Alphabetic": format!("Name {id}")}]},
                        "00080020": {"vr": "DA", "Value": [date]}, "00080030": {"vr": "TM", "Value": [time]},
                        "00080060": {"vr": "CS", "Value": [modality]},
                    }),
                ));
            }
        }
    }
    fresh.index.commit(&objects, Duplicates::KeepFirst).await.unwrap();
    fresh
}

fn find(level: FindLevel, matching: &[(Tag, &str)], wanted: &[Tag]) -> Find {
    Find {
        level,
        matching: matching
            .iter()
            .map(|(tag, value)| (*tag, (*value).to_owned()))
            .collect(),
        wanted: wanted.to_vec(),
        fuzzy: false,
        combined: false,
    }
}

/// All answers, in pages of a size.
async fn all(index: &Index, find: &Find, size: u32, within: &Within) -> Vec<Match> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = index.find(find, after.as_ref(), size, within).await.unwrap();
        assert!(page.len() <= size as usize);
        all.extend(page);
        after = next;
        if after.is_none() {
            return all;
        }
    }
}

fn value(attributes: &Map<String, Value>, key: &str) -> Value {
    attributes
        .get(key)
        .map_or(Value::Null, |element| element["Value"][0].clone())
}

fn name(found: &Match) -> String {
    let part = |uid: Option<&isocenter_dicom::Uid>| uid.map(ToString::to_string).unwrap_or_default();
    format!(
        "{} {} {}",
        found.study,
        part(found.series.as_ref()),
        part(found.object.as_ref())
    )
}

#[tokio::test]
async fn pages_of_any_size_answer_the_same() {
    let fresh = filled().await;
    let everything = Within::everything();
    for (level, count) in [
        (FindLevel::Patient, 4),
        (FindLevel::Study, 40),
        (FindLevel::Series, 80),
        (FindLevel::Object, 240),
    ] {
        let find = find(level, &[], &[tags::STUDY_DATE]);
        let whole: Vec<String> = all(&fresh.index, &find, 1000, &everything)
            .await
            .iter()
            .map(name)
            .collect();
        assert_eq!(whole.len(), count, "{level:?}");
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), count, "{level:?}");
        for size in [1, 7, 40] {
            let pages: Vec<String> = all(&fresh.index, &find, size, &everything)
                .await
                .iter()
                .map(name)
                .collect();
            assert_eq!(pages, whole, "{level:?} in pages of {size}");
        }
    }
}

#[tokio::test]
async fn what_is_counted_is_counted_for_each() {
    let fresh = filled().await;
    let everything = Within::everything();
    let patient = find(
        FindLevel::Patient,
        &[(tags::PATIENT_ID, "B"), (tags::ISSUER_OF_PATIENT_ID, "ward")],
        &[
            tags::PATIENT_NAME,
            tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
            tags::NUMBER_OF_PATIENT_RELATED_SERIES,
            tags::NUMBER_OF_PATIENT_RELATED_INSTANCES,
        ],
    );
    let found = all(&fresh.index, &patient, 10, &everything).await;
    let counts: Vec<_> = ["00201200", "00201202", "00201204"]
        .map(|key| value(&found[0].attributes, key))
        .into();
    assert_eq!((found.len(), counts), (1, vec![json!(10), json!(20), json!(60)]));
    assert_eq!(value(&found[0].attributes, "00100010")["Alphabetic"], "Name B");

    // The patient of a study, of a series and of an object has as many.
    for (level, rows) in [(FindLevel::Study, 10), (FindLevel::Series, 20), (FindLevel::Object, 60)] {
        let find = Find {
            level,
            ..patient.clone()
        };
        let found = all(&fresh.index, &find, 7, &everything).await;
        assert_eq!(found.len(), rows);
        for row in &found {
            let counts = ["00201200", "00201202", "00201204"].map(|key| value(&row.attributes, key));
            assert_eq!(counts, [json!(10), json!(20), json!(60)], "{level:?}");
        }
    }

    let study = find(
        FindLevel::Study,
        &[(tags::STUDY_INSTANCE_UID, "1.7")],
        &[
            tags::MODALITIES_IN_STUDY,
            tags::SOP_CLASSES_IN_STUDY,
            tags::NUMBER_OF_STUDY_RELATED_SERIES,
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        ],
    );
    let found = all(&fresh.index, &study, 10, &everything).await;
    assert_eq!(found[0].attributes["00080061"]["Value"], json!(["CT", "SR"]));
    assert_eq!(
        found[0].attributes["00080062"]["Value"],
        json!(["1.2.840.10008.5.1.4.1.1.2"])
    );
    assert_eq!(value(&found[0].attributes, "00201206"), 2);
    assert_eq!(value(&found[0].attributes, "00201208"), 6);

    let object = find(
        FindLevel::Object,
        &[(tags::SOP_INSTANCE_UID, "1.7.1.2")],
        &[
            tags::PATIENT_ID,
            tags::MODALITY,
            tags::INSTANCE_NUMBER,
            tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        ],
    );
    let found = all(&fresh.index, &object, 10, &everything).await;
    let values: Vec<_> = ["00100020", "00080060", "00200013", "00201209", "00201208"]
        .map(|key| value(&found[0].attributes, key))
        .into();
    assert_eq!(values, [json!("C"), json!("CT"), json!(2), json!(3), json!(6)]);
}

#[tokio::test]
async fn nothing_that_was_not_asked_for_is_answered() {
    let fresh = filled().await;
    let found = all(
        &fresh.index,
        &find(FindLevel::Series, &[(tags::STUDY_INSTANCE_UID, "1.7")], &[]),
        10,
        &Within::everything(),
    )
    .await;
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|found| found.attributes.is_empty()));
}

#[tokio::test]
async fn limits_are_kept_at_every_level() {
    let fresh = filled().await;
    let limit = |tag, value: &str| {
        let one_of = vec![value.to_owned()];
        Within::limits(&[RowLimit { tag, one_of }]).unwrap()
    };
    let table = [
        (limit(tags::PATIENT_ID, "A"), [1, 10, 20, 60]),
        (limit(tags::MODALITY, "SR"), [4, 40, 40, 120]),
        (limit(tags::SOP_INSTANCE_UID, "1.7.1.2"), [1, 1, 1, 1]),
        (limit(tags::PATIENT_ID, "nobody"), [0, 0, 0, 0]),
    ];
    let levels = [
        (
            FindLevel::Patient,
            "00201204",
            tags::NUMBER_OF_PATIENT_RELATED_INSTANCES,
        ),
        (FindLevel::Study, "00201208", tags::NUMBER_OF_STUDY_RELATED_INSTANCES),
        (FindLevel::Series, "00201209", tags::NUMBER_OF_SERIES_RELATED_INSTANCES),
        (FindLevel::Object, "", tags::INSTANCE_NUMBER),
    ];
    for (within, counts) in table {
        for ((level, key, number), count) in levels.into_iter().zip(counts) {
            let found = all(&fresh.index, &find(level, &[], &[number]), 7, &within).await;
            assert_eq!(found.len(), count, "{level:?} {within:?}");
            if !key.is_empty() {
                let objects: i64 = found
                    .iter()
                    .filter_map(|found| value(&found.attributes, key).as_i64())
                    .sum();
                assert_eq!(objects, counts[3] as i64, "{level:?} {within:?}");
            }
        }
    }
}

#[tokio::test]
async fn ranges_of_days_and_times_can_be_one_range() {
    let fresh = filled().await;
    let days = |combined| Find {
        combined,
        ..find(
            FindLevel::Study,
            &[(tags::STUDY_DATE, "20240101-20240102"), (tags::STUDY_TIME, "02-01")],
            &[tags::STUDY_DATE, tags::STUDY_TIME],
        )
    };
    // Apart, no time is after two and before one.
    assert!(
        all(&fresh.index, &days(false), 100, &Within::everything())
            .await
            .is_empty()
    );
    let found = all(&fresh.index, &days(true), 100, &Within::everything()).await;
    assert!(!found.is_empty());
    for found in found {
        let moment = (
            value(&found.attributes, "00080020"),
            value(&found.attributes, "00080030"),
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (date, time) = (text(&moment.0), text(&moment.1));
        assert!(
            (date == "20240101" && time.as_str() >= "02")
                || (date == "20240102" && time.as_str() <= "015959" && !time.is_empty()),
            "{date} {time}"
        );
    }
}
