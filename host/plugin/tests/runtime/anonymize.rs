//! The shipped anonymizer, in its sandbox, over real objects: the edits it records are applied, and then no identifier
//! is left in a byte of the header.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use isocenter_dicom::edit::{self, Edit};
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::inflate::Inflater;
use isocenter_dicom::part10::MetaReader;
use isocenter_dicom::{TransferSyntax, tags};
use isocenter_plugin::{PluginSpec, Runtime, WasmPlugin};
use isocenter_role::Verdict;
use serde_json::json;

use crate::support::{
    Ask as _, component, element, header, header_of, item, load, passage, runtime, samples, secrets, site_key,
};

fn anonymizer(runtime: &Runtime, config: serde_json::Value) -> Arc<WasmPlugin> {
    let mut spec = PluginSpec::new("anonymize", component("anonymize.wasm"));
    spec.config = config;
    spec.grant.secrets = secrets();
    // The largest of the samples take long in a debug build; what the limit does is tested elsewhere.
    spec.limits.cpu = Some(Duration::from_secs(10));
    spec.limits.wall = Some(Duration::from_secs(30));
    load(runtime, spec).unwrap()
}

/// Filters and applies, as the pipeline does.
async fn anonymized(plugin: &Arc<WasmPlugin>, header: Arc<Header>) -> Result<Header, String> {
    let answer = plugin
        .filter(header.clone(), passage())
        .await
        .result
        .map_err(|failure| failure.to_string())?;
    if answer.verdict != Verdict::Keep {
        return Err(format!("{:?}", answer.verdict));
    }
    let edited = edit::apply(&header, &answer.edits, &site_key()).map_err(|error| error.to_string())?;
    Ok(edited.header)
}

/// The header of a Part 10 file, inflated where it must be; `None` where it does not parse.
fn read(path: &Path) -> Option<Arc<Header>> {
    let bytes = std::fs::read(path).ok()?;
    let (meta, rest) = MetaReader::new().push(&bytes).ok()??;
    let (syntax, data) = if meta.syntax.is_deflated() {
        let mut inflated = Vec::new();
        Inflater::new(64 << 20, 10_000).push(&rest, &mut inflated).ok()?;
        (TransferSyntax::lookup("1.2.840.10008.1.2.1")?, inflated)
    } else {
        (meta.syntax, rest.to_vec())
    };
    Some(Arc::new(Header::parse(syntax, &data, Limits::default()).ok()?.0))
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "dcm"));
    files.sort();
    files
}

/// Everything that identifies, as the key of the samples lists it, in the encodings in which it may be written.
fn planted(folder: &Path) -> (Vec<Vec<u8>>, Vec<String>) {
    let key: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("KEY.json")).unwrap()).unwrap();
    let texts = |name: &str| -> Vec<String> {
        key[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let mut tokens: Vec<Vec<u8>> = Vec::new();
    for text in key["tokens"]
        .as_object()
        .unwrap()
        .values()
        .map(|text| text.as_str().unwrap().to_owned())
    {
        tokens.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        tokens.push(text.into_bytes());
    }
    tokens.extend(
        texts("families")
            .into_iter()
            .chain(texts("givens"))
            .map(String::into_bytes),
    );
    for planted in key["planted"].as_array().unwrap() {
        let value = planted["value"].as_str().unwrap_or_default();
        if value.starts_with("PHIP") {
            // The unique part: a value may have been cut to its VR's length.
            tokens.push(value.bytes().take(13).collect());
        }
    }
    // The kanji of the key in ISO 2022 (JIS X 0208) and Shift JIS.
    tokens.push(b";3ED".to_vec());
    tokens.push(vec![0x8E, 0x52, 0x93, 0x63]);
    (tokens, texts("uids"))
}

fn contains(bytes: &[u8], token: &[u8]) -> bool {
    bytes.windows(token.len()).any(|window| window == token)
}

#[tokio::test]
async fn nothing_planted_is_left_in_the_header() {
    let Some(samples) = samples() else { return };
    let folder = samples.join("synthetic_phi");
    let (tokens, uids) = planted(&folder);
    let runtime = runtime();
    let mut left = String::new();
    for config in [
        json!({ "burned-in": "pass" }),
        json!({ "burned-in": "pass", "dates": "clear" }),
        json!({ "burned-in": "pass", "times": "clear" }),
    ] {
        let plugin = anonymizer(&runtime, config.clone());
        for path in files(&folder) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let header = anonymized(&plugin, read(&path).expect(&name)).await.expect(&name);
            let tokens = tokens
                .iter()
                .map(Vec::as_slice)
                .chain(uids.iter().map(String::as_bytes));
            for token in tokens.filter(|token| contains(header.bytes(), token)) {
                left.push_str(&format!("{name} {config}: {}\n", String::from_utf8_lossy(token)));
            }
        }
    }
    expect_test::expect![""].assert_eq(&left);
}

#[tokio::test]
async fn the_same_patient_stays_one_and_two_stay_two() {
    let Some(samples) = samples() else { return };
    let runtime = runtime();
    let plugin = anonymizer(&runtime, json!({}));
    let folder = samples.join("synthetic_phi");
    let of = async |name: &str| anonymized(&plugin, read(&folder.join(name)).unwrap()).await.unwrap();
    let (first, second, again) = (
        of("phi_ct_1.dcm").await,
        of("phi_ct_2.dcm").await,
        of("phi_ct_1.dcm").await,
    );
    assert_eq!(first.bytes(), again.bytes());
    for tag in [
        tags::PATIENT_ID,
        tags::PATIENT_NAME,
        tags::STUDY_INSTANCE_UID,
        tags::STUDY_DATE,
        tags::ACCESSION_NUMBER,
    ] {
        assert_eq!(first.first(tag), second.first(tag), "{tag}");
        assert!(first.first(tag).is_some(), "{tag}");
    }
    assert_ne!(
        first.first(tags::SOP_INSTANCE_UID),
        second.first(tags::SOP_INSTANCE_UID)
    );
    let patient = |id: &[u8]| {
        header_of(&[
            element(0x0010, 0x0010, b"PN", b"Same^Name"),
            element(0x0010, 0x0020, b"LO", id),
        ])
    };
    let (one, other) = (
        anonymized(&plugin, patient(b"1")).await.unwrap(),
        anonymized(&plugin, patient(b"2")).await.unwrap(),
    );
    assert_ne!(one.first(tags::PATIENT_ID), other.first(tags::PATIENT_ID));
    assert_ne!(one.first(tags::PATIENT_NAME), other.first(tags::PATIENT_NAME));
}

#[tokio::test]
async fn markers_are_set_and_depth_is_reached() {
    let runtime = runtime();
    let plugin = anonymizer(&runtime, json!({}));
    let nested = item(
        &[
            element(0x0008, 0x0020, b"DA", b"20240102"),
            element(0x0008, 0x0090, b"PN", b"Deep^Name"),
            element(0x0008, 0x1155, b"UI", b"1.2.3"),
            element(0x0009, 0x0010, b"LO", b"VENDOR"),
            element(0x0009, 0x1001, b"LO", b"private"),
        ]
        .concat(),
    );
    let header = header_of(&[
        element(0x0008, 0x0020, b"DA", b"20240102"),
        element(0x0008, 0x0030, b"TM", b"101112"),
        element(0x0008, 0x1140, b"SQ", &nested),
        element(0x0010, 0x0020, b"LO", b"P1"),
        element(0x0010, 0x0030, b"DA", b"19700101"),
        element(0x0018, 0x1030, b"LO", b"Protocol"),
        element(0x0020, 0x000D, b"UI", b"1.2.3"),
        element(0x6000, 0x0022, b"LO", b"Overlay text"),
        element(0x6000, 0x3000, b"OW", b"1234"),
    ]);
    let edited = anonymized(&plugin, header).await.unwrap();
    let mut json = edited.to_json();
    // These depend on the key, which is fixed here, so the whole object is.
    json.retain(|tag, _| tag != "00120063");
    let shown: Vec<String> = json.iter().map(|(tag, value)| format!("{tag} {value}")).collect();
    expect_test::expect![[r#"
        00080020 {"Value":["20231113"],"vr":"DA"}
        00080030 {"Value":["101112"],"vr":"TM"}
        00081140 {"Value":[{"00080020":{"Value":["20231113"],"vr":"DA"},"00080090":{"vr":"PN"},"00081155":{"Value":["2.25.166053569926743696541850923065391422348"],"vr":"UI"}}],"vr":"SQ"}
        00100020 {"Value":["a6512f1aca35ffd4533d7eb2"],"vr":"LO"}
        00100030 {"vr":"DA"}
        00120062 {"Value":["YES"],"vr":"CS"}
        00120064 {"Value":[{"00080100":{"Value":["113100"],"vr":"SH"},"00080102":{"Value":["DCM"],"vr":"SH"},"00080104":{"Value":["Basic Application Confidentiality Profile"],"vr":"LO"}},{"00080100":{"Value":["113107"],"vr":"SH"},"00080102":{"Value":["DCM"],"vr":"SH"},"00080104":{"Value":["Retain Longitudinal Temporal Information Modified Dates Option"],"vr":"LO"}}],"vr":"SQ"}
        00181030 {"Value":["REMOVED"],"vr":"LO"}
        0020000D {"Value":["2.25.166053569926743696541850923065391422348"],"vr":"UI"}
        00280303 {"Value":["MODIFIED"],"vr":"CS"}"#]].assert_eq(&shown.join("\n"));
}

#[tokio::test]
async fn every_valid_sample_is_anonymized() {
    let Some(samples) = samples() else { return };
    let runtime = runtime();
    let plugin = anonymizer(&runtime, json!({}));
    let manifest = std::fs::read_to_string(samples.join("MANIFEST.csv")).unwrap();
    let mut report = Vec::new();
    let (mut files, mut kept) = (0, 0);
    for line in manifest
        .lines()
        .filter(|line| line.contains(",valid,") || line.contains(",synthetic-valid,"))
    {
        // Names with a comma are quoted; there are none among the valid files.
        let name = line.split(',').next().unwrap();
        let Some(header) = read(&samples.join(name)) else {
            continue;
        };
        if header.identity().is_err() {
            continue;
        }
        files += 1;
        let name_before: Vec<String> = [tags::PATIENT_NAME, tags::PATIENT_ID]
            .into_iter()
            .filter_map(|tag| header.first(tag))
            .filter(|text| text.len() >= 6 && text.chars().any(char::is_alphabetic))
            .collect();
        match anonymized(&plugin, header).await {
            Ok(edited) => {
                kept += 1;
                for text in name_before
                    .iter()
                    .filter(|text| contains(edited.bytes(), text.as_bytes()))
                {
                    report.push(format!("{name}: {text} is left"));
                }
            }
            Err(why) if why.contains("burned-in") => {}
            Err(why) => report.push(format!("{name}: {why}")),
        }
    }
    println!("{kept} of {files} objects anonymized");
    assert!(files > 200 && kept > 200, "{kept} of {files}");
    expect_test::expect!["dcmqi/sparse-labelmap-ppv5.dcm: Anonymous is left"].assert_eq(&report.join("\n"));
}

#[tokio::test]
async fn configurations() {
    let runtime = runtime();
    let mut report = String::new();
    for config in [
        json!({ "max-days": 0 }),
        json!({ "retain": ["everything"] }),
        json!({ "secret": "other" }),
        json!({ "dates": "keep", "retain": ["uids", "device-identity"] }),
    ] {
        let mut spec = PluginSpec::new("anonymize", component("anonymize.wasm"));
        spec.config = config;
        spec.grant.secrets = secrets();
        let answer = load(&runtime, spec)
            .map(|_| "loads".to_owned())
            .unwrap_or_else(|error| error.to_string());
        report.push_str(&answer);
        report.push('\n');
    }
    expect_test::expect![[r#"
        the plugin `anonymize` does not load: it refuses its configuration: max-days is 0; it must be 1 to 3650
        the plugin `anonymize` does not load: its configuration does not fit: `retain[0]` must be "uids" or "device-identity" or "institution-identity" or "patient-characteristics"
        the plugin `anonymize` does not load: it uses the secret `other`, which its grant does not name (grant = { secrets = ["other"] })
        loads
    "#]].assert_eq(&report);
}

#[tokio::test]
async fn kept_uids_stay_and_the_edits_are_few() {
    let runtime = runtime();
    let plugin = anonymizer(&runtime, json!({ "dates": "keep", "retain": ["uids"] }));
    let edits = plugin.filter(header(), passage()).await.result.unwrap().edits;
    assert!(!edits.iter().any(|edit| matches!(
        edit,
        Edit::RemapUidsEverywhere { .. } | Edit::ShiftDatesEverywhere { .. }
    )));
    assert!(edits.len() < 24, "{}", edits.len());
}
