use std::time::Duration;

use isocenter_dimse::AeTitle;

use super::{ByteSize, CollectorUrl, HttpUrl, PeerAddress, Setting};

#[test]
fn sizes() {
    let table = [
        ("512 B", Some(512)),
        ("64KiB", Some(65_536)),
        ("128 MiB", Some(134_217_728)),
        ("2  GiB", Some(2_147_483_648)),
        ("20 KB", Some(20_000)),
        ("10 MB", Some(10_000_000)),
        ("1 GB", Some(1_000_000_000)),
        (" 1 MiB", Some(1_048_576)),
        ("0 MiB", None),
        ("128", None),
        ("128 mib", None),
        ("1.5 GiB", None),
        ("-1 B", None),
        ("MiB", None),
        ("", None),
        ("99999999999 GiB", None),
        ("99999999999999999999 B", None),
    ];
    for (text, bytes) in table {
        assert_eq!(ByteSize::parse(text).map(ByteSize::bytes), bytes, "{text:?}");
    }
}

#[test]
fn sizes_are_shown_in_the_largest_whole_unit() {
    let table = [
        ("1024 B", "1 KiB"),
        ("1025 B", "1025 B"),
        ("2048 MiB", "2 GiB"),
        ("1 MB", "1000000 B"),
    ];
    for (text, shown) in table {
        assert_eq!(
            ByteSize::parse(text).map(|size| size.to_string()).as_deref(),
            Some(shown)
        );
    }
}

#[test]
fn durations() {
    let table = [
        ("500 ms", Some(500)),
        ("2 s", Some(2_000)),
        ("2s", Some(2_000)),
        ("10 min", Some(600_000)),
        ("1 h", Some(3_600_000)),
        ("7 d", Some(604_800_000)),
        ("365 d", Some(31_536_000_000)),
        ("366 d", None),
        ("0 s", None),
        ("5", None),
        ("1.5 s", None),
        ("2 seconds", None),
        ("18446744073709551615 h", None),
        ("", None),
    ];
    for (text, milliseconds) in table {
        assert_eq!(
            Duration::parse(text),
            milliseconds.map(Duration::from_millis),
            "{text:?}"
        );
    }
}

#[test]
fn ae_titles() {
    let table = [
        ("ISOCENTER", true),
        ("CT 1", true),
        ("ABCDEFGHIJKLMNOP", true),
        ("ABCDEFGHIJKLMNOPQ", false),
        ("", false),
        (" CT ", true),
        ("   ", false),
        ("A\\B", false),
        ("RÖNTGEN", false),
        ("A\tB", false),
    ];
    for (text, right) in table {
        assert_eq!(<AeTitle as Setting>::parse(text).is_some(), right, "{text:?}");
    }
}

#[test]
fn peer_addresses() {
    let table = [
        ("10.0.0.7:104", Some("10.0.0.7:104")),
        ("[fd00::7]:104", Some("[fd00::7]:104")),
        ("pacs.example:11112", Some("pacs.example:11112")),
        ("pacs_2:104", Some("pacs_2:104")),
        ("pacs.example", None),
        ("pacs.example:0", None),
        ("10.0.0.7:0", None),
        ("pacs.example:70000", None),
        (":104", None),
        ("fd00::7:104", None),
        ("http://pacs:104", None),
        ("", None),
    ];
    for (text, shown) in table {
        let address = PeerAddress::parse(text).map(|address| address.to_string());
        assert_eq!(address.as_deref(), shown, "{text:?}");
    }
}

#[test]
fn urls() {
    let table = [
        ("https://pacs.example/", Some("https://pacs.example")),
        ("http://10.0.0.1:8080/pacs", Some("http://10.0.0.1:8080/pacs")),
        ("https://[::1]:8443", Some("https://[::1]:8443")),
        ("ftp://pacs.example", None),
        ("pacs.example", None),
        ("https://", None),
        ("https:///x", None),
        ("https://pacs example", None),
    ];
    for (text, kept) in table {
        let url = HttpUrl::parse(text);
        assert_eq!(url.as_ref().map(HttpUrl::as_str), kept, "{text:?}");
    }
}

#[test]
fn where_a_listening_service_is_reached() {
    let table = [
        ("127.0.0.1:11112", Some("127.0.0.1:11112")),
        ("0.0.0.0:11112", Some("127.0.0.1:11112")),
        ("[::]:11112", Some("[::1]:11112")),
        ("10.0.0.7:104", Some("10.0.0.7:104")),
        ("127.0.0.1:0", None),
    ];
    for (listen, reached) in table {
        let address = PeerAddress::reaching(listen.parse().unwrap());
        assert_eq!(
            address.map(|address| address.to_string()).as_deref(),
            reached,
            "{listen}"
        );
    }
}

#[test]
fn collectors() {
    let table = [
        ("http://127.0.0.1:4318", Some(("127.0.0.1:4318", "/v1/traces"))),
        ("http://otel.example:4318/", Some(("otel.example:4318", "/v1/traces"))),
        (
            "http://[fd00::7]:4318/site-1/",
            Some(("[fd00::7]:4318", "/site-1/v1/traces")),
        ),
        (
            "http://otel.example:4318/v1/traces",
            Some(("otel.example:4318", "/v1/traces")),
        ),
        ("http://otel.example", None),
        ("https://otel.example:4318", None),
        ("otel.example:4318", None),
        ("http://user@otel.example:4318", None),
        ("http://otel.example:4318/?x=y", None),
        ("http://otel.example:4318/a b", None),
    ];
    for (text, expected) in table {
        let found = CollectorUrl::parse(text).map(|url| (url.address().to_string(), url.path()));
        let found = found.as_ref().map(|(address, path)| (address.as_str(), path.as_str()));
        assert_eq!(found, expected, "{text:?}");
    }
}
