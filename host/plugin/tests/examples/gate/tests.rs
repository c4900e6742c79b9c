use isocenter::fake;

use super::*;

#[test]
fn who_is_let_in() {
    let mac = host::hmac_sha256("gate-key", b"open sesame").unwrap();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let config: Config = serde_json::from_value(serde_json::json!({
        "called-ae": "ISOCENTER",
        "peers": {
            "CT1": { "addresses": ["10.0.0.7"] },
            "MR1": { "addresses": ["10.0.0.8"], "passcode-hmac": hex },
        },
    }))
    .unwrap();
    for (calling, called, peer, passcode, expected) in [
        ("CT1", "ISOCENTER", "10.0.0.7", None, Ok("CT1")),
        ("CT1", "ISOCENTER", "10.0.0.8", None, Err(Rejection::CallingAeUnknown)),
        ("CT1", "OTHER", "10.0.0.7", None, Err(Rejection::CalledAeUnknown)),
        ("CT2", "ISOCENTER", "10.0.0.7", None, Err(Rejection::CallingAeUnknown)),
        ("MR1", "ISOCENTER", "10.0.0.8", None, Err(Rejection::NoReason)),
        ("MR1", "ISOCENTER", "10.0.0.8", Some("guess"), Err(Rejection::NoReason)),
        ("MR1", "ISOCENTER", "10.0.0.8", Some("open sesame"), Ok("MR1")),
    ] {
        let association = fake::Association {
            calling_ae: calling.into(),
            called_ae: called.into(),
            peer: peer.into(),
            passcode: passcode.map(Into::into),
            ..fake::Association::default()
        };
        let expected = match expected {
            Ok(subject) => Admission::Admit(Identity::new(subject, "gate").with_claim("role", "modality")),
            Err(rejection) => Admission::Reject(rejection),
        };
        let admission = Known::admit(&association.association(), &config).unwrap();
        assert_eq!(admission, expected, "{calling} {called} {peer} {passcode:?}");
    }
}
