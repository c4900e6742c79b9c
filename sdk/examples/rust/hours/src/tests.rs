use isocenter::fake;
use serde_json::json;

use super::*;

fn config() -> Config {
    serde_json::from_value(json!({
        "zone": "Europe/Berlin",
        "peers": [
            { "calling-ae": "CT1", "addresses": ["10.0.0.0/24", "fd00::/8"], "hours": [
                { "days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:00", "to": "19:00" },
                { "days": ["fri"], "from": "22:00", "to": "06:00" },
            ] },
            { "calling-ae": "ER", "addresses": ["10.0.9.9"] },
        ],
    }))
    .unwrap()
}

fn admitted(calling: &str, peer: &str, at: &str) -> String {
    let host = fake::Host::new();
    let at: Timestamp = at.parse().unwrap();
    host.set_millis(u64::try_from(at.as_millisecond()).unwrap());
    let association = fake::Association {
        calling_ae: calling.into(),
        peer: peer.into(),
        ..fake::Association::default()
    };
    match Door::admit(&association.association(), &config()).unwrap() {
        Admission::Admit(who) => who.subject,
        Admission::Reject(why) => format!("{why:?}"),
    }
}

#[test]
fn hours_are_local_and_pass_midnight() {
    for (at, expected) in [
        // Friday, winter time: 07:00 in Berlin is 06:00 UTC; in summer, 05:00.
        ("2026-01-02T05:59:59Z", "Rejection::NotNow"),
        ("2026-01-02T06:00:00Z", "CT1"),
        ("2026-07-03T05:00:00Z", "CT1"),
        ("2026-01-02T17:59:59Z", "CT1"),
        ("2026-01-02T18:00:00Z", "Rejection::NotNow"),
        // From Friday evening into Saturday morning, and not from Thursday or Saturday.
        ("2026-01-02T21:00:00Z", "CT1"),
        ("2026-01-03T04:59:59Z", "CT1"),
        ("2026-01-03T05:00:00Z", "Rejection::NotNow"),
        ("2026-01-03T21:00:00Z", "Rejection::NotNow"),
        ("2026-01-02T04:00:00Z", "Rejection::NotNow"),
        ("2026-01-04T04:00:00Z", "Rejection::NotNow"),
    ] {
        assert_eq!(admitted("CT1", "10.0.0.7", at), expected, "{at}");
    }
}

#[test]
fn addresses_are_those_of_the_sender() {
    let at = "2026-01-02T12:00:00Z";
    for (calling, peer, expected) in [
        ("CT1", "10.0.0.255", "CT1"),
        ("CT1", "::ffff:10.0.0.7", "CT1"),
        ("CT1", "fd12::1", "CT1"),
        ("CT1", "10.0.1.0", "Rejection::CallingAeUnknown"),
        ("CT1", "10.0.9.9", "Rejection::CallingAeUnknown"),
        ("CT2", "10.0.0.7", "Rejection::CallingAeUnknown"),
        ("ER", "10.0.9.9", "ER"),
        ("ER", "10.0.9.8", "Rejection::CallingAeUnknown"),
    ] {
        assert_eq!(admitted(calling, peer, at), expected, "{calling} {peer}");
    }
    assert_eq!(admitted("ER", "10.0.9.9", "2026-01-04T02:00:00Z"), "ER");
}

#[test]
fn configurations_that_are_refused() {
    Door::check(&config()).unwrap();
    for (change, reason) in [
        (json!({ "addresses": ["10.0.0"] }), "`10.0.0` is no address"),
        (
            json!({ "addresses": ["10.0.0.0/33"] }),
            "`10.0.0.0/33` has a length that is none",
        ),
        (json!({ "addresses": [] }), "CT1 has no addresses"),
        (
            json!({ "addresses": ["::1"], "hours": [{ "days": ["monday"], "from": "07:00", "to": "08:00" }] }),
            "`monday` is no day; there are mon, tue, wed, thu, fri, sat, sun",
        ),
    ] {
        let mut peer = change;
        peer["calling-ae"] = "CT1".into();
        let config = serde_json::from_value(json!({ "zone": "Europe/Berlin", "peers": [peer] })).unwrap();
        assert_eq!(Door::check(&config).unwrap_err().reason(), reason);
    }
    let nowhere = serde_json::from_value(json!({ "zone": "Europe/Atlantis", "peers": [] })).unwrap();
    assert!(Door::check(&nowhere).unwrap_err().reason().contains("Europe/Atlantis"));
}
