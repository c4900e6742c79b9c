use isocenter::fake::{self, reply};

use super::*;

fn event(kind: &str, data: Value) -> Event {
    Event {
        cursor: 1,
        unix_millis: 1,
        kind: kind.into(),
        data: data.to_string(),
    }
}

fn held(sender: &str) -> Event {
    event(
        "object.quarantined",
        json!({ "study": "1.2.3", "object": "1.2.3.4", "plugin": "edge", "calling_ae": sender }),
    )
}

fn config() -> Config {
    serde_json::from_value(json!({ "channel": "#pacs", "link": "https://pacs.example/" })).unwrap()
}

#[test]
fn a_batch_is_one_message_without_identifiers() {
    let host = fake::Host::new();
    host.on_http(|_| reply(200, br#"{"ok": true}"#));
    let dead = event(
        "delivery.dead",
        json!({ "study": "1.2.3", "object": "1.2.3.4", "destination": "research" }),
    );
    let other = event("something.new", json!({ "study": "1.2.3" }));
    Notify::deliver(&[held("CT1"), other, dead, held("CT1"), held("<!channel>")], &config()).unwrap();
    let [sent] = host.sent().try_into().unwrap();
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(
        body["text"],
        "1 × held by edge, from &lt;!channel&gt;\n2 × held by edge, from CT1\n1 × not delivered to research\n\
         https://pacs.example/"
    );
    assert!(!body.to_string().contains("1.2.3"));
    assert_eq!(sent.headers[0].1, "Bearer <secret slack-token>");
}

#[test]
fn nothing_to_tell_is_no_message() {
    let host = fake::Host::new();
    Notify::deliver(&[event("object.stored", json!({}))], &config()).unwrap();
    assert!(host.sent().is_empty());
}

#[test]
fn what_is_not_taken_is_told_again() {
    let host = fake::Host::new();
    let limited = || Ok((429, vec![("retry-after".into(), "30".into())], Vec::new()));
    for (answer, again) in [
        (reply(200, br#"{"ok": false, "error": "channel_not_found"}"#), 60),
        (limited(), 30),
        (reply(503, b""), 10),
        (Err(fake::HttpTrouble::Timeout), 10),
    ] {
        host.on_http(move |_| answer.clone());
        let error = Notify::deliver(&[held("CT1")], &config()).unwrap_err();
        assert_eq!(error.after_seconds(), Some(again), "{}", error.reason());
    }
}
