//! Whether a file is the one that the operator means: by its digest, or by a signature of someone whom they trust.
//!
//! Separate because it is pure: bytes and text in, a sentence out. Which files are read is the loader's matter. The bytes
//! that are checked must be the bytes that are used; reading a file twice would check one and run another.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

/// The largest key or signature file, in bytes.
const MOST_TEXT: usize = 16 * 1024;

/// The digest that a file must have (`digest = "blake3:…"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    algorithm: Algorithm,
    digest: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Blake3,
    Sha256,
}

impl Pin {
    /// Reads `blake3:<64 hex digits>` or `sha256:<64 hex digits>`.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Pin, String> {
        let form = "a digest is written `blake3:` or `sha256:` and 64 hex digits";
        let (algorithm, digits) = match text.split_once(':') {
            Some(("blake3", digits)) => (Algorithm::Blake3, digits),
            Some(("sha256", digits)) => (Algorithm::Sha256, digits),
            Some((other, _)) => return Err(format!("`{other}` is not a digest that is known here; {form}")),
            None => return Err(format!("`{text}` names no algorithm; {form}")),
        };
        let count = digits.chars().count();
        if count != 64 {
            return Err(format!("`{text}` has {count} digits; {form}"));
        }
        // The BLAKE3 library reads hex in either case, and nothing else.
        let digest = blake3::Hash::from_hex(digits).map_err(|_| format!("`{text}` is not hexadecimal; {form}"))?;
        Ok(Pin {
            algorithm,
            digest: *digest.as_bytes(),
        })
    }

    /// Whether these are the bytes that were pinned.
    ///
    /// # Errors
    /// A sentence that names both digests.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), String> {
        let found = Pin {
            algorithm: self.algorithm,
            digest: match self.algorithm {
                Algorithm::Blake3 => *blake3::hash(bytes).as_bytes(),
                Algorithm::Sha256 => Sha256::digest(bytes).into(),
            },
        };
        if found == *self {
            return Ok(());
        }
        Err(format!("its digest is {found}, but its configuration pins {self}"))
    }
}

/// As in the configuration, in lower case.
impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match self.algorithm {
            Algorithm::Blake3 => "blake3",
            Algorithm::Sha256 => "sha256",
        };
        write!(f, "{algorithm}:{}", blake3::Hash::from_bytes(self.digest))
    }
}

/// A public key, by which signatures are checked (`public-key = "FILE"`).
///
/// Two forms: minisign's (Ed25519, over the file or over its BLAKE2b digest), and PEM as cosign writes it (ECDSA on P-256
/// over SHA-256, or Ed25519; the signature as `cosign sign-blob --output-signature` writes it, in base64). The key alone
/// decides how a signature is checked.
#[derive(Clone, Debug)]
pub struct SignatureCheck {
    key: Key,
}

#[derive(Clone, Debug)]
enum Key {
    Minisign(minisign_verify::PublicKey),
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl SignatureCheck {
    /// Reads the text of a public key file.
    ///
    /// # Errors
    /// A sentence that says what the text is instead, as far as it can be told.
    pub fn new(public_key: &str) -> Result<SignatureCheck, String> {
        if public_key.len() > MOST_TEXT {
            return Err("the public key file is larger than 16 KiB".into());
        }
        if public_key.contains("PRIVATE KEY-----") || public_key.lines().any(is_minisign_secret) {
            return Err("the public key file holds a private key, which belongs to the signer alone".into());
        }
        let key = if public_key.contains("-----BEGIN ") {
            pem(public_key)?
        } else {
            minisign(public_key)?
        };
        Ok(SignatureCheck { key })
    }

    /// Where the signature of a file is, if the configuration does not say: `x.wasm.minisig` for a key of minisign,
    /// `x.wasm.sig` for one in PEM.
    #[must_use]
    pub fn signature_path(&self, source: &Path) -> PathBuf {
        let mut path = source.as_os_str().to_owned();
        path.push(match self.key {
            Key::Minisign(_) => ".minisig",
            Key::P256(_) | Key::Ed25519(_) => ".sig",
        });
        path.into()
    }

    /// Whether the holder of the key signed exactly these bytes. `signature` is the text of the signature file.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the signature.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> Result<(), String> {
        if signature.len() > MOST_TEXT {
            return Err("its signature file is larger than 16 KiB".into());
        }
        match &self.key {
            Key::Minisign(key) => verify_minisign(key, bytes, signature),
            Key::P256(point) => verify_pem(&ECDSA_P256_SHA256_ASN1, point, bytes, signature),
            Key::Ed25519(key) => verify_pem(&ED25519, key, bytes, signature),
        }
    }
}

const CHANGED: &str =
    "its signature is not of this file by the configured key: the file was changed, or signed by another";

/// A secret key begins with the algorithm, then scrypt or none as its protection, then BLAKE2b as its checksum.
fn is_minisign_secret(line: &str) -> bool {
    line.len() > 56 && (line.starts_with("RWRTY0Iy") || line.starts_with("RWQAAEIy"))
}

/// The comment and the key, or the key alone as on minisign's command line.
fn minisign(text: &str) -> Result<Key, String> {
    let text = text.trim();
    let key = if text.starts_with("untrusted comment:") {
        minisign_verify::PublicKey::decode(text)
    } else {
        minisign_verify::PublicKey::from_base64(text)
    };
    key.map(Key::Minisign).map_err(|_| {
        "the public key file is neither minisign's (`untrusted comment:`, then a line of base64) \
         nor PEM (`-----BEGIN PUBLIC KEY-----`)"
            .into()
    })
}

fn verify_minisign(key: &minisign_verify::PublicKey, bytes: &[u8], signature: &str) -> Result<(), String> {
    let parsed = minisign_verify::Signature::decode(signature).map_err(|_| {
        "its signature file is not minisign's, but the configured key is; sign with `minisign -S`".to_owned()
    })?;
    // The older form, over the file itself, is as good; minisign made it by default until 2021.
    key.verify(bytes, &parsed, true).map_err(|error| match error {
        minisign_verify::Error::UnexpectedKeyId => "its signature names another key than the configured one".into(),
        _ => CHANGED.into(),
    })
}

/// What stands before the point of a P-256 key (RFC 5480), and before an Ed25519 key (RFC 8410). DER leaves no choice.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const ED25519_KEY: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

fn pem(text: &str) -> Result<Key, String> {
    let keys: Vec<_> = SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the public key file is not valid PEM: {error}"))?;
    let key = match keys.as_slice() {
        [key] => key.as_ref(),
        [] if text.contains("-----BEGIN CERTIFICATE-----") => {
            return Err(
                "the public key file holds a certificate; `openssl x509 -pubkey -noout` writes its public key".into(),
            );
        }
        [] => return Err("the public key file has no `-----BEGIN PUBLIC KEY-----`".into()),
        _ => return Err("the public key file holds more than one key".into()),
    };
    match (key.strip_prefix(&P256), key.strip_prefix(&ED25519_KEY)) {
        (Some(point), _) if point.len() == 65 && point.starts_with(&[4]) => Ok(Key::P256(point.to_owned())),
        (_, Some(key)) if key.len() == 32 => Ok(Key::Ed25519(key.to_owned())),
        _ => Err("the public key is neither ECDSA on the curve P-256, as cosign makes it, nor Ed25519".into()),
    }
}

fn verify_pem(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    bytes: &[u8],
    signature: &str,
) -> Result<(), String> {
    let signature = BASE64_STANDARD.decode(signature.trim()).map_err(|_| {
        let found = match signature.trim_start() {
            text if text.starts_with("untrusted comment:") => "minisign's, but the configured key is in PEM",
            text if text.starts_with('{') => "a bundle; sign with `cosign sign-blob --output-signature`",
            _ => "not one signature in base64, as `cosign sign-blob --output-signature` writes it",
        };
        format!("its signature file is {found}")
    })?;
    UnparsedPublicKey::new(algorithm, key)
        .verify(bytes, &signature)
        .map_err(|_| CHANGED.into())
}

#[cfg(test)]
mod tests;
