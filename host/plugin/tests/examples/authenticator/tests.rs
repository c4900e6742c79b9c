use isocenter::fake;

use super::*;

/// HMAC-SHA-256 of `alice.1000` under `a key for tests`.
fn token(signed: &str) -> String {
    let mac = host::hmac_sha256("token-key", signed.as_bytes()).unwrap();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{signed}.{hex}")
}

fn subject(token: &str) -> Option<String> {
    let credentials = fake::Credentials::of_bearer(token);
    let identity = Tokens::authenticate(&credentials.credentials(), &Config::default()).unwrap();
    identity.map(|identity| identity.subject)
}

#[test]
fn tokens() {
    let host = fake::Host::new();
    host.set_millis(999_000);
    let good = token("alice.1000");
    assert_eq!(subject(&good).as_deref(), Some("alice"));
    for token in [
        "",
        "alice",
        "alice.1000",
        &token("alice.999"),
        &good.replace("alice", "admin"),
    ] {
        assert_eq!(subject(token), None, "{token}");
    }
    let nobody = fake::Credentials::default();
    assert_eq!(
        Tokens::authenticate(&nobody.credentials(), &Config::default()).unwrap(),
        None
    );
}

#[test]
fn who_guesses_is_locked_out_and_let_in_again() {
    let host = fake::Host::new();
    let good = token("alice.100000");
    host.conflict(3);
    for _ in 0..5 {
        assert_eq!(subject("alice.100000.guess"), None);
    }
    assert_eq!(host.state("failures/127.0.0.1").as_deref(), Some(&b"5"[..]));
    assert_eq!(subject(&good), None);
    assert_eq!(host.counted("locked_out"), 1);
    host.pass_seconds(301);
    assert_eq!(subject(&good).as_deref(), Some("alice"));
}
