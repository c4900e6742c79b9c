//! What callers with limits find, against a model that looks at every object: at every level, in counts, by keys, by place.

use std::collections::{BTreeMap, BTreeSet};

use isocenter_dicom::{Tag, tags};
use serde_json::{Map, Value, json};

use super::{uid, with};
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Index, Indexed, Level, Located, NewObject, Query, RowLimit, Within},
};

/// An object, and what can be said of it.
struct Sample {
    object: NewObject,
    said: BTreeMap<Tag, String>,
}

const REFERRING: [&str; 4] = ["Müller^Jörg", "Muller^Jorg", "MULLER^JORG", "Yamada^Tarou=山田^太郎"];

fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for study in 1..=8usize {
        for series in 1..=3usize {
            for number in 1..=2usize {
                let mut said = BTreeMap::from([
                    (tags::PATIENT_ID, ["P1", "p1", "P*"][study % 3].to_owned()),
                    (tags::ISSUER_OF_PATIENT_ID, ["north", "south"][study % 2].to_owned()),
                    (tags::ACCESSION_NUMBER, format!("A{study}")),
                    (tags::STUDY_DESCRIPTION, ["CHEST", "100%_\\'"][study / 4 % 2].to_owned()),
                    (tags::REFERRING_PHYSICIAN_NAME, REFERRING[study % 4].to_owned()),
                    (tags::MODALITY, ["CT", "MR", "SR"][(study + series) % 3].to_owned()),
                    (tags::BODY_PART_EXAMINED, ["HEAD", "KNEE"][series % 2].to_owned()),
                    (tags::STATION_NAME, format!("S{}", (study * series) % 4)),
                    (tags::SOP_CLASS_UID, ["1.2.3", "1.2.4"][number % 2].to_owned()),
                    (
                        tags::SENDING_APPLICATION_ENTITY_TITLE,
                        ["CT1", "MR1"][(number + series) % 2].to_owned(),
                    ),
                ]);
                if study % 4 != 0 {
                    let name = format!("Hospital {}", (study + series) % 2);
                    said.insert(tags::INSTITUTION_NAME, name);
                }
                samples.push(sample(study, series, number, said));
            }
        }
    }
    samples
}

fn sample(study: usize, series: usize, number: usize, mut said: BTreeMap<Tag, String>) -> Sample {
    let mut header = Map::new();
    for (tag, value) in &said {
        let value = if *tag == tags::REFERRING_PHYSICIAN_NAME {
            let groups = ["Alphabetic", "Ideographic"].into_iter().map(str::to_owned);
            Value::Object(groups.zip(value.split('=').map(Value::from)).collect())
        } else {
            Value::from(value.as_str())
        };
        let key = format!("{:04X}{:04X}", tag.group(), tag.element());
        header.insert(key, json!({ "vr": "LO", "Value": [value] }));
    }
    let (study, series, number) = (study as u32, series as u32, number as u32);
    let mut object = with(study, series, number, "x", Value::Object(header));
    object.identity.sop_class = uid(&said[&tags::SOP_CLASS_UID]);
    object.source.calling_ae = said.get(&tags::SENDING_APPLICATION_ENTITY_TITLE).cloned();
    for (tag, uid) in [
        (tags::STUDY_INSTANCE_UID, &object.identity.study),
        (tags::SERIES_INSTANCE_UID, &object.identity.series),
        (tags::SOP_INSTANCE_UID, &object.identity.sop_instance),
    ] {
        said.insert(tag, uid.to_string());
    }
    Sample { object, said }
}

fn limit(tag: Tag, one_of: &[&str]) -> RowLimit {
    RowLimit {
        tag,
        one_of: one_of.iter().map(|value| (*value).to_owned()).collect(),
    }
}

/// What an object must be to be found.
fn passes(sample: &Sample, limits: &[RowLimit]) -> bool {
    limits.iter().all(|limit| {
        let said = sample.said.get(&limit.tag).map(String::as_str).unwrap_or_default();
        limit.one_of.iter().any(|value| match limit.tag {
            tags::REFERRING_PHYSICIAN_NAME if !value.contains('=') => said.split('=').next() == Some(value),
            tags::REFERRING_PHYSICIAN_NAME => value
                .split('=')
                .zip(said.split('=').chain([""]))
                .all(|(wanted, said)| wanted.is_empty() || wanted == said),
            _ => said == value && !value.is_empty(),
        })
    })
}

fn text(result: &Map<String, Value>, key: &str) -> String {
    match &result[key]["Value"][0] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How many of each.
fn count<'a>(of: impl Iterator<Item = &'a Sample>, uid: fn(&NewObject) -> String) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for sample in of {
        *counts.entry(uid(&sample.object)).or_default() += 1;
    }
    counts
}

/// The UIDs found at a level, each with its count of objects.
async fn found(index: &Index, query: &Query, within: &Within) -> BTreeMap<String, usize> {
    let results = index.search(query, within).await.unwrap();
    let (uid, objects) = match query.level {
        Level::Study => ("0020000D", "00201208"),
        Level::Series => ("0020000E", "00201209"),
        Level::Object => ("00080018", ""),
    };
    let number = |result: &Map<String, Value>| match objects {
        "" => 1,
        key => text(result, key).parse().unwrap(),
    };
    let all = results.len();
    let found: BTreeMap<_, _> = results
        .iter()
        .map(|result| (text(result, uid), number(result)))
        .collect();
    assert_eq!(found.len(), all, "each once");
    found
}

async fn located(index: &Index, sample: &Sample, by: Level, within: &Within) -> BTreeSet<String> {
    let identity = &sample.object.identity;
    let series = (by != Level::Study).then_some(&identity.series);
    let object = (by == Level::Object).then_some(&identity.sop_instance);
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let page: Vec<Located> = index
            .locate(&identity.study, series, object, after.as_ref(), 2, within)
            .await
            .unwrap();
        after = page.last().map(Located::cursor);
        for located in &page {
            assert!(found.insert(located.identity.sop_instance.to_string()));
        }
        if page.len() < 2 {
            return found;
        }
    }
}

#[tokio::test]
async fn what_is_not_within_limits_is_not_there() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let samples = samples();
    let objects: Vec<NewObject> = samples.iter().map(|sample| sample.object.clone()).collect();
    let answers = index.commit(&objects, Duplicates::KeepFirst).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Indexed::New));

    let table: Vec<Vec<RowLimit>> = vec![
        vec![],
        vec![limit(tags::PATIENT_ID, &["P1"])],
        vec![limit(tags::PATIENT_ID, &["P*", "nobody"])],
        vec![limit(tags::PATIENT_ID, &["p%", "P?", "*"])],
        vec![limit(tags::PATIENT_ID, &[])],
        vec![limit(tags::PATIENT_ID, &[""])],
        vec![
            limit(tags::PATIENT_ID, &["P1", "p1"]),
            limit(tags::ISSUER_OF_PATIENT_ID, &["south"]),
        ],
        vec![limit(tags::PATIENT_ID, &["P1"]), limit(tags::PATIENT_ID, &["p1"])],
        vec![limit(tags::ACCESSION_NUMBER, &["A3", "A4", "a5"])],
        vec![limit(tags::STUDY_DESCRIPTION, &["100%_\\'"])],
        vec![limit(tags::STUDY_INSTANCE_UID, &["1.2", "1.7", "1.77"])],
        vec![limit(tags::REFERRING_PHYSICIAN_NAME, &["Muller^Jorg"])],
        vec![limit(tags::REFERRING_PHYSICIAN_NAME, &["Müller^Jörg", "Yamada^Tarou"])],
        vec![limit(tags::REFERRING_PHYSICIAN_NAME, &["=山田^太郎", "MULLER^JORG"])],
        vec![limit(tags::REFERRING_PHYSICIAN_NAME, &["Muller^Jorg=山田^太郎", "M*"])],
        vec![limit(tags::MODALITY, &["CT"])],
        vec![limit(tags::MODALITY, &["ct"])],
        vec![
            limit(tags::MODALITY, &["MR", "SR"]),
            limit(tags::BODY_PART_EXAMINED, &["HEAD"]),
        ],
        vec![limit(tags::INSTITUTION_NAME, &["Hospital 1"])],
        vec![limit(tags::INSTITUTION_NAME, &[""])],
        vec![
            limit(tags::STATION_NAME, &["S0", "S3"]),
            limit(tags::PATIENT_ID, &["P1"]),
        ],
        vec![limit(tags::SERIES_INSTANCE_UID, &["1.3.1", "1.4.2"])],
        vec![limit(tags::SOP_INSTANCE_UID, &["1.3.1.1", "1.4.2.2", "1.4.2.1"])],
        vec![limit(tags::SOP_CLASS_UID, &["1.2.3"])],
        vec![limit(tags::SENDING_APPLICATION_ENTITY_TITLE, &["CT1"])],
        vec![limit(tags::SENDING_APPLICATION_ENTITY_TITLE, &["C*", "ct1"])],
        vec![
            limit(tags::SENDING_APPLICATION_ENTITY_TITLE, &["CT1"]),
            limit(tags::MODALITY, &["MR", "CT"]),
            limit(tags::ISSUER_OF_PATIENT_ID, &["north"]),
        ],
        vec![
            limit(tags::SOP_CLASS_UID, &["1.2.4"]),
            limit(tags::SERIES_INSTANCE_UID, &["1.5.3"]),
        ],
    ];
    let mut some = 0;
    for limits in &table {
        let within = Within::limits(limits).unwrap();
        let seen: Vec<&Sample> = samples.iter().filter(|sample| passes(sample, limits)).collect();
        some += usize::from(!seen.is_empty() && seen.len() < samples.len());
        let by_study = count(seen.iter().copied(), |object| object.identity.study.to_string());
        let by_series = count(seen.iter().copied(), |object| object.identity.series.to_string());
        let each = count(seen.iter().copied(), |object| object.identity.sop_instance.to_string());
        for (level, expected) in [
            (Level::Study, &by_study),
            (Level::Series, &by_series),
            (Level::Object, &each),
        ] {
            assert_eq!(
                found(index, &Query::new(level), &within).await,
                *expected,
                "{level}: {limits:?}"
            );
        }
        for study in index.search(&Query::new(Level::Study), &within).await.unwrap() {
            let uid = text(&study, "0020000D");
            let of: Vec<_> = seen
                .iter()
                .filter(|sample| sample.object.identity.study.as_str() == uid)
                .collect();
            let series: BTreeSet<_> = of.iter().map(|sample| &sample.object.identity.series).collect();
            let modalities: BTreeSet<_> = of.iter().map(|sample| sample.said[&tags::MODALITY].as_str()).collect();
            assert_eq!(text(&study, "00201206"), series.len().to_string(), "{limits:?}");
            assert_eq!(study["00080061"]["Value"], json!(modalities), "{limits:?}");
        }
        // No key tells what the caller may not find.
        for (modality, like) in [("CT", "C?"), ("MR", "M*"), ("SR", "SR")] {
            for key in [modality, like] {
                let query = Query {
                    matching: vec![(tags::MODALITIES_IN_STUDY, key.to_owned())],
                    ..Query::new(Level::Study)
                };
                let expected: BTreeSet<String> = seen
                    .iter()
                    .filter(|sample| sample.said[&tags::MODALITY] == modality)
                    .map(|sample| sample.object.identity.study.to_string())
                    .collect();
                let found: BTreeSet<String> = found(index, &query, &within).await.into_keys().collect();
                assert_eq!(found, expected, "{key}: {limits:?}");
            }
        }
        for sample in samples.iter().step_by(3) {
            let identity = &sample.object.identity;
            for level in [Level::Study, Level::Series, Level::Object] {
                let expected: BTreeSet<String> = seen
                    .iter()
                    .map(|sample| &sample.object.identity)
                    .filter(|other| match level {
                        Level::Study => other.study == identity.study,
                        Level::Series => other.series == identity.series,
                        Level::Object => other.sop_instance == identity.sop_instance,
                    })
                    .map(|other| other.sop_instance.to_string())
                    .collect();
                assert_eq!(
                    located(index, sample, level, &within).await,
                    expected,
                    "{level}: {limits:?}"
                );
            }
            let in_study = Query {
                study: Some(identity.study.clone()),
                series: Some(identity.series.clone()),
                ..Query::new(Level::Object)
            };
            let expected = each
                .iter()
                .filter(|(uid, _)| uid.starts_with(&format!("{}.", identity.series)))
                .map(|(uid, one)| (uid.clone(), *one))
                .collect::<BTreeMap<_, _>>();
            assert_eq!(found(index, &in_study, &within).await, expected, "{limits:?}");
        }
    }
    assert!(some > 15, "{some}: the table is not worth its name");
}
