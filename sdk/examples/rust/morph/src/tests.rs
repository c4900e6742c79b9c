use isocenter::Path;
use isocenter::fake::{self, Edit};

use super::*;

fn config(rows: &[[&str; 3]]) -> Config {
    serde_json::from_value(serde_json::json!({ "system": "St Mary's PACS", "rows": rows })).unwrap()
}

fn edits(object: &fake::Object, config: &Config) -> Vec<Edit> {
    let mut edits = fake::Edits::default();
    let passage = fake::Passage::default();
    let verdict = Morph::apply(&object.object(), &passage.passage(), &mut edits.edits(), config).unwrap();
    assert_eq!(format!("{verdict:?}"), "Verdict::Keep");
    edits.recorded
}

#[test]
fn what_changes_is_kept_first() {
    let config = config(&[["StationName", "CT_OLD", "CT-2"], ["StationName", "CT-2", "CT-3"]]);
    let object = fake::Object::default().with_text(tags::STATION_NAME, b"SH", "CT_OLD ");
    let edits = edits(&object, &config);
    let within = [
        tags::ORIGINAL_ATTRIBUTES_SEQUENCE.item(0),
        tags::MODIFIED_ATTRIBUTES_SEQUENCE.item(0),
    ];
    let old = Edit::Set(
        Path::inside(&within, tags::STATION_NAME),
        Value::Text(vec!["CT_OLD ".into()]),
    );
    let new = Edit::Set(tags::STATION_NAME.into(), Value::Text(vec!["CT-2".into()]));
    assert!(edits.ends_with(&[old, new]), "{edits:?}");
}

#[test]
fn other_values_stay_as_they_are() {
    let config = config(&[["StationName", "CT_OLD", "CT-2"]]);
    for value in ["CT_OLD2", "ct_old", "", "CT_OLD\\CT_OLD"] {
        let object = fake::Object::default().with_text(tags::STATION_NAME, b"SH", value);
        assert_eq!(edits(&object, &config), [], "{value}");
    }
    assert_eq!(edits(&fake::Object::default(), &config), []);
}

#[test]
fn tables_that_are_refused() {
    for (rows, reason) in [
        (
            &[["StationNme", "a", "b"]][..],
            "`StationNme` is neither a keyword (StationName) nor a tag (0008,1010)",
        ),
        (
            &[["StudyInstanceUID", "1.2", "1.3"]],
            "`StudyInstanceUID` identifies or describes the object, and stays",
        ),
        (
            &[["0028,0010", "4", "8"]],
            "`0028,0010` identifies or describes the object, and stays",
        ),
        (
            &[["StationName", "a", "b"], ["0008,1010", "a", "c"]],
            "two rows are for the same value of `0008,1010`",
        ),
    ] {
        assert_eq!(Morph::check(&config(rows)).unwrap_err().reason(), reason);
    }
}
