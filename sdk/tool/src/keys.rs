//! Keys and signatures, in minisign's formats: what is signed here the host accepts, `minisign` verifies, and the other
//! way round.
//!
//! Separate because here is all that holds a secret key. What is verified is verified by the host's own check.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use isocenter_pack::Packed;
use isocenter_plugin::{Pin, SignatureCheck};
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox, SignatureBox};

use crate::ship::{Loaded, load};
use crate::{ToolError, file};

/// The largest key file, in bytes.
const MOST_KEY: u64 = 16 * 1024;

/// What opens a secret key.
#[derive(Clone)]
pub enum Passphrase {
    /// It is asked for at the terminal.
    Ask,
    /// This.
    Given(String),
    /// A new key is kept without one.
    Without,
}

/// Makes a pair of keys, `STEM.key` and `STEM.pub`, and answers both paths. Nothing that is there is overwritten.
///
/// # Errors
/// When a file is there already or cannot be written, or there is no passphrase to be had.
pub fn keygen(stem: &Path, passphrase: Passphrase) -> Result<(PathBuf, PathBuf), ToolError> {
    let with = |suffix: &str| {
        let mut path = stem.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    let (secret, public) = (with(".key"), with(".pub"));
    for path in [&secret, &public] {
        if path.exists() {
            return Err(ToolError::Exists(path.clone()));
        }
    }
    let pair = match passphrase {
        Passphrase::Without => KeyPair::generate_unencrypted_keypair(),
        Passphrase::Given(text) => KeyPair::generate_encrypted_keypair(Some(text)),
        Passphrase::Ask => KeyPair::generate_encrypted_keypair(None),
    };
    let failed = |error: minisign::PError| ToolError::Passphrase(secret.clone(), error.to_string());
    let pair = pair.map_err(failed)?;
    let secret_text = pair.sk.to_box(Some("isocenter plugin secret key")).map_err(failed)?;
    let public_text = pair.pk.to_box().map_err(failed)?;
    create(&secret, 0o600, &secret_text.to_string())?;
    create(&public, 0o644, &public_text.to_string())?;
    Ok((secret, public))
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), ToolError> {
    let mut opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(file(path))?;
    let text = format!("{}\n", text.trim_end());
    opened.write_all(text.as_bytes()).map_err(file(path))
}

/// Signs a component, and answers the path of the signature, which is where the host looks for it.
///
/// # Errors
/// When the file is no component, the key is none, or the passphrase does not open it.
pub fn sign(component: &Path, key: &Path, passphrase: Passphrase) -> Result<PathBuf, ToolError> {
    let loaded = load(component)?;
    let no_key = || ToolError::NoSecretKey(key.to_owned());
    let text = key_text(key)?;
    let stored = secret(&text).ok_or_else(no_key)?;
    let failed = |error: minisign::PError| ToolError::Passphrase(key.to_owned(), error.to_string());
    let secret = if stored.is_encrypted() {
        let given = match passphrase {
            Passphrase::Ask => None,
            Passphrase::Given(text) => Some(text),
            Passphrase::Without => Some(String::new()),
        };
        let boxed = SecretKeyBox::from_string(&text).map_err(|_| no_key())?;
        boxed.into_secret_key(given).map_err(failed)?
    } else {
        // `minisign -W` writes no checksum, which the library would look for; a damaged key is found by the check below.
        stored
    };
    let public = PublicKey::from_secret_key(&secret).map_err(failed)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = component.file_name().unwrap_or_default().to_string_lossy();
    let trusted = format!("timestamp:{}\tfile:{name}\thashed", now.as_secs());
    let signature = minisign::sign(
        Some(&public),
        &secret,
        loaded.packed.component.as_slice(),
        Some(&trusted),
        Some("signature by isocenter plugin sign"),
    )
    .map_err(failed)?;
    let text = signature.into_string();
    // Nothing leaves here that the host would not accept.
    let check = SignatureCheck::new(&public.to_base64()).map_err(|why| ToolError::Untrusted(key.to_owned(), why))?;
    check
        .verify(&loaded.packed.component, &text)
        .map_err(|why| ToolError::Untrusted(key.to_owned(), why))?;
    let path = check.signature_path(component);
    fs::write(&path, text).map_err(file(&path))?;
    Ok(path)
}

/// The secret key in minisign's file, still under its passphrase.
fn secret(text: &str) -> Option<SecretKey> {
    let bytes = BASE64_STANDARD.decode(text.lines().nth(1)?.trim()).ok()?;
    SecretKey::from_bytes(&bytes).ok()
}

fn key_text(path: &Path) -> Result<String, ToolError> {
    let mut text = String::new();
    let opened = File::open(path).map_err(file(path))?;
    opened.take(MOST_KEY).read_to_string(&mut text).map_err(file(path))?;
    Ok(text)
}

/// What is known of a component or a packed plugin: digests, and for each key what its holder signed.
///
/// # Errors
/// When the file is neither, it has not the digest, or a key's holder did not sign it.
pub fn verify(path: &Path, keys: &[PathBuf], digests: &[String]) -> Result<Vec<String>, ToolError> {
    let Loaded { packed, .. } = load(path)?;
    let mut lines = vec![
        format!("{} {}", packed.about.name, packed.about.version),
        format!(
            "digest   sha256:{}",
            isocenter_pack::Digest::of(&packed.component).hex()
        ),
        format!("digest   blake3:{}", blake3::hash(&packed.component).to_hex()),
    ];
    for digest in digests {
        Pin::parse(digest)
            .and_then(|pin| pin.verify(&packed.component))
            .map_err(|why| ToolError::OtherDigest(path.to_owned(), why))?;
        lines.push(format!("it is    {digest}"));
    }
    for key in keys {
        lines.push(signed_by(&packed, key)?);
    }
    Ok(lines)
}

/// Who signed it, if the holder of this public key did.
///
/// # Errors
/// When they did not, or the key is none.
pub(crate) fn signed_by(packed: &Packed, key: &Path) -> Result<String, ToolError> {
    let untrusted = |why: String| ToolError::Untrusted(key.to_owned(), why);
    let text = key_text(key)?;
    if secret(&text).is_some() || text.contains("PRIVATE KEY-----") {
        return Err(ToolError::SecretKey(key.to_owned()));
    }
    let check = SignatureCheck::new(&text)
        .map_err(|why| untrusted(format!("{why}; name the public key that its author gives away")))?;
    // The host looks beside the component, by the suffix.
    let beside = check.signature_path(Path::new("x"));
    let suffix = beside.extension().unwrap_or_default().to_string_lossy().into_owned();
    let signature = packed.signatures.get(&suffix).ok_or_else(|| {
        untrusted(format!(
            "there is no signature of this kind (.{suffix}); `isocenter plugin sign --key FILE.key` makes one"
        ))
    })?;
    check.verify(&packed.component, signature).map_err(|why| {
        untrusted(format!(
            "{why}; do not run it, and ask its author for the key and the digest by another way"
        ))
    })?;
    // Only now: before, these were anybody's words.
    let words = SignatureBox::from_string(signature).ok();
    let words = words.and_then(|signature| Some((key_id(signature.keynum()), signature.trusted_comment().ok()?)));
    Ok(match words {
        Some((id, comment)) => format!(
            "signed   by {}, key {id}: {}",
            key.display(),
            comment.replace('\t', " ")
        ),
        None => format!("signed   by {}", key.display()),
    })
}

/// As minisign shows it: eight bytes, the last one first.
fn key_id(bytes: &[u8]) -> String {
    bytes.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}
