use isocenter::{Value, fake};

use super::*;

fn study() -> fake::Study {
    let object = |series, number: &str| fake::Object::of("1.2", series, number);
    let members = vec![object("1", "1.1"), object("2", "2.1"), object("2", "2.2")];
    fake::Study::of("1.2", members).with_volume("2", &[2, 1, 2], &[0.0, 1.0, 2.0, 3.0])
}

fn config(wait_seconds: u32) -> Config {
    serde_json::from_value(serde_json::json!({ "model": "double", "threshold": 4, "wait-seconds": wait_seconds }))
        .unwrap()
}

#[test]
fn the_largest_series_is_measured_after_a_pause() {
    let host = fake::Host::new();
    host.on_model("double", |inputs| {
        let image = inputs.get("image").unwrap();
        assert_eq!(image.shape, [1, 1, 2, 1, 2]);
        let doubled: Vec<f32> = image.to_f32().iter().map(|value| 2.0 * value).collect();
        Ok(vec![("mask".into(), fake::Numbers::of_f32(&image.shape, &doubled))])
    });
    let study = study();
    let mut results = fake::Results::default();
    let first = Measure::start(&mut study.study(), &mut results.results(), &config(60)).unwrap();
    assert_eq!(first, Next::wait("3", 60));
    assert!(results.drafts.is_empty());

    let last = Measure::resume(b"1", &mut study.study(), &mut results.results(), &config(60)).unwrap();
    assert_eq!(last, Next::Done);
    let [report] = results.drafts.as_slice() else {
        panic!("{results:?}")
    };
    assert_eq!(report.kind, DraftKind::StructuredReport);
    assert_eq!(report.sources, ["2.1"]);
    let finding = Path::inside(&[tags::CONTENT_SEQUENCE.item(0)], tags::TEXT_VALUE);
    let expected = Value::Text(vec!["2 of 4 voxels are at least 4".into()]);
    assert_eq!(report.get(finding), Some(&expected));
}

#[test]
fn what_is_missing_is_said() {
    let mut results = fake::Results::default();
    for (study, expected) in [
        (study(), "the model is not configured, or not granted"),
        (fake::Study::of("1.2", vec![]), "the study is empty"),
        (
            fake::Study::of("1.2", vec![fake::Object::of("1.2", "1", "1.1")]),
            "the shape does not fit: the series is no volume",
        ),
    ] {
        let error = Measure::start(&mut study.study(), &mut results.results(), &config(0)).unwrap_err();
        assert_eq!(error.reason(), expected);
    }
    assert!(results.drafts.is_empty());
}
