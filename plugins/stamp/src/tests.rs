use isocenter::fake::{self, Edit};
use isocenter::tags;

use super::*;

const STATION: Tag = Tag(0x0008_1010);

fn config(json: serde_json::Value) -> Config {
    serde_json::from_value(json).unwrap()
}

#[test]
fn configurations_are_checked() {
    let cases = [
        (serde_json::json!({ "set": { "StationName": "CT" } }), None),
        (serde_json::json!({ "remove": ["(0010,4000)"] }), None),
        (serde_json::json!({}), Some("nothing to do")),
        (
            serde_json::json!({ "set": { "StatoinName": "CT" } }),
            Some("neither an attribute's keyword"),
        ),
        (
            serde_json::json!({ "fill": { "StudyInstanceUID": "1.2" } }),
            Some("objects are filed by it"),
        ),
        (
            serde_json::json!({ "clear": ["Rows"] }),
            Some("the pixels are read by it"),
        ),
        (
            serde_json::json!({ "remove": ["0002,0010"] }),
            Some("belongs to the file"),
        ),
    ];
    for (json, expected) in cases {
        let checked = Stamp::check(&config(json.clone()));
        match (checked, expected) {
            (Ok(()), None) => {}
            (Err(error), Some(part)) => {
                assert!(error.reason().contains(part), "{json}: {}", error.reason())
            }
            (other, _) => panic!("{json}: {other:?}"),
        }
    }
}

#[test]
fn objects_are_stamped() {
    let set = |tag: Tag, text: &str| Edit::Set(tag.into(), Value::Text(text.split('\\').map(str::to_owned).collect()));
    let object = fake::Object::default()
        .with_text(STATION, b"SH", "CT01")
        .with_text(tags::INSTITUTION_NAME, b"LO", "");
    let cases = [
        (
            serde_json::json!({ "set": { "StationName": "CT-2" } }),
            vec![set(STATION, "CT-2")],
        ),
        (
            serde_json::json!({ "set": { "ImageType": "DERIVED\\SECONDARY" } }),
            vec![set(tags::IMAGE_TYPE, "DERIVED\\SECONDARY")],
        ),
        (serde_json::json!({ "fill": { "StationName": "CT-2" } }), vec![]),
        (
            serde_json::json!({ "fill": { "InstitutionName": "X" } }),
            vec![set(tags::INSTITUTION_NAME, "X")],
        ),
        (
            serde_json::json!({ "fill": { "Manufacturer": "X" } }),
            vec![set(tags::MANUFACTURER, "X")],
        ),
        (
            serde_json::json!({ "clear": ["StationName", "Manufacturer"] }),
            vec![Edit::Clear(STATION.into())],
        ),
        (
            serde_json::json!({ "remove": ["0008,1010"] }),
            vec![Edit::Remove(STATION.into())],
        ),
    ];
    for (json, expected) in cases {
        let mut edits = fake::Edits::default();
        let passage = fake::Passage::default();
        let verdict = Stamp::apply(
            &object.object(),
            &passage.passage(),
            &mut edits.edits(),
            &config(json.clone()),
        )
        .unwrap();
        assert!(matches!(verdict, Verdict::Keep));
        assert_eq!(edits.recorded, expected, "{json}");
    }
}
