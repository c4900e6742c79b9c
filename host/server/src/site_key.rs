//! The site key: made once, kept in `DATA/site.key`, never sent anywhere.
//!
//! UIDs and pseudonyms are derived from it. Losing it means that objects anonymized later no longer match those
//! anonymized before; so it is written durably before it is first used, and never overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const LENGTH: usize = 32;

/// Reads the key of a data folder, or makes one.
///
/// # Errors
/// The file cannot be read or written, or does not hold 32 bytes: then a person must decide, since a new key in its
/// place would silently break every pseudonym.
pub fn load_or_make(data: &Path) -> io::Result<[u8; LENGTH]> {
    let path = data.join("site.key");
    match fs::read(&path) {
        Ok(bytes) => match <[u8; LENGTH]>::try_from(bytes.as_slice()) {
            Ok(key) => Ok(key),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} must hold {LENGTH} bytes; it holds {}", path.display(), bytes.len()),
            )),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(data, &path),
        Err(error) => Err(error),
    }
}

/// The key material that a plugin uses under the name `site-key`: derived, so that a plugin which is granted it learns
/// nothing about how the host remaps UIDs.
pub fn for_plugins(key: &[u8; LENGTH]) -> [u8; LENGTH] {
    blake3::derive_key("isocenter 2026-11 secret site-key of plugins", key)
}

fn make(data: &Path, path: &Path) -> io::Result<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let fresh = data.join("site.key.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(data)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::load_or_make;

    #[test]
    fn the_key_is_made_once_and_a_damaged_one_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        load_or_make(folder.path()).unwrap();
        let first = std::fs::read(folder.path().join("site.key")).unwrap();
        load_or_make(folder.path()).unwrap();
        assert_eq!(std::fs::read(folder.path().join("site.key")).unwrap(), first);
        std::fs::write(folder.path().join("site.key"), b"short").unwrap();
        let error = load_or_make(folder.path()).unwrap_err().to_string();
        assert!(error.contains("must hold 32 bytes; it holds 5"), "{error}");
    }
}
