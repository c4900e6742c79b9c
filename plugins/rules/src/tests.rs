use isocenter::{fake, tags};

use super::*;

fn config(json: &str) -> Config {
    serde_json::from_str(json).unwrap()
}

#[test]
fn patterns() {
    for (pattern, text, expected) in [
        ("CT", "CT", true),
        ("CT", "CTA", false),
        ("CT*", "CTA", true),
        ("*", "", true),
        ("", "", true),
        ("", "x", false),
        ("?", "", false),
        ("?T", "CT", true),
        ("*BRAIN*", "MR BRAIN 3T", true),
        ("*a*b", "aaab", true),
        ("*a*b", "aaac", false),
        ("a**b", "ab", true),
        ("山*", "山田", true),
        ("ct", "CT", false),
    ] {
        assert_eq!(pattern::matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn names_of_attributes() {
    for (name, expected) in [
        ("modality", Some(tags::MODALITY)),
        ("Modality", Some(tags::MODALITY)),
        ("patient-id", Some(tags::PATIENT_ID)),
        ("sop-class-uid", Some(tags::SOP_CLASS_UID)),
        ("study-description", Some(tags::STUDY_DESCRIPTION)),
        ("body-part-examined", Some(tags::BODY_PART_EXAMINED)),
        ("0008,1030", Some(tags::STUDY_DESCRIPTION)),
        ("modalitty", None),
    ] {
        assert_eq!(attribute(name).ok(), expected, "{name}");
    }
}

#[test]
fn plans() {
    let rules = r#"{"default": ["archive"], "rules": [
        {"when": {"modality": ["CT", "MR"]}, "send-to": ["research"], "priority": 3},
        {"when": {"StudyDescription": "*BRAIN*", "Rows": "512"}, "send-to": ["brain", "research"], "delay-seconds": 9},
        {"when": {"BodyPartExamined": "", "modality": "US"}, "send-to": ["brain"]}
    ]}"#;
    for (modality, description, rows, expected) in [
        ("CT", "CHEST", 512, vec![("research", (0, 3))]),
        ("CT", "A BRAIN", 512, vec![("brain", (9, 100)), ("research", (9, 3))]),
        ("CR", "A BRAIN", 256, vec![("archive", (0, 100))]),
        ("US", "", 1, vec![("brain", (0, 100))]),
    ] {
        let object = fake::Object::default()
            .with_text(tags::MODALITY, b"CS", modality)
            .with_text(tags::STUDY_DESCRIPTION, b"LO", description)
            .with(tags::ROWS, b"US", Value::Unsigned(vec![rows]));
        let mut plan = fake::Plan::over(&["archive", "brain", "research"]);
        Rules::route(&object.object(), &mut plan.plan(), &config(rules)).unwrap();
        let found: Vec<_> = plan.sends.iter().map(|(name, send)| (name.as_str(), *send)).collect();
        assert_eq!(found, expected, "{modality} {description}");
    }
}

#[test]
fn what_check_refuses() {
    for (json, expected) in [
        (
            r#"{"rules": [{"when": {"modality": "CT"}, "send-to": ["a"]}], "default": ["b"]}"#,
            "fine",
        ),
        (
            "{}",
            "it has neither rules nor default destinations, so it would send nothing",
        ),
        (
            r#"{"rules": [{"send-to": ["c"]}]}"#,
            "rule 1 sends to `c`, which is not configured (configured: a, b)",
        ),
        (
            r#"{"default": ["c"]}"#,
            "default sends to `c`, which is not configured (configured: a, b)",
        ),
        (
            r#"{"rules": [{"send-to": []}]}"#,
            "rule 1 names no destination in send-to",
        ),
        (
            r#"{"rules": [{"send-to": ["a"]}, {"when": {"Modalitty": "CT"}, "send-to": ["a"]}]}"#,
            "rule 2: `Modalitty` is neither an attribute keyword of PS3.6 nor a tag",
        ),
    ] {
        let answer = Rules::check(&config(json), &["a".into(), "b".into()]);
        assert_eq!(
            answer.map_or_else(|error| error.reason().to_owned(), |()| "fine".into()),
            expected
        );
    }
}
