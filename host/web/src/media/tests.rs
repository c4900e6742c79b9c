//! Tables of media types as clients send them.

use super::MediaType;

#[test]
fn quoted_and_bare_parameters_are_the_same() {
    let cases = [
        r#"multipart/related; type="application/dicom"; transfer-syntax=*"#,
        r#"multipart/related;type=application/dicom;transfer-syntax=*"#,
        r#"Multipart/Related ; TYPE = "application/dicom" ; Transfer-Syntax = "*""#,
    ];
    for case in cases {
        let media = MediaType::parse(case).unwrap();
        assert_eq!(media.essence(), "multipart/related", "{case}");
        assert_eq!(media.parameter("type"), Some("application/dicom"), "{case}");
        assert_eq!(media.parameter("transfer-syntax"), Some("*"), "{case}");
        assert_eq!(media.parameter("boundary"), None, "{case}");
    }
}

#[test]
fn what_is_no_media_type_is_none() {
    for case in ["", "dicom", "/", "a/", "/b", "application dicom/x", ";type=a/b"] {
        assert_eq!(MediaType::parse(case), None, "{case}");
    }
}

#[test]
fn lists_split_outside_quotes() {
    let list = MediaType::list(r#"a/b; x="1, \"2\"; 3", c/d;q=0.5 , nonsense, */*;q=0"#);
    let read: Vec<_> = list.iter().map(|media| (media.essence(), media.weight())).collect();
    assert_eq!(read, [("a/b", 1000), ("c/d", 500), ("*/*", 0)]);
    assert_eq!(list[0].parameter("x"), Some(r#"1, "2"; 3"#));
}

#[test]
fn weights() {
    let cases = [
        ("a/b", 1000),
        ("a/b;q=1", 1000),
        ("a/b;q=1.000", 1000),
        ("a/b;q=0.001", 1),
        ("a/b;q=0.5", 500),
        ("a/b;q=0", 0),
        ("a/b;q=7", 1000),
        ("a/b;q=x", 1000),
        ("a/b;q=-1", 1000),
        ("a/b;q=0.1234", 1000),
    ];
    for (text, expected) in cases {
        assert_eq!(MediaType::parse(text).unwrap().weight(), expected, "{text}");
    }
}
