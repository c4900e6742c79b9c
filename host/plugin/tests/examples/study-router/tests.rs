use isocenter::fake;

use super::*;

#[test]
fn complete_studies_are_sent() {
    let object = |series: &str, description: &str| {
        fake::Object::of("1.2", series, "1.2.3").with_text(tags::SERIES_DESCRIPTION, b"LO", description)
    };
    for (config, members, sent) in [
        (r#"{"min-series": 1, "send-to": "ai"}"#, vec![], false),
        (r#"{"min-series": 1, "send-to": "ai"}"#, vec![object("1", "T1")], true),
        (
            r#"{"min-series": 2, "send-to": "ai"}"#,
            vec![object("1", "T1"), object("1", "T1")],
            false,
        ),
        (
            r#"{"min-series": 2, "send-to": "ai"}"#,
            vec![object("1", "T1"), object("2", "T2")],
            true,
        ),
        (
            r#"{"min-series": 1, "last-series": "T2", "send-to": "ai"}"#,
            vec![object("1", "T1"), object("2", "T2")],
            true,
        ),
        (
            r#"{"min-series": 1, "last-series": "T2", "send-to": "ai"}"#,
            vec![object("1", "T1"), object("2", "DWI")],
            false,
        ),
    ] {
        let study = fake::Study::of("1.2", members);
        let mut plan = fake::Plan::over(&["ai"]);
        let parsed: Config = serde_json::from_str(config).unwrap();
        Complete::check(&parsed, &["ai".into()]).unwrap();
        Complete::route_study(&mut study.study(), &mut plan.plan(), &parsed).unwrap();
        assert_eq!(plan.sends.contains_key("ai"), sent, "{config}");
    }
}
