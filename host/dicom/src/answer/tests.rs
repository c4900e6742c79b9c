use super::*;
use crate::header::{Header, Limits};
use serde_json::json;

fn map(json: Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

fn read(bytes: &[u8], syntax: &TransferSyntax) -> Header {
    let (header, rest) = Header::parse(syntax.clone(), bytes, Limits::default()).unwrap();
    assert!(rest.is_empty());
    header
}

fn everything() -> Map<String, Json> {
    map(json!({
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080020": {"vr": "DA", "Value": ["20240102"]},
        "00080061": {"vr": "CS", "Value": ["CT", null, "MR"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}]},
        "00100020": {"vr": "LO"},
        "00101030": {"vr": "DS", "Value": [70.5]},
        "00201206": {"vr": "IS", "Value": [3]},
        "00280010": {"vr": "US", "Value": [512]},
        "00280103": {"vr": "US", "Value": [1]},
        "00280106": {"vr": "SS", "Value": [-3]},
        "00189087": {"vr": "FD", "Value": [0.1]},
        "00280009": {"vr": "AT", "Value": ["00181063"]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["SPS"]}}, {}]},
        "00420011": {"vr": "OB", "InlineBinary": "AQID"},
    }))
}

#[test]
fn what_is_written_is_read_again() {
    for syntax in [TransferSyntax::explicit_le(), TransferSyntax::implicit_le()] {
        let header = read(&data_set(&everything(), &syntax, None), &syntax);
        let mut expected = everything();
        // Padded to an even length, which no reader can tell from its value.
        expected.insert("00420011".into(), json!({"vr": "OB", "InlineBinary": "AQIDAA=="}));
        assert_eq!(Json::from(header.to_json()), Json::from(expected));
    }
}

#[test]
fn the_character_set_is_the_preferred_one_where_it_can_be() {
    let explicit = TransferSyntax::explicit_le();
    let stated = |name: &str, preferred: Option<&str>| {
        let elements = map(json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]}}));
        let bytes = data_set(&elements, &explicit, preferred);
        let header = read(&bytes, &explicit);
        assert_eq!(header.first(tags::PATIENT_NAME).as_deref(), Some(name));
        header.text(tags::SPECIFIC_CHARACTER_SET).map(|terms| terms.join("\\"))
    };
    let table = [
        ("Smith^John", Some("ISO_IR 100"), None),
        ("Müller^Jörg", None, Some("ISO_IR 192")),
        ("Müller^Jörg", Some("ISO_IR 100"), Some("ISO_IR 100")),
        ("Иванов", Some("ISO_IR 100"), Some("ISO_IR 192")),
        ("Иванов", Some("ISO_IR 144"), Some("ISO_IR 144")),
        ("王^小东", Some("GB18030"), Some("GB18030")),
        ("山田^太郎", Some("\\ISO 2022 IR 87"), Some("\\ISO 2022 IR 87")),
        ("김^희중", Some("\\ISO 2022 IR 149"), Some("\\ISO 2022 IR 149")),
        ("김^희중", Some("nonsense"), Some("ISO_IR 192")),
    ];
    for (name, preferred, expected) in table {
        assert_eq!(stated(name, preferred).as_deref(), expected, "{name} in {preferred:?}");
    }
}

#[test]
fn what_is_not_allowed_goes_out_all_the_same() {
    let explicit = TransferSyntax::explicit_le();
    let long = "x".repeat(70_000);
    let elements = map(json!({
        "00080020": {"vr": "DA", "Value": ["yesterday"]},
        "00080060": {"vr": "CS", "Value": ["tüte"]},
        "00081030": {"vr": "LO", "Value": [long]},
        "nonsense": {"vr": "LO", "Value": ["x"]},
    }));
    let bytes = data_set(&elements, &explicit, None);
    let header = read(&bytes, &explicit);
    assert_eq!(header.first(tags::STUDY_DATE).as_deref(), Some("yesterday"));
    assert_eq!(header.first(tags::MODALITY).as_deref(), Some("t?te"));
    assert_eq!(header.first(tags::STUDY_DESCRIPTION), Some(long));
}
