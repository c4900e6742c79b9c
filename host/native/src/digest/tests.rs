//! Digests are read, printed and compared.

use super::*;

/// Of the empty text.
const SHA256: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const BLAKE3: &str = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

#[test]
fn a_digest_is_printed_as_it_was_read() {
    for text in [SHA256, BLAKE3] {
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
    }
    let upper = SHA256.to_uppercase().replace("SHA256", "sha256");
    assert_eq!(upper.parse::<Digest>().unwrap().to_string(), SHA256);
}

#[test]
fn what_is_no_digest_is_refused() {
    let long = format!("{SHA256}00");
    let plus = SHA256.replace("e3", "+3");
    let wide = SHA256.replace("e3", "é");
    for text in [
        "",
        "sha256:",
        "e3b0",
        "md5:00",
        &SHA256[7..],
        &SHA256[..70],
        &long,
        &plus,
        &wide,
    ] {
        assert_eq!(text.parse::<Digest>(), Err(BadDigest), "{text}");
    }
}

#[test]
fn the_algorithm_that_is_expected_is_compared() {
    for (expected, other) in [(SHA256, BLAKE3), (BLAKE3, SHA256)] {
        let expected: Digest = expected.parse().unwrap();
        let empty = Hasher::toward(Some(&expected)).finish();
        assert_eq!(empty.compare(&expected), Ok(()));
        let mut hasher = Hasher::toward(Some(&expected));
        hasher.update(b"x");
        let found = hasher.finish().compare(&expected).unwrap_err();
        assert_eq!(
            std::mem::discriminant(&found),
            std::mem::discriminant(&expected),
            "and not that of {other}"
        );
    }
}
