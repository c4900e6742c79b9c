use isocenter::fake;

use super::*;

fn batch() -> Vec<Event> {
    let event = |cursor| Event {
        cursor,
        unix_millis: 1,
        kind: "object.stored".into(),
        data: r#"{"object": "1.2.3"}"#.into(),
    };
    vec![event(7), event(9)]
}

fn config() -> Config {
    serde_json::from_str(r#"{"url": "https://hooks.example.org/dicom"}"#).unwrap()
}

#[test]
fn a_batch_is_one_post() {
    let host = fake::Host::new();
    host.on_http(|_| fake::reply(204, b""));
    Webhook::deliver(&batch(), &config()).unwrap();
    let [sent] = host.sent().try_into().unwrap();
    assert_eq!(
        (sent.method.as_str(), sent.url.as_str()),
        ("POST", "https://hooks.example.org/dicom")
    );
    let headers: Vec<String> = sent
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(
        headers,
        [
            "idempotency-key: 9",
            "authorization: Bearer <secret webhook>",
            "content-type: application/json"
        ]
    );
    assert_eq!(
        String::from_utf8(sent.body).unwrap(),
        r#"[{"cursor":7,"data":{"object":"1.2.3"},"kind":"object.stored","unix-millis":1},{"cursor":9,"data":{"object":"1.2.3"},"kind":"object.stored","unix-millis":1}]"#
    );
}

#[test]
fn failures_are_tried_again_or_not() {
    let host = fake::Host::new();
    for (answer, again) in [
        (fake::reply(503, b""), true),
        (fake::reply(429, b""), true),
        (fake::reply(400, b""), false),
        (Err(fake::HttpTrouble::Timeout), true),
        (Err(fake::HttpTrouble::Denied("not granted".into())), false),
    ] {
        host.on_http(move |_| answer.clone());
        let error = Webhook::deliver(&batch(), &config()).unwrap_err();
        assert_eq!(error.after_seconds().is_some(), again, "{}", error.reason());
    }
}
