use super::*;

#[test]
fn a_header_reads_back() {
    let cases = [
        ("1.2.3.dcm", 0, 0, Kind::File),
        ("1.2.3.dcm", 1, 1_790_000_000, Kind::File),
        ("PaxHeaders/1.2.3.dcm", 511, 1, Kind::Extended),
        (&"9".repeat(100), LARGEST, LARGEST, Kind::File),
    ];
    for (name, size, modified, kind) in cases {
        let expected = Header {
            name: name.to_owned(),
            size,
            modified,
            kind,
        };
        assert_eq!(read(&header(&expected)), Read::Header(expected));
    }
}

#[test]
fn a_size_beyond_the_field_is_left_to_the_record() {
    let written = Header {
        name: "a".into(),
        size: LARGEST + 1,
        modified: 0,
        kind: Kind::File,
    };
    let Read::Header(found) = read(&header(&written)) else {
        panic!("not a header")
    };
    assert_eq!(found.size, 0);
}

#[test]
fn what_is_not_a_header_says_so() {
    assert_eq!(read(&[0; BLOCK]), Read::Zero);
    assert!(matches!(read(&[1; BLOCK]), Read::Bad(_)));
    let good = header(&Header {
        name: "a".into(),
        size: 1,
        modified: 0,
        kind: Kind::File,
    });
    for at in 0..BLOCK {
        let mut bad = good;
        bad[at] ^= 1;
        assert!(matches!(read(&bad), Read::Bad(_)), "a flip at {at} went unnoticed");
    }
}

#[test]
fn records_read_back_at_every_length() {
    for length in 0..1200 {
        let value = "v".repeat(length);
        let mut body = Vec::new();
        put_record(&mut body, "k", &value);
        put_record(&mut body, "second", "a=b\nc");
        assert_eq!(records(&body), Some(vec![("k", value.as_str()), ("second", "a=b\nc")]));
    }
}

#[test]
fn malformed_records_are_none() {
    for body in ["x", "5 a=b", "99 a=b\n", "0 a=b\n", "6 ab\n\n", " a=b\n", "3 \n"] {
        assert_eq!(records(body.as_bytes()), None, "{body:?}");
    }
}
