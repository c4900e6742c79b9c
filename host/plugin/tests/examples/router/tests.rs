use isocenter::fake;

use super::*;

#[test]
fn rooms() {
    let config: Config = serde_json::from_str(r#"{"rooms": {"CT": "room-1"}}"#).unwrap();
    for (modality, expected) in [("CT", Some("room-1")), ("MR", None), ("", None)] {
        let object = fake::Object::default().with_text(tags::MODALITY, b"CS", modality);
        let mut plan = fake::Plan::over(&["room-1", "room-2"]);
        Rooms::route(&object.object(), &mut plan.plan(), &config).unwrap();
        assert_eq!(plan.sends.keys().next().map(String::as_str), expected, "{modality}");
    }
    let refused = Rooms::check(&config, &["room-2".into()]).unwrap_err();
    assert_eq!(refused.reason(), "`room-1` is no configured destination");
}
