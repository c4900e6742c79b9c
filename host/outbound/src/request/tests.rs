use super::*;

fn check(request: Request) -> Result<Checked, Trouble> {
    Checked::new(request, &Options::default())
}

fn with_headers(headers: Vec<Header>) -> Result<Checked, Trouble> {
    check(Request {
        headers,
        ..Request::new("GET", "https://a.example/")
    })
}

#[test]
fn methods_are_a_short_list() {
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert!(check(Request::new(method, "https://a.example")).is_ok(), "{method}");
    }
    for method in [
        "",
        "get",
        "CONNECT",
        "TRACE",
        "PROPFIND",
        "GET / HTTP/1.1\r\nX:",
        "GET ",
    ] {
        let refused = check(Request::new(method, "https://a.example"));
        assert!(matches!(refused, Err(Trouble::Protocol(_))), "{method}");
    }
}

#[test]
fn urls_are_parsed_and_never_repeated_in_an_error() {
    let url = |text: &str| check(Request::new("GET", text)).map(|checked| checked.url.to_string());
    assert_eq!(url("https://A.example:443/x?y#z").unwrap(), "https://a.example/x?y");
    for (text, error) in [
        ("DOE^JOHN", "a URL is not valid: relative URL without a base"),
        ("https://DOE JOHN/", "a URL contains a space or a control character"),
        (
            "https://a.example/\r\nX: DOE",
            "a URL contains a space or a control character",
        ),
        ("file:///etc/DOE", "denied: only http:// and https:// can be asked"),
        (
            "https://DOE:JOHN@a.example/",
            "denied: a URL contains a user name or password; send them as a header",
        ),
        ("https://1.2.3.DOE.256/", "a URL is not valid: invalid IPv4 address"),
    ] {
        assert_eq!(url(text).unwrap_err().to_string(), error);
    }
    assert_eq!(
        url(&format!("https://a.example/{}", "x".repeat(MOST_URL))),
        Err(Trouble::TooLarge)
    );
}

#[test]
fn what_frames_the_message_is_not_the_plugins_to_write() {
    for name in HOST_WRITES {
        let refused = with_headers(vec![Header::new(name.to_uppercase(), "x")]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("denied: the header `{name}` is the host's to write")
        );
    }
}

#[test]
fn a_header_cannot_begin_another() {
    for name in ["", "a b", "x\r\nhost", "x:", "ä", "x\0"] {
        let refused = with_headers(vec![Header::new(name, "x")]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a header's name may have letters, digits and hyphens only"
        );
    }
    for value in ["a\r\nHost: b", "a\nb", "a\rb", "a\0b", "\u{7f}"] {
        for header in [Header::new("x-key", value), Header::secret("x-key", value)] {
            let refused = with_headers(vec![header]).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "the value of the header `x-key` contains a line break or another control"
            );
        }
    }
}

#[test]
fn headers_and_bodies_are_bounded() {
    let many = |count| with_headers(vec![Header::new("x", "y"); count]);
    assert!(many(MOST_HEADERS).is_ok());
    assert_eq!(many(MOST_HEADERS + 1).unwrap_err(), Trouble::TooLarge);
    let long = |length| with_headers(vec![Header::new("x", vec![b'y'; length])]);
    assert!(long(MOST_HEADER_BYTES - 5).is_ok());
    assert_eq!(long(MOST_HEADER_BYTES - 4).unwrap_err(), Trouble::TooLarge);
    let body = |length: usize| {
        check(Request {
            body: vec![0; length].into(),
            ..Request::new("POST", "https://a.example")
        })
    };
    assert!(body(16 << 20).is_ok());
    assert_eq!(body((16 << 20) + 1).unwrap_err(), Trouble::TooLarge);
}

#[test]
fn no_value_is_shown() {
    let request = Request {
        headers: vec![
            Header::secret("authorization", "hunter2"),
            Header::new("x-name", "DOE^JOHN"),
        ],
        body: Bytes::from_static(b"DOE^JOHN"),
        ..Request::new("POST", "https://a.example/DOE^JOHN?DOE^JOHN")
    };
    let shown = format!("{request:?}");
    assert!(!shown.contains("DOE") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("Header(authorization: ..)"), "{shown}");
    let checked = check(request).unwrap();
    assert!(checked.headers["authorization"].is_sensitive());
    assert!(!checked.headers["x-name"].is_sensitive());
}
