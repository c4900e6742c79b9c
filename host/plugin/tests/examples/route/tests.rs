use isocenter::fake;

use super::*;

fn answer(request: &fake::Request) -> fake::Response {
    let mut response = fake::Response::default();
    Page::handle(&request.request(), &mut response.response(), &Config::default()).unwrap();
    response
}

#[test]
fn the_page_lists_studies() {
    let host = fake::Host::new();
    host.on_search(|query| {
        assert!(
            query == "studies?limit=100" || query == "studies?PatientID=a%26b&limit=100",
            "{query}"
        );
        Ok(r#"[{"00080020": {"vr": "DA", "Value": ["20240102"]},
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": "<b>^Jane"}]}}]"#
            .into())
    });
    let page = answer(&fake::Request::get("/"));
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<li>20240102 &lt;b&gt;^Jane "), "{}", page.text());
    answer(&fake::Request::get("/").with_query("patient", "a&b"));
}

#[test]
fn an_object_is_streamed() {
    let host = fake::Host::new();
    host.store(fake::Object::of("1", "1.2", "1.2.3"));
    let response = answer(&fake::Request::get("/object/1.2.3"));
    assert_eq!(response.body, [fake::Body::Object("1.2.3".into())]);
    for (request, text) in [
        (fake::Request::get("/object/1.2.4"), "no such object\n"),
        (fake::Request::get("/elsewhere"), "GET / or /object/UID\n"),
        (fake::Request::post("/", b""), "GET / or /object/UID\n"),
    ] {
        let response = answer(&request);
        assert_eq!((response.status, response.text().as_str()), (404, text));
    }
}
