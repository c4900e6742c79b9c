use super::*;
use crate::options::Options;
use crate::request::{Header, Request};

fn follow(method: &str, status: u16, location: &str) -> Result<Option<Checked>, Trouble> {
    let request = Request {
        headers: vec![
            Header::new("Authorization", "Bearer plugin"),
            Header::new("cookie", "a=b"),
            Header::secret("x-key", "hunter2"),
            Header::new("x-key", "beside a secret of the same name"),
            Header::new("x-kept", "1"),
            Header::new("content-type", "application/json"),
        ],
        body: Bytes::from_static(b"{}"),
        ..Request::new(method, "https://a.example/dir/file?old=1")
    };
    let request = Checked::new(request, &Options::default()).unwrap();
    let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
    next(&request, StatusCode::from_u16(status).unwrap(), &headers)
}

#[test]
fn method_and_body_follow_the_status() {
    for (method, status, becomes, with_body) in [
        ("GET", 301, "GET", true),
        ("POST", 301, "GET", false),
        ("PUT", 301, "PUT", true),
        ("POST", 302, "GET", false),
        ("DELETE", 302, "DELETE", true),
        ("POST", 303, "GET", false),
        ("PUT", 303, "GET", false),
        ("HEAD", 303, "HEAD", true),
        ("POST", 307, "POST", true),
        ("POST", 308, "POST", true),
    ] {
        let next = follow(method, status, "other").unwrap().unwrap();
        assert_eq!(next.method.as_str(), becomes, "{method} {status}");
        assert_eq!(!next.body.is_empty(), with_body, "{method} {status}");
        assert_eq!(next.headers.contains_key(CONTENT_TYPE), with_body, "{method} {status}");
        assert_eq!(next.url.as_str(), "https://a.example/dir/other");
    }
}

#[test]
fn only_a_redirect_with_a_place_to_go_is_one() {
    for status in [200, 201, 300, 304, 305, 306, 400, 500] {
        assert!(
            follow("GET", status, "https://b.example/").unwrap().is_none(),
            "{status}"
        );
    }
    let request = Checked::new(Request::new("GET", "https://a.example/"), &Options::default()).unwrap();
    assert!(next(&request, StatusCode::FOUND, &HeaderMap::new()).unwrap().is_none());
}

#[test]
fn nothing_secret_travels_to_another_origin() {
    for (location, same) in [
        ("/elsewhere", true),
        ("https://a.example:443/x", true),
        ("//a.example/x", true),
        ("https://b.example/", false),
        ("//b.example/", false),
        ("https://a.example:8443/", false),
        ("https://x.a.example/", false),
    ] {
        let next = follow("POST", 307, location).unwrap().unwrap();
        for name in ["authorization", "cookie", "x-key"] {
            assert_eq!(next.headers.contains_key(name), same, "{name} to {location}");
        }
        assert!(next.headers.contains_key("x-kept"), "{location}");
    }
}

#[test]
fn what_is_no_way_to_go_is_refused() {
    for (location, error) in [
        (
            "http://a.example/",
            "denied: https://a.example redirects to http://a.example, which would give up encryption",
        ),
        ("ftp://a.example/", "denied: only http:// and https:// can be asked"),
        ("file:///etc/passwd", "denied: only http:// and https:// can be asked"),
        ("javascript:alert(1)", "denied: only http:// and https:// can be asked"),
        (
            "https://DOE@a.example/",
            "denied: a URL contains a user name or password; send them as a header",
        ),
        ("https://[DOE", "a URL is not valid: invalid IPv6 address"),
        ("/DOE JOHN", "a URL contains a space or a control character"),
    ] {
        assert_eq!(
            follow("GET", 302, location).unwrap_err().to_string(),
            error,
            "{location}"
        );
    }
}
