//! Which base a client gets.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::BaseUrl;

#[test]
fn chosen_from_configuration_then_request_then_address() {
    let listen = "127.0.0.1:8080";
    type Case = (
        Option<&'static str>,
        &'static [(&'static str, &'static str)],
        &'static str,
    );
    let table: Vec<Case> = vec![
        (None, &[], "http://127.0.0.1:8080"),
        (None, &[("host", "pacs:80")], "http://pacs:80"),
        (None, &[("host", "127.0.0.1")], "http://127.0.0.1:8080"),
        (None, &[("host", "127.0.0.1:80")], "http://127.0.0.1:80"),
        (None, &[("host", "[::1]:8080")], "http://[::1]:8080"),
        (
            None,
            &[
                ("host", "inner"),
                ("x-forwarded-host", "outer.example, inner"),
                ("x-forwarded-proto", "https"),
            ],
            "https://outer.example",
        ),
        (
            None,
            &[("host", "h"), ("x-forwarded-prefix", "/pacs/")],
            "http://h/pacs",
        ),
        (
            Some("https://pacs.example/x/"),
            &[("host", "h")],
            "https://pacs.example/x",
        ),
        // What is no host, no scheme, no path is not repeated.
        (None, &[("host", "h\"><script>")], "http://127.0.0.1:8080"),
        (None, &[("host", "h/path")], "http://127.0.0.1:8080"),
        (None, &[("host", "h"), ("x-forwarded-proto", "javascript")], "http://h"),
        (None, &[("host", "h"), ("x-forwarded-prefix", "//evil")], "http://h"),
        (None, &[("host", "h"), ("x-forwarded-prefix", "/<b>")], "http://h"),
    ];
    for (configured, headers, expected) in table {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(
            BaseUrl::choose(configured, &map, None, listen),
            BaseUrl(expected.to_owned()),
            "{headers:?}"
        );
    }
}
