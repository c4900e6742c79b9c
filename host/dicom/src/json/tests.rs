//! DICOM JSON, value by value.

use super::*;
use crate::TransferSyntax;
use crate::header::tests::{Writer, header, sample, syntaxes};
use serde_json::json;

#[test]
fn the_same_in_every_encoding() {
    let expected = json!({
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
        "00080018": {"vr": "UI", "Value": ["1.2.3.4"]},
        "00080020": {"vr": "DA", "Value": ["20240228"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00081110": {"vr": "SQ"},
        "00081140": {"vr": "SQ", "Value": [
            {
                "00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
                "00081155": {"vr": "UI", "Value": ["1.2.3.9"]},
                "0040A170": {"vr": "SQ", "Value": [{
                    "00080100": {"vr": "SH", "Value": ["121311"]},
                    "00090010": {"vr": "LO", "Value": ["ACME"]},
                }]},
            },
            {},
        ]},
        "00090010": {"vr": "LO", "Value": ["ACME"]},
        "00091001": {"vr": "UN", "InlineBinary": "AQIDBA=="},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg", "Ideographic": "é"}]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3.1"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.3.2"]},
        "00200032": {"vr": "DS", "Value": [-1.5, 0, 100.0]},
        "00280010": {"vr": "US", "Value": [512]},
    });
    for syntax in syntaxes() {
        for defined in [true, false] {
            assert_eq!(
                Json::Object(header(&syntax, &sample(&syntax, defined)).to_json()),
                expected,
                "{syntax:?}"
            );
        }
    }
}

#[test]
fn values() {
    let cases: &[(VR, &[u8], Json)] = &[
        (VR::LO, b"", json!({})),
        (VR::LO, b"  ", json!({})),
        (VR::LO, b"a\\\\b ", json!({"Value": ["a", null, "b"]})),
        (VR::LT, b" a\\b ", json!({"Value": [" a\\b"]})),
        (
            VR::PN,
            b"Yamada^Tarou=\xE5\xB1\xB1==",
            json!({"Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山"}]}),
        ),
        (
            VR::PN,
            b"a\\\\=b",
            json!({"Value": [{"Alphabetic": "a"}, null, {"Ideographic": "b"}]}),
        ),
        (VR::IS, b"+12\\-3 \\x\\", json!({"Value": [12, -3, "x", null]})),
        (
            VR::DS,
            b"1.50\\.5\\1e3\\inf\\1,5\\-0",
            json!({"Value": [1.5, 0.5, 1000.0, "inf", "1,5", 0]}),
        ),
        (VR::AT, b"\x10\x00\x20\x00", json!({"Value": ["00100020"]})),
        (VR::SS, b"\xFF\xFF\x01\x00", json!({"Value": [-1, 1]})),
        (
            VR::UV,
            b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
            json!({"Value": ["18446744073709551615"]}),
        ),
        (VR::SV, b"\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", json!({"Value": [-2]})),
        (VR::FL, b"\xCD\xCC\xCC\x3D\x00\x00\x80\x3F", json!({"Value": [0.1, 1]})),
        (
            VR::FL,
            b"\x00\x00\xC0\x7F\x00\x00\x80\xFF",
            json!({"Value": ["NaN", "-Infinity"]}),
        ),
        (VR::FD, b"\x00\x00\x00\x00\x00\x00\xF8\x3F", json!({"Value": [1.5]})),
        (VR::UI, b"1.2.3\0", json!({"Value": ["1.2.3"]})),
        (VR::DA, b"2024 ", json!({"Value": ["2024"]})),
        (VR::OB, b"ab", json!({"InlineBinary": "YWI="})),
        (VR::OW, b"abcdef", json!({"InlineBinary": "YWJjZGVm"})),
        (VR::OB, b"", json!({})),
        (VR::UN, b"a", json!({"InlineBinary": "YQ=="})),
        (VR::UR, b"http://a/b?c\\d ", json!({"Value": ["http://a/b?c\\d"]})),
    ];
    for (vr, raw, expected) in cases {
        let tag = Tag(0x0009, 0x1001);
        let mut w = Writer::le();
        w.put(tag, *vr, raw);
        let json = header(&TransferSyntax::explicit_le(), &w.bytes).to_json();
        let mut expected = expected.clone();
        expected["vr"] = json!(vr.to_string());
        assert_eq!(json["00091001"], expected, "{vr:?} {raw:02X?}");
    }
}

#[test]
fn big_endian_words_are_turned() {
    for (vr, expected) in [
        (VR::OB, "AQIDBAUGBwg="),
        (VR::OW, "AgEEAwYFCAc="),
        (VR::OF, "BAMCAQgHBgU="),
        (VR::OD, "CAcGBQQDAgE="),
    ] {
        let mut w = Writer::new(&TransferSyntax::explicit_be());
        w.put(Tag(0x0009, 0x1001), vr, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let json = header(&TransferSyntax::explicit_be(), &w.bytes).to_json();
        assert_eq!(json["00091001"]["InlineBinary"], expected, "{vr:?}");
    }
}

#[test]
fn left_out() {
    let mut w = Writer::le();
    w.put(Tag(0x0008, 0), VR::UL, &[0; 4])
        .put(Tag(0x0009, 0x1001), VR::OB, &vec![0; INLINE + 1])
        .put(Tag(0x0009, 0x1002), VR::OB, &vec![0; INLINE]);
    let header = header(&TransferSyntax::explicit_le(), &w.bytes);
    let json = header.to_json();
    assert_eq!(json.keys().collect::<Vec<_>>(), ["00091001", "00091002"]);
    assert_eq!(json["00091001"], json!({"vr": "OB"}));
    assert!(json["00091002"]["InlineBinary"].is_string());
    assert_eq!(
        header
            .json_of(&[Tag(0x0009, 0x1001), Tag(0x0008, 0), tags::PATIENT_ID])
            .keys()
            .collect::<Vec<_>>(),
        ["00091001"]
    );
}

#[test]
fn keys() {
    assert_eq!(key(Tag(0x7FE0, 0x0010)), "7FE00010");
    assert_eq!(key(Tag(0x0008, 0x00FA)), "000800FA");
}
