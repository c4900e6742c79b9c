use super::*;

fn grant(entries: &[&str]) -> Grant {
    Grant::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// Whether a URL is granted, by its text alone.
fn granted(grant: &Grant, url: &str) -> Result<(), String> {
    let url = Url::parse(url).unwrap();
    grant.judge(&Origin::of(&url).unwrap(), url.path())
}

#[test]
fn an_entry_that_cannot_be_granted_says_what_would_be_right() {
    for (entry, error) in [
        (
            "api.example.org",
            "`api.example.org` cannot be granted: it has no scheme; \
             write https://HOST, https://HOST:PORT or https://HOST/PREFIX",
        ),
        (
            "ftp://api.example.org",
            "`ftp://api.example.org` cannot be granted: only http:// and https:// can be granted; \
             write https://HOST, https://HOST:PORT or https://HOST/PREFIX",
        ),
        (
            "https://*.example.org",
            "`https://*.example.org` cannot be granted: there are no wildcards; name each host",
        ),
        (
            "http://localhost:8080",
            "`http://localhost:8080` cannot be granted: this machine must be named by its address, http://127.0.0.1:8080",
        ),
        (
            "https://a.localhost",
            "`https://a.localhost` cannot be granted: this machine must be named by its address, https://127.0.0.1",
        ),
        (
            "https://user:pass@api.example.org/x",
            "`https://…@api.example.org/x` cannot be granted: it contains a user name or password; write https://HOST, \
             https://HOST:PORT or https://HOST/PREFIX, and let the plugin send a secret as a header",
        ),
        (
            "https://api.example.org/?key=secret",
            "`https://api.example.org/` cannot be granted: a query or fragment is not part of a grant; \
             write https://HOST, https://HOST:PORT or https://HOST/PREFIX",
        ),
        (
            "https://api.example.org/a/../b",
            "`https://api.example.org/a/../b` cannot be granted: a prefix must be written in its normal form, /b",
        ),
        (
            "https://api.example.org/a%2fb",
            "`https://api.example.org/a%2fb` cannot be granted: \
             a prefix must be plain: no encoded characters, no empty parts",
        ),
        (
            "https://api.example.org:0",
            "`https://api.example.org:0` cannot be granted: there is no port 0",
        ),
        (
            "http://0.0.0.0:80",
            "`http://0.0.0.0:80` cannot be granted: 0.0.0.0 cannot be asked: it is no host's address",
        ),
        (
            "http://[::ffff:10.0.0.5]",
            "`http://[::ffff:10.0.0.5]` cannot be granted: ::ffff:10.0.0.5 cannot be asked: \
             write the IPv4 address that is in it",
        ),
        (
            "https://api.example.org.",
            "`https://api.example.org.` cannot be granted: write the host without the dot at its end",
        ),
    ] {
        let refused = Grant::parse(&["https://fine.example".to_owned(), entry.to_owned()]);
        assert_eq!(refused.unwrap_err().to_string(), error);
    }
    for entry in [
        "",
        "https://",
        "https://a b",
        "https://a\nb",
        "https://300.1.1.1",
        "https://a..b",
        "https://a/b//c",
        "https://a/b//",
        "https://a//",
        "https://a\\b",
        "https://a$b.example",
        "https://a/..;/b",
    ] {
        assert!(Grant::parse(&[entry.to_owned()]).is_err(), "{entry}");
    }
}

#[test]
fn scheme_host_and_port_are_equal_or_it_is_denied() {
    let grant = grant(&[
        "https://API.example.org",
        "https://other.example:8443",
        "http://10.0.0.5:8080",
        "http://[::1]:9000",
    ]);
    for url in [
        "https://api.example.org",
        "https://api.example.org:443/any/%2e%2e/path?with=query",
        "HTTPS://Api.Example.ORG/%2f",
        "https://other.example:8443/",
        "http://10.0.0.5:8080/a",
        "http://0xa.5:8080/the-same-address",
        "http://[0:0::1]:9000/",
    ] {
        assert_eq!(granted(&grant, url), Ok(()), "{url}");
    }
    for url in [
        "http://api.example.org",
        "http://api.example.org:443",
        "https://api.example.org:444",
        "https://api.example.org.",
        "https://x.api.example.org",
        "https://example.org",
        "https://api.example.org.evil.example",
        "https://api.example.org@evil.example",
        "https://evil.example/https://api.example.org",
        "https://evil.example\\@api.example.org",
        "https://other.example",
        "http://10.0.0.5",
        "http://10.0.0.6:8080",
        "http://[::ffff:10.0.0.5]:8080",
        "http://[::2]:9000",
    ] {
        assert!(granted(&grant, url).is_err(), "{url}");
    }
    assert_eq!(
        granted(&grant, "https://evil.example:8443/path?patient=1"),
        Err(
            "its grant does not name https://evil.example:8443 (grant = { http = [\"https://evil.example:8443\"] })"
                .into()
        )
    );
    assert!(granted(&Grant::default(), "https://api.example.org").is_err());
}

#[test]
fn nothing_climbs_out_of_a_prefix() {
    for entry in ["https://a.example/fhir/r4", "https://a.example/fhir/r4/"] {
        let grant = grant(&[entry]);
        for path in [
            "/fhir/r4",
            "/fhir/r4/",
            "/fhir/r4/Patient",
            "/fhir/r4/a%20b",
            "/fhir/./r4/x/../y",
            "/x/../fhir/r4",
            "/fhir/r4/a;v=1",
            "/fhir/r4/...",
            "/fhir/r4//x",
        ] {
            assert_eq!(
                granted(&grant, &format!("https://a.example{path}?q=../..")),
                Ok(()),
                "{path}"
            );
        }
        for path in [
            "",
            "/",
            "/fhir",
            "/fhir/r4x",
            "/FHIR/r4",
            "/fhir//r4",
            "/fhir/r4/../r5",
            "/fhir/r4/%2e%2e/r5",
            "/fhir/r4/.%2E/r5",
            "/fhir/r4\\..\\..\\r5",
            "/fhir/r4/..%2fr5",
            "/fhir/r4/..%5cr5",
            "/fhir/r4/%252e%252e/r5",
            "/fhir/r4/..;/..;/r5",
            "/fhir/r4/..;x=y/r5",
            "/fhir/r4/..%3b/r5",
            "/fhir/r4/%c0%ae%c0%ae/r5",
            "/fhir/r4/\u{ff0e}\u{ff0e}/r5",
            "/fhir/r4/%00",
            "/fhir/r4/%0d%0aX",
            "/fhir/r4/%",
            "/fhir/r4/%2",
            "/fhir/r4/%+2x",
            "/%66hir/r4",
        ] {
            assert!(granted(&grant, &format!("https://a.example{path}")).is_err(), "{path}");
        }
        assert_eq!(
            granted(&grant, "https://a.example/patients/4711?name=x"),
            Err("its grant names https://a.example only below /fhir/r4, and the path is not plainly there".into())
        );
    }
    let both = grant(&["https://a.example/one", "https://a.example/two"]);
    assert_eq!(granted(&both, "https://a.example/two/x"), Ok(()));
    assert!(granted(&both, "https://a.example/three").is_err());
}

#[test]
fn a_name_leads_to_a_private_address_only_where_that_is_granted_too() {
    let grant = grant(&[
        "https://worklist.example",
        "https://10.0.0.5/fhir",
        "http://worklist.example:8080",
        "http://127.0.0.1:8080",
    ]);
    let judge = |url: &str, address: &str| {
        let url = Url::parse(url).unwrap();
        grant.judge_address(&Origin::of(&url).unwrap(), url.path(), address.parse().unwrap())
    };
    for (url, address) in [
        ("https://worklist.example/x", "8.8.8.8"),
        ("https://worklist.example/fhir/x", "10.0.0.5"),
        ("http://worklist.example:8080/x", "127.0.0.1"),
    ] {
        assert_eq!(judge(url, address), Ok(()), "{url} {address}");
    }
    for (url, address) in [
        ("https://worklist.example/other", "10.0.0.5"),
        ("https://worklist.example/fhir", "10.0.0.6"),
        ("https://worklist.example/fhir", "::ffff:10.0.0.5"),
        ("https://worklist.example/fhir", "127.0.0.1"),
        ("http://worklist.example:8080/fhir", "10.0.0.5"),
        ("https://worklist.example/", "169.254.169.254"),
        ("https://worklist.example/", "0.0.0.0"),
    ] {
        assert!(judge(url, address).is_err(), "{url} {address}");
    }
    assert_eq!(
        judge("https://worklist.example/patient/4711", "192.168.1.1").unwrap_err(),
        "worklist.example leads to 192.168.1.1, a private address, \
         and its grant does not name https://192.168.1.1 for this path"
    );
}
