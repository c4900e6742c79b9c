//! All files of the shared collection, valid and broken, through everything in this crate; and the valid ones beside
//! `dicom-object`, which shares no code with it.
//!
//! The collection lies beside the repository. Without it these tests say so and pass.

use crate::body::Body;
use crate::edit::{Edit, SiteKey, apply};
use crate::inflate::{Deflater, Inflater};
use crate::part10::MetaReader;
use crate::{Header, Limits, ParseError, Path, Step, Tag, TransferSyntax, VR, Value, header, part10, tags};
use bytes::Bytes;
use dicom_core::value::{PrimitiveValue, Value as OracleValue};
use dicom_object::{DefaultDicomObject, InMemDicomObject};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Name in the collection, category, note, path.
fn files() -> Vec<(String, String, String, PathBuf)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dicom");
    let Ok(manifest) = std::fs::read_to_string(folder.join("MANIFEST.csv")) else {
        eprintln!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    // The two columns needed come before any that may be quoted; the note is the last one.
    let mut files = Vec::new();
    for line in manifest.lines().skip(1) {
        let mut columns = line.splitn(3, ',');
        let (name, category, rest) = (
            columns.next().unwrap(),
            columns.next().unwrap(),
            columns.next().unwrap(),
        );
        files.push((name.to_owned(), category.to_owned(), rest.to_owned(), folder.join(name)));
    }
    assert!(files.len() > 400, "{}", files.len());
    files
}

/// An object as the host takes one in: meta, inflated if need be, header while it arrives, the rest checked.
fn take_in(file: &[u8], chunk: usize) -> Result<(Header, Vec<Bytes>), ParseError> {
    let mut meta_reader = MetaReader::new();
    let mut chunks = file.chunks(chunk);
    let (meta, first) = loop {
        match chunks.next() {
            None => break meta_reader.finish()?,
            Some(chunk) => {
                if let Some(found) = meta_reader.push(chunk)? {
                    break found;
                }
            }
        }
    };
    let syntax = if meta.syntax.is_deflated() {
        TransferSyntax::explicit_le()
    } else {
        meta.syntax.clone()
    };
    let mut inflater = meta.syntax.is_deflated().then(|| Inflater::new(64 << 20, 200));
    let mut reader = Some(header::HeaderReader::new(syntax.clone(), Limits::default()));
    let mut body = Body::verbatim(&syntax);
    let mut whole = None;
    let mut out = Vec::new();
    for piece in std::iter::once(first).chain(chunks.map(Bytes::copy_from_slice)) {
        let piece = match &mut inflater {
            Some(inflater) => {
                let mut inflated = Vec::new();
                inflater.push(&piece, &mut inflated)?;
                Bytes::from(inflated)
            }
            None => piece,
        };
        let Some(mut reading) = reader.take() else {
            body.push(piece, &mut out)?;
            continue;
        };
        if reading.push_bytes(piece)? == header::Progress::PixelDataReached {
            let (header, rest) = reading.finish()?;
            whole = Some(header);
            body.push(rest, &mut out)?;
        } else {
            reader = Some(reading);
        }
    }
    if let Some(inflater) = inflater {
        inflater.finish()?;
    }
    if let Some(reading) = reader {
        whole = Some(reading.finish()?.0);
    }
    body.finish(&mut out)?;
    Ok((whole.unwrap(), out))
}

fn anonymize() -> Vec<Edit> {
    vec![
        Edit::Clear(tags::PATIENT_ID.into()),
        Edit::RemoveEverywhere(tags::PATIENT_BIRTH_DATE),
        Edit::RemovePrivate {
            keep_creators: vec!["SIEMENS CSA HEADER".into()],
        },
        Edit::RemapUidsEverywhere { keep: vec![] },
        Edit::ShiftDatesEverywhere { days: -77 },
        Edit::Set {
            at: tags::PATIENT_NAME.into(),
            value: Value::Text(vec!["ANONYMOUS".into()]),
        },
    ]
}

#[test]
fn every_file_is_taken_in_or_refused_quickly() {
    let (mut taken, mut refused, mut nameless) = (Vec::new(), Vec::new(), Vec::new());
    for (name, category, _, path) in files() {
        let bytes = std::fs::read(&path).unwrap();
        let started = Instant::now();
        let result = take_in(&bytes, 50_000).map(|(header, body)| {
            header::tests::exercise(&header);
            let edited =
                apply(&header, &anonymize(), &SiteKey::new([1; 32])).unwrap_or_else(|error| panic!("{name}: {error}"));
            header::tests::exercise(&edited.header);
            assert_eq!(edited.header.first(tags::PATIENT_NAME).as_deref(), Some("ANONYMOUS"));
            assert_eq!(
                edited
                    .header
                    .table()
                    .iter()
                    .filter(|e| e.tag == tags::PATIENT_BIRTH_DATE)
                    .count(),
                0,
                "{name}"
            );
            // A second reading, in other pieces, sees the same.
            let (again, body_again) = take_in(&bytes, 4093).unwrap();
            assert_eq!(
                (again.bytes(), again.to_json()),
                (header.bytes(), header.to_json()),
                "{name}"
            );
            assert_eq!(body.concat(), body_again.concat());
            let mut tail = Body::edited(header.syntax(), edited.tail);
            let mut out = Vec::new();
            tail.push(Bytes::from(body.concat()), &mut out).unwrap();
            tail.finish(&mut out).unwrap();
            header.identity()
        });
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_secs(5), "{name} took {elapsed:?}");
        let must_be_taken =
            matches!(category.as_str(), "valid" | "synthetic-valid" | "synthetic-phi") && !name.contains("DICOMDIR");
        match result {
            Ok(Ok(_)) => taken.push(name),
            Ok(Err(missing)) => {
                if must_be_taken {
                    nameless.push(name.clone());
                }
                refused.push(format!("{name}: {missing}"));
            }
            Err(error) => {
                assert!(!must_be_taken || name == "pydicom/rtstruct.dcm", "{name}: {error}");
                refused.push(format!("{name}: {error}"));
            }
        }
    }
    // Valid as data sets, but without the UIDs by which an archive files: colour palettes, which belong to no study, and
    // files that were cut down. (pydicom/rtstruct.dcm is a bare data set, not a file.)
    let expected = [
        "fo-dicom/multiframe.dcm",
        "pydicom-data/JLSL_08_07_0_1F.dcm",
        "pydicom/JPEGLSNearLossless_16.dcm",
        "pydicom/chrSQEncoding1.dcm",
        "pydicom/fall.dcm",
        "pydicom/hotiron.dcm",
        "pydicom/hotmetalblue.dcm",
        "pydicom/pet.dcm",
        "pydicom/pet20step.dcm",
        "pydicom/spring.dcm",
        "pydicom/summer.dcm",
        "pydicom/winter.dcm",
    ];
    assert!(taken.is_empty() || nameless == expected, "{nameless:#?}");
    if std::env::var_os("SHOW_CORPUS").is_some() {
        println!("TAKEN\n{}\n\nREFUSED\n{}", taken.join("\n"), refused.join("\n"));
    }
}

/// What the host must do with files of the synthetic family whose flaw is known.
#[test]
fn known_flaws() {
    let Some(folder) = files()
        .first()
        .and_then(|(name, .., path)| path.ancestors().nth(name.split('/').count()).map(ToOwned::to_owned))
    else {
        return;
    };
    let cases: &[(&str, &str)] = &[
        ("mal_00_reference_ok", ""),
        ("mal_bad_vr_zz", "name no value representation"),
        ("mal_bad_vr_binary", "name no value representation"),
        ("mal_data_set_trailing_padding", ""),
        ("mal_deflate_bomb", "past the limit"),
        ("mal_deflate_truncated", "ends in the middle"),
        ("mal_deflate_zlib_header", "zlib header"),
        ("mal_enc_no_end", ""),
        ("mal_enc_frag_len_undefined", "cannot have undefined length"),
        ("mal_enc_truncated_jpeg", ""), // the fragment is whole, only the JPEG in it is not
        ("mal_group0000_in_file", ""),
        ("mal_html_as_dcm", "is not a DICOM file"),
        ("mal_item_len_lies", "goes beyond the item or sequence"),
        ("mal_len_beyond_eof", "past the limit"),
        ("mal_len_undefined_ut", "cannot have undefined length"),
        ("mal_nested_sq_64", ""),
        ("mal_nested_sq_5000", "nested more than 64 deep"),
        ("mal_nested_sq_50000", "nested more than 64 deep"),
        ("mal_odd_length", ""),
        ("mal_pixel_len_beyond", "(7FE0,0010)"),
        ("mal_sq_no_delim", "where an item (FFFE,E000) or a sequence delimiter"),
        ("mal_trailing_garbage", "after the pixel data"),
        ("mal_truncated_90", "ends inside"),
        ("mal_ts_unknown", "the transfer syntax 1.2.3.4.5 is unknown"),
        ("mal_un_sq_implicit", ""),
        ("mal_us_len3", ""),
    ];
    for (name, expected) in cases {
        let bytes = std::fs::read(folder.join(format!("synthetic/{name}.dcm"))).unwrap();
        let found = take_in(&bytes, 100)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            if expected.is_empty() {
                found.is_empty()
            } else {
                found.contains(expected)
            },
            "{name}: {found:?}"
        );
    }
}

/// Person names of the character set family, as the manifest states them.
#[test]
fn person_names_in_every_character_set() {
    for (name, _, rest, path) in files() {
        let Some(expected) = rest
            .split("PatientName \"\"")
            .nth(1)
            .and_then(|rest| rest.split("\"\"").next())
        else {
            continue;
        };
        let (header, _) = take_in(&std::fs::read(&path).unwrap(), 10_000).unwrap();
        // The files were written without the empty phonetic group that the manifest shows.
        let expected = expected.trim_end_matches('=');
        assert_eq!(header.first(tags::PATIENT_NAME).as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn prefaces_are_read_by_others() {
    let mut seen = 0;
    for (name, category, _, path) in files() {
        if category != "synthetic-valid" || !name.contains("qr_p0") {
            continue;
        }
        let (header, body) = take_in(&std::fs::read(&path).unwrap(), 10_000).unwrap();
        let identity = header.identity().unwrap();
        let file = [
            &part10::preface(&identity, header.syntax())[..],
            header.bytes(),
            &body.concat(),
        ]
        .concat();
        let object = dicom_object::from_reader(&file[..]).unwrap();
        assert_eq!(
            object.meta().media_storage_sop_instance_uid(),
            identity.sop_instance.as_str()
        );
        assert_eq!(
            object.meta().implementation_class_uid(),
            part10::IMPLEMENTATION_CLASS_UID
        );
        seen += 1;
    }
    assert!(seen > 0 || files().is_empty());
}

#[test]
fn deflated_files_come_back() {
    for (name, category, rest, path) in files() {
        if category != "valid" || !rest.contains("1.2.840.10008.1.2.1.99") {
            continue;
        }
        let (header, body) = take_in(&std::fs::read(&path).unwrap(), 1000).unwrap();
        let data_set = [&header.bytes()[..], &body.concat()].concat();
        let mut deflater = Deflater::new();
        let mut deflated = Vec::new();
        deflater.push(&data_set, &mut deflated);
        deflater.finish(&mut deflated);
        let syntax = TransferSyntax::lookup("1.2.840.10008.1.2.1.99").unwrap();
        let file = [&part10::preface(&header.identity().unwrap(), &syntax)[..], &deflated].concat();
        assert_eq!(take_in(&file, 333).unwrap().0.bytes(), header.bytes(), "{name}");
    }
}

#[test]
fn the_same_as_dicom_object() {
    let mut compared = 0;
    for (name, category, rest, path) in files() {
        if !category.contains("valid") || rest.contains("cannot read") || rest.contains("1.2.840.10008.1.2.1.99") {
            continue;
        }
        let Ok(oracle): Result<DefaultDicomObject, _> = dicom_object::open_file(&path) else {
            continue;
        };
        let (header, _) = take_in(&std::fs::read(&path).unwrap(), 100_000).unwrap();
        compare(&name, &header, &[], &oracle);
        compared += 1;
    }
    assert!(compared > 200 || files().is_empty(), "{compared}");
    println!("{compared} files compared");
}

fn compare(name: &str, header: &Header, within: &[Step], oracle: &InMemDicomObject) {
    // What follows the pixel data, and that itself, is not in the header.
    let expected: Vec<Tag> = oracle
        .iter()
        .map(|e| e.header().tag)
        .filter(|&tag| !within.is_empty() || tag < tags::FLOAT_PIXEL_DATA)
        .collect();
    let mut found = header.tags(within);
    // The oracle drops group lengths and keeps one of each tag.
    found.retain(|tag| expected.contains(tag) || tag.element() != 0);
    assert_eq!(found, expected, "{name} {within:?}");
    for tag in expected {
        let element = oracle.element(tag).unwrap();
        let path = Path {
            within: within.to_vec(),
            tag,
        };
        match element.value() {
            OracleValue::Sequence(sequence) => {
                let items = sequence.items();
                assert_eq!(header.items(&path), Some(items.len() as u32), "{name} {path}");
                for (item, oracle) in items.iter().enumerate() {
                    let mut within = within.to_vec();
                    within.push(Step {
                        sequence: tag,
                        item: item as u32,
                    });
                    compare(name, header, &within, oracle);
                }
            }
            OracleValue::Primitive(value) => {
                compare_value(&format!("{name} {path}"), header, &path, value, element.vr())
            }
            OracleValue::PixelSequence(_) => assert!(header.element(&path).is_some()),
        }
    }
}

fn compare_value(place: &str, header: &Header, path: &Path, oracle: &PrimitiveValue, vr: VR) {
    let Some(found) = header.value(path) else {
        // A sequence that states UN, which the oracle does not look into.
        assert_eq!(vr, VR::UN, "{place}");
        return;
    };
    if vr == VR::UN || matches!(oracle, PrimitiveValue::Empty) {
        return;
    }
    match found {
        Value::Text(texts) => {
            // Sets that the oracle does not read, or reads otherwise.
            let set = header.first(tags::SPECIFIC_CHARACTER_SET).unwrap_or_default();
            let sets = header.text(tags::SPECIFIC_CHARACTER_SET).unwrap_or_default();
            let ascii = header.element(path).unwrap().bytes().is_ascii()
                && !header.element(path).unwrap().bytes().contains(&0x1B);
            let known = sets.len() == 1
                && matches!(
                    set.as_str(),
                    "ISO_IR 100" | "ISO_IR 192" | "ISO_IR 101" | "ISO_IR 144" | "GB18030"
                );
            if !ascii && !known {
                return;
            }
            let clean = |text: &str| text.trim_matches([' ', '\0']).to_owned();
            let expected: Vec<String> = oracle.to_str().split('\\').map(clean).collect();
            let found: Vec<String> = texts.iter().flat_map(|text| text.split('\\')).map(clean).collect();
            let expected: Vec<String> = if expected.iter().all(String::is_empty) && found.is_empty() {
                vec![]
            } else {
                expected
            };
            assert_eq!(found, expected, "{place}");
        }
        Value::Signed(numbers) => assert_eq!(numbers, oracle.to_multi_int::<i64>().unwrap(), "{place}"),
        Value::Unsigned(numbers) => {
            // The oracle does not ask Pixel Representation.
            if !matches!(oracle, PrimitiveValue::I16(_)) {
                assert_eq!(numbers, oracle.to_multi_int::<u64>().unwrap(), "{place}");
            }
        }
        Value::Real(numbers) => {
            let expected = oracle.to_multi_float64().unwrap();
            assert_eq!(numbers.len(), expected.len(), "{place}");
            for (a, b) in numbers.iter().zip(expected) {
                assert!(
                    (a - b).abs() <= b.abs() * 1e-6 || a.is_nan() && b.is_nan() || *a == b,
                    "{place}: {a} {b}"
                );
            }
        }
        Value::Tags(tags) => {
            let PrimitiveValue::Tags(expected) = oracle else {
                panic!("{place}")
            };
            assert_eq!(tags, expected.to_vec(), "{place}");
        }
        Value::Bytes(bytes) => {
            if let PrimitiveValue::U8(expected) = oracle {
                assert_eq!(bytes, expected.as_slice(), "{place}");
            }
        }
    }
}

/// The JSON of a few files, element by element, as an independent reader writes it.
#[test]
fn json_of_a_known_file() {
    let Some((.., path)) = files()
        .into_iter()
        .find(|(name, ..)| name == "synthetic/mal_00_reference_ok.dcm")
    else {
        return;
    };
    let (header, _) = take_in(&std::fs::read(path).unwrap(), 100).unwrap();
    let json: BTreeMap<String, String> = header
        .to_json()
        .into_iter()
        .map(|(key, value)| (key, value.to_string()))
        .collect();
    let shown: String = json.iter().map(|(key, value)| format!("{key} {value}\n")).collect();
    expect_test::expect![[r#"
        00080005 {"Value":["ISO_IR 192"],"vr":"CS"}
        00080016 {"Value":["1.2.840.10008.5.1.4.1.1.7"],"vr":"UI"}
        00080018 {"Value":["2.25.4896128549025407374932874163"],"vr":"UI"}
        00080020 {"Value":["20260101"],"vr":"DA"}
        00080030 {"Value":["120000"],"vr":"TM"}
        00080050 {"vr":"SH"}
        00080060 {"Value":["OT"],"vr":"CS"}
        00080064 {"Value":["SYN"],"vr":"CS"}
        00080090 {"vr":"PN"}
        00100010 {"Value":[{"Alphabetic":"Mal^Formed"}],"vr":"PN"}
        00100020 {"Value":["MAL1"],"vr":"LO"}
        00100030 {"vr":"DA"}
        00100040 {"vr":"CS"}
        0020000D {"Value":["2.25.14832237442717315030108327452"],"vr":"UI"}
        0020000E {"Value":["2.25.2959842532543600040026901857"],"vr":"UI"}
        00200010 {"Value":["1"],"vr":"SH"}
        00200011 {"Value":[1],"vr":"IS"}
        00200013 {"Value":[1],"vr":"IS"}
        00280002 {"Value":[1],"vr":"US"}
        00280004 {"Value":["MONOCHROME2"],"vr":"CS"}
        00280010 {"Value":[8],"vr":"US"}
        00280011 {"Value":[8],"vr":"US"}
        00280100 {"Value":[8],"vr":"US"}
        00280101 {"Value":[8],"vr":"US"}
        00280102 {"Value":[7],"vr":"US"}
        00280103 {"Value":[0],"vr":"US"}
    "#]]
    .assert_eq(&shown);
}
