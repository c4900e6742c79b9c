use isocenter::fake;
use serde_json::{Value, json};

use super::*;

fn text(value: &str) -> Value {
    json!({ "vr": "LO", "Value": [value] })
}

/// An archive of one study, with so many series.
fn archive(series: usize) -> fake::Host {
    let host = fake::Host::new();
    host.on_search(move |query| {
        let found = match query.as_str() {
            "studies?StudyInstanceUID=1.2.3&limit=1" => vec![json!({
                "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "<script>^Jane" }] },
                "00081030": text("Chest & neck"),
            })],
            "studies/1.2.3/series?limit=201" => (0..series)
                .map(|_| json!({ "00080060": text("CT"), "0008103E": text("<b>axial") }))
                .collect(),
            other if other.starts_with("studies?StudyInstanceUID=") => Vec::new(),
            other => return Err(format!("the test has no answer for {other}")),
        };
        Ok(Value::from(found).to_string())
    });
    host
}

fn page(request: &fake::Request) -> (u16, String) {
    let mut response = fake::Response::default();
    Summary::handle(&request.request(), &mut response.response(), &Config {}).unwrap();
    (response.status, response.text())
}

fn of(study: &str) -> (u16, String) {
    page(&fake::Request::get("/").with_query("study", study))
}

#[test]
fn what_objects_say_is_text() {
    let _host = archive(1);
    let (status, page) = of("1.2.3");
    assert_eq!(status, 200);
    assert!(page.contains("<h1>&lt;script&gt; Jane</h1>"), "{page}");
    assert!(
        page.contains("Chest &amp; neck<br>") && page.contains("<td>&lt;b&gt;axial<td>"),
        "{page}"
    );
    assert!(!page.contains("more than"));
}

#[test]
fn a_long_page_says_that_it_ends() {
    let _host = archive(201);
    let (_, page) = of("1.2.3");
    assert_eq!(page.matches("<tr><td>").count(), 200);
    assert!(page.contains("more than these 200 series"));
}

#[test]
fn what_is_not_there_is_not_found() {
    let _host = archive(1);
    for study in ["1.2.4", "", "*", "1.2.3/series", "1.2.3\\1.2.4"] {
        assert_eq!(of(study), (404, "no such study\n".into()), "{study}");
    }
    assert_eq!(page(&fake::Request::post("/", b"")).0, 404);
    assert_eq!(page(&fake::Request::get("/other")).0, 404);
}
