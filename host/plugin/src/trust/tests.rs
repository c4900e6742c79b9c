use std::io::Cursor;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

use super::*;

const FILE: &[u8] = b"a component";

/// Made by OpenSSL 3.0: `ecparam -name prime256v1 -genkey`, `dgst -sha256 -sign`, `base64`; what cosign writes.
const P256_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfkgdF+POW88lIwTzSKntxxSjlRI4
c856FN3j4S+wjyBYJPwpwDSEacAaJNCmPx1r22BwwVTpz0optCPKO2DCwQ==
-----END PUBLIC KEY-----
";
const P256_SIGNATURE: &str =
    "MEUCIH6W0WBGe3FlB8l2hSjZnJUm+GtFGINnTPm3N5Dp0DYRAiEAg3+1BvHLj9H3crLXKQemeltwTpwAUupBdKVGnx3vpSs=";

/// Made by OpenSSL 3.0: `genpkey -algorithm ed25519`, `pkeyutl -sign -rawin`, `base64`.
const ED25519_KEY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAZqB8OuZLxeIoqzsPKICrGx4net1Yte6UmGwRu5u7ZLc=
-----END PUBLIC KEY-----
";
const ED25519_SIGNATURE: &str =
    "VGKKK54UmEoZ+Ja3KXJksRGh+QmXE1XFZ8M/Np+GUysCcfEnuqtdyrX3aqOTUHWzSdwIdnmVlvPNgxfv8rz/CA==\n";

/// Made by minisign itself, over `test`: published with minisign-verify.
const MINISIGN_KEY: &str = "untrusted comment: minisign public key E7620F1842B4E81F
RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
";
const MINISIGN_LEGACY: &str = "untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
";
const MINISIGN_PREHASHED: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
";

fn check(key: &str) -> SignatureCheck {
    SignatureCheck::new(key).unwrap()
}

/// A key of ring's as a PEM file.
fn as_pem(before: &[u8], key: &[u8]) -> String {
    let text = BASE64_STANDARD.encode([before, key].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

#[test]
fn a_pin_is_read_in_both_algorithms_and_either_case() {
    let sha256 = "sha256:626d0ce33ca550dc06351c3ea7b698be557ff5d35bf25edc44221b561838594c";
    let blake3 = format!("blake3:{}", blake3::hash(FILE));
    for text in [sha256, &blake3] {
        let pin = Pin::parse(text).unwrap();
        assert_eq!(pin.verify(FILE), Ok(()), "{text}");
        assert_eq!(pin.to_string(), text);
        let (algorithm, digits) = text.split_once(':').unwrap();
        assert_eq!(Pin::parse(&format!("{algorithm}:{}", digits.to_uppercase())), Ok(pin));
    }
    // Of the empty input, from the specification of BLAKE3.
    let empty = Pin::parse("blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262").unwrap();
    assert_eq!(empty.verify(b""), Ok(()));
}

#[test]
fn another_file_than_the_pinned_one_is_named_by_both_digests() {
    let pin = Pin::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
    assert_eq!(
        pin.verify(FILE).unwrap_err(),
        format!(
            "its digest is sha256:626d0ce33ca550dc06351c3ea7b698be557ff5d35bf25edc44221b561838594c, \
             but its configuration pins sha256:{}",
            "0".repeat(64)
        )
    );
    // The same digits of the other algorithm are not the same digest.
    let digits = blake3::hash(FILE).to_hex();
    assert!(Pin::parse(&format!("sha256:{digits}")).unwrap().verify(FILE).is_err());
}

#[test]
fn what_is_no_pin_says_what_would_be_right() {
    let form = "a digest is written `blake3:` or `sha256:` and 64 hex digits";
    let short = "f".repeat(63);
    for (text, error) in [
        (String::new(), "`` names no algorithm".to_owned()),
        ("f".repeat(64), format!("`{}` names no algorithm", "f".repeat(64))),
        (
            format!("md5:{short}"),
            "`md5` is not a digest that is known here".into(),
        ),
        (
            format!("SHA256:{short}f"),
            "`SHA256` is not a digest that is known here".into(),
        ),
        (format!("sha256:{short}"), format!("`sha256:{short}` has 63 digits")),
        (format!("sha256:{short}ff"), format!("`sha256:{short}ff` has 65 digits")),
        (
            format!("blake3:{short}g"),
            format!("`blake3:{short}g` is not hexadecimal"),
        ),
        (
            format!("blake3:{short}ä"),
            format!("`blake3:{short}ä` is not hexadecimal"),
        ),
        (
            format!("blake3: {short}"),
            format!("`blake3: {short}` is not hexadecimal"),
        ),
    ] {
        assert_eq!(Pin::parse(&text).unwrap_err(), format!("{error}; {form}"));
    }
}

#[test]
fn signatures_that_others_made_are_good() {
    for (key, file, signature) in [
        (P256_KEY, FILE, P256_SIGNATURE),
        (ED25519_KEY, FILE, ED25519_SIGNATURE),
        (MINISIGN_KEY, b"test", MINISIGN_LEGACY),
        (MINISIGN_KEY, b"test", MINISIGN_PREHASHED),
        (MINISIGN_KEY.lines().last().unwrap(), b"test", MINISIGN_PREHASHED),
    ] {
        assert_eq!(check(key).verify(file, signature), Ok(()), "{signature}");
        assert_eq!(
            check(&key.replace('\n', "\r\n")).verify(file, &signature.replace('\n', "\r\n")),
            Ok(())
        );
        for other in [&file[1..], b"", b"another component"] {
            assert_eq!(check(key).verify(other, signature), Err(CHANGED.into()), "{signature}");
        }
    }
}

#[test]
fn a_signature_of_minisign_is_of_one_key_and_one_file() {
    let (mine, other) = (
        minisign::KeyPair::generate_unencrypted_keypair().unwrap(),
        minisign::KeyPair::generate_unencrypted_keypair().unwrap(),
    );
    let sign = |pair: &minisign::KeyPair| {
        minisign::sign(
            Some(&pair.pk),
            &pair.sk,
            Cursor::new(FILE),
            Some("trusted"),
            Some("untrusted"),
        )
        .unwrap()
        .into_string()
    };
    let check = check(&mine.pk.to_box().unwrap().to_string());
    let signature = sign(&mine);
    assert_eq!(check.verify(FILE, &signature), Ok(()));
    assert_eq!(check.verify(b"b component", &signature), Err(CHANGED.into()));
    assert_eq!(
        check.verify(
            FILE,
            &signature.replace("trusted comment: trusted", "trusted comment: forged")
        ),
        Err(CHANGED.into()),
        "the trusted comment is signed too"
    );
    assert_eq!(
        check.verify(FILE, &sign(&other)),
        Err("its signature names another key than the configured one".into())
    );
    for text in [
        "",
        "x",
        P256_SIGNATURE,
        signature.lines().next().unwrap(),
        "untrusted comment:\nRUQ\n\n",
    ] {
        assert_eq!(
            check.verify(FILE, text),
            Err("its signature file is not minisign's, but the configured key is; sign with `minisign -S`".into()),
            "{text}"
        );
    }
}

#[test]
fn a_signature_in_base64_is_of_one_key_and_one_file() {
    let random = SystemRandom::new();
    let p256 = |_: ()| {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
        let key = as_pem(&P256, pair.public_key().as_ref());
        (key, BASE64_STANDARD.encode(pair.sign(&random, FILE).unwrap()))
    };
    let ed25519 = |_: ()| {
        let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let key = as_pem(&super::ED25519_KEY, pair.public_key().as_ref());
        (key, BASE64_STANDARD.encode(pair.sign(FILE)))
    };
    for ((key, signature), (_, others)) in [(p256(()), p256(())), (ed25519(()), ed25519(()))] {
        let check = check(&key);
        assert_eq!(check.verify(FILE, &signature), Ok(()));
        assert_eq!(check.verify(b"b component", &signature), Err(CHANGED.into()));
        for signature in [
            &others,
            P256_SIGNATURE,
            ED25519_SIGNATURE,
            "",
            "AAAA",
            &BASE64_STANDARD.encode([0; 64]),
        ] {
            assert_eq!(check.verify(FILE, signature), Err(CHANGED.into()), "{signature}");
        }
        for (text, found) in [
            (MINISIGN_LEGACY, "minisign's, but the configured key is in PEM"),
            (
                "{\"mediaType\": 1}",
                "a bundle; sign with `cosign sign-blob --output-signature`",
            ),
            (
                "not base64",
                "not one signature in base64, as `cosign sign-blob --output-signature` writes it",
            ),
            (
                "AAA",
                "not one signature in base64, as `cosign sign-blob --output-signature` writes it",
            ),
        ] {
            assert_eq!(check.verify(FILE, text), Err(format!("its signature file is {found}")));
        }
        let long = "A".repeat(MOST_TEXT + 1);
        assert_eq!(
            check.verify(FILE, &long),
            Err("its signature file is larger than 16 KiB".into())
        );
    }
}

#[test]
fn what_is_no_public_key_says_what_it_is() {
    let certificate = P256_KEY.replace("PUBLIC KEY", "CERTIFICATE");
    let private = P256_KEY.replace("PUBLIC KEY", "EC PRIVATE KEY");
    let minisign_secret = minisign::KeyPair::generate_unencrypted_keypair().unwrap().sk;
    let minisign_secret = minisign_secret.to_box(None).unwrap().to_string();
    let rsa = as_pem(&[0x30, 0x0D], &[0; 60]);
    let compressed = as_pem(&P256, &[2; 65]);
    let short = as_pem(&P256, &[4; 64]);
    let two = format!("{P256_KEY}{ED25519_KEY}");
    let neither = "the public key file is neither minisign's (`untrusted comment:`, then a line of base64) \
                   nor PEM (`-----BEGIN PUBLIC KEY-----`)";
    let other = "the public key is neither ECDSA on the curve P-256, as cosign makes it, nor Ed25519";
    let secret = "the public key file holds a private key, which belongs to the signer alone";
    for (text, error) in [
        ("", neither),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@here", neither),
        ("untrusted comment: x\nRWQf6LRC", neither),
        ("untrusted comment: x", neither),
        (MINISIGN_LEGACY, neither),
        (&minisign_secret, secret),
        (&private, secret),
        (
            &certificate,
            "the public key file holds a certificate; `openssl x509 -pubkey -noout` writes its public key",
        ),
        (
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n",
            "the public key file has no `-----BEGIN PUBLIC KEY-----`",
        ),
        (&two, "the public key file holds more than one key"),
        (&rsa, other),
        (&compressed, other),
        (&short, other),
    ] {
        assert_eq!(SignatureCheck::new(text).unwrap_err(), error, "{text}");
    }
    let broken = SignatureCheck::new(&P256_KEY.replace("MFkw", "MF*w")).unwrap_err();
    assert!(broken.starts_with("the public key file is not valid PEM: "), "{broken}");
}

#[test]
fn the_key_decides_where_a_signature_is_looked_for() {
    for (key, path) in [
        (MINISIGN_KEY, "plugins/x.wasm.minisig"),
        (P256_KEY, "plugins/x.wasm.sig"),
        (ED25519_KEY, "plugins/x.wasm.sig"),
    ] {
        assert_eq!(check(key).signature_path(Path::new("plugins/x.wasm")), Path::new(path));
    }
}
