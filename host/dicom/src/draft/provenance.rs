//! What every draft says of where it comes from: its UIDs, when and by what it was made, and from what.

use super::Work;
use super::kind::Kind;
use super::script::Script;
use crate::header::Identity;
use crate::path::Step;
use crate::uid::Uid;
use crate::{Tag, tags};

pub(super) fn write(work: &Work<'_>, script: &mut Script) {
    let issue = work.issue;
    script.text(tags::SOP_CLASS_UID, work.kind.sop_class());
    script.text(tags::SOP_INSTANCE_UID, issue.instance.as_str());
    script.text(tags::SERIES_INSTANCE_UID, issue.series.as_str());
    script.text(tags::INSTANCE_CREATION_DATE, &work.created.date);
    script.text(tags::INSTANCE_CREATION_TIME, &work.created.time);
    for (tag, text) in [
        (tags::SERIES_DATE, &work.created.date),
        (tags::SERIES_TIME, &work.created.time),
        (tags::CONTENT_DATE, &work.created.date),
        (tags::CONTENT_TIME, &work.created.time),
    ] {
        if !work.has_value(tag) {
            script.text(tag, text);
        }
    }
    equipment(work, script);
    contribution(work, script);
    match work.kind {
        Kind::SecondaryCapture | Kind::Segmentation | Kind::ParametricMap => {
            if !work.has_value(tags::DERIVATION_DESCRIPTION) {
                script.text(tags::DERIVATION_DESCRIPTION, made_by(work));
            }
            for (number, source) in numbered(work.sources) {
                let item = script.item(&[], tags::SOURCE_IMAGE_SEQUENCE, number);
                reference(&item, source, script);
                script.code(
                    &item,
                    tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
                    "121322",
                    "Source image for image processing operation",
                );
            }
            if work.kind != Kind::SecondaryCapture {
                common_instance_reference(work, script);
            }
            lossy(work, script);
        }
        Kind::EncapsulatedPdf => {
            for (number, source) in numbered(work.sources) {
                let item = script.item(&[], tags::SOURCE_INSTANCE_SEQUENCE, number);
                reference(&item, source, script);
            }
        }
        Kind::StructuredReport => evidence(work, script),
        Kind::PresentationState => {
            if !work.has(tags::REFERENCED_SERIES_SEQUENCE) {
                by_series(
                    work.sources.iter().collect(),
                    &[],
                    tags::REFERENCED_IMAGE_SEQUENCE,
                    script,
                );
            }
        }
    }
}

fn numbered(sources: &[Identity]) -> impl Iterator<Item = (u32, &Identity)> {
    (0..).zip(sources)
}

fn made_by(work: &Work<'_>) -> String {
    let maker = &work.issue.maker;
    format!(
        "Made by {} {} in Isocenter {}",
        maker.plugin, maker.plugin_version, maker.host_version
    )
}

/// Versions of host and plugin (0018,1020).
fn versions(work: &Work<'_>) -> [String; 2] {
    let maker = &work.issue.maker;
    [
        format!("Isocenter {}", maker.host_version),
        format!("{} {}", maker.plugin, maker.plugin_version),
    ]
}

/// General and Enhanced General Equipment (PS3.3 §C.7.5): the plugin is the device, unless it names another.
fn equipment(work: &Work<'_>, script: &mut Script) {
    let maker = &work.issue.maker;
    let serial = maker.digest.rsplit(':').next().and_then(|digest| digest.get(..16));
    for (tag, text) in [
        (tags::MANUFACTURER, "Isocenter"),
        (tags::MANUFACTURER_MODEL_NAME, &maker.plugin),
        (tags::DEVICE_SERIAL_NUMBER, serial.unwrap_or("0")),
    ] {
        if !work.has_value(tag) {
            script.text(tag, text);
        }
    }
    if !work.has_value(tags::SOFTWARE_VERSIONS) {
        script.texts(tags::SOFTWARE_VERSIONS, &versions(work).each_ref().map(String::as_str));
    }
}

/// What the author cannot change (PS3.3 §C.12.1.1.5).
fn contribution(work: &Work<'_>, script: &mut Script) {
    let maker = &work.issue.maker;
    let item = script.item(&[], tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, 0);
    script.code(
        &item,
        tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
        "109102",
        "Processing Equipment",
    );
    script.text_in(&item, tags::MANUFACTURER, "Isocenter");
    script.text_in(&item, tags::MANUFACTURER_MODEL_NAME, &maker.plugin);
    script.set(
        &item,
        tags::SOFTWARE_VERSIONS,
        crate::Value::Text(versions(work).to_vec()),
    );
    script.text_in(&item, tags::CONTRIBUTION_DATE_TIME, &work.created.date_time);
    script.text_in(&item, tags::CONTRIBUTION_DESCRIPTION, made_by(work));
}

fn reference(within: &[Step], source: &Identity, script: &mut Script) {
    script.text_in(within, tags::REFERENCED_SOP_CLASS_UID, source.sop_class.as_str());
    script.text_in(within, tags::REFERENCED_SOP_INSTANCE_UID, source.sop_instance.as_str());
}

/// The distinct values, in the order of their first appearance.
fn distinct<'a>(sources: &[&'a Identity], uid: fn(&Identity) -> &Uid) -> Vec<&'a Uid> {
    let mut seen = Vec::new();
    for source in sources {
        let uid = uid(source);
        if !seen.contains(&uid) {
            seen.push(uid);
        }
    }
    seen
}

/// A Referenced Series Sequence (0008,1115) of these objects, each in a sequence of the name given.
fn by_series(sources: Vec<&Identity>, within: &[Step], instances: Tag, script: &mut Script) {
    for (number, series) in (0..).zip(distinct(&sources, |source| &source.series)) {
        let item = script.item(within, tags::REFERENCED_SERIES_SEQUENCE, number);
        script.text_in(&item, tags::SERIES_INSTANCE_UID, series.as_str());
        let members = sources.iter().filter(|source| source.series == *series);
        for (number, source) in (0..).zip(members) {
            let item = script.item(&item, instances, number);
            reference(&item, source, script);
        }
    }
}

/// Common Instance Reference (PS3.3 §C.12.2): objects of this study, and of others.
fn common_instance_reference(work: &Work<'_>, script: &mut Script) {
    let own = work.sources.first().map(|first| &first.study);
    let (here, elsewhere): (Vec<_>, Vec<_>) = work.sources.iter().partition(|source| Some(&source.study) == own);
    if !work.has(tags::REFERENCED_SERIES_SEQUENCE) {
        by_series(here, &[], tags::REFERENCED_INSTANCE_SEQUENCE, script);
    }
    let other = tags::STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE;
    if !work.has(other) {
        by_study(&elsewhere, other, tags::REFERENCED_INSTANCE_SEQUENCE, script);
    }
}

fn by_study(sources: &[&Identity], sequence: Tag, instances: Tag, script: &mut Script) {
    for (number, study) in (0..).zip(distinct(sources, |source| &source.study)) {
        let item = script.item(&[], sequence, number);
        script.text_in(&item, tags::STUDY_INSTANCE_UID, study.as_str());
        let members = sources.iter().copied().filter(|source| source.study == *study);
        by_series(members.collect(), &item, instances, script);
    }
}

/// What a report is about (PS3.3 §C.17.2.1).
fn evidence(work: &Work<'_>, script: &mut Script) {
    let sequence = tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE;
    if !work.has(sequence) {
        let sources: Vec<&Identity> = work.sources.iter().collect();
        by_study(&sources, sequence, tags::REFERENCED_SOP_SEQUENCE, script);
    }
}

/// What was made from a picture that has been compressed with loss has lost it too (PS3.3 §C.7.6.1.1.5).
fn lossy(work: &Work<'_>, script: &mut Script) {
    let from = work
        .headers
        .iter()
        .find(|source| source.first(tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some("01"));
    match from {
        Some(source) => {
            script.text(tags::LOSSY_IMAGE_COMPRESSION, "01");
            for tag in [
                tags::LOSSY_IMAGE_COMPRESSION_RATIO,
                tags::LOSSY_IMAGE_COMPRESSION_METHOD,
            ] {
                let mut texts = source.text(tag).unwrap_or_default();
                texts.retain(|text| crate::edit::accepts(tag, text));
                if !texts.is_empty() && !work.has_value(tag) {
                    script.texts(tag, &texts.iter().map(String::as_str).collect::<Vec<_>>());
                }
            }
        }
        None if !work.has_value(tags::LOSSY_IMAGE_COMPRESSION) => script.text(tags::LOSSY_IMAGE_COMPRESSION, "00"),
        None => {}
    }
}
