//! The site's secret, and the UIDs derived from it.
//!
//! Separate because it is the one secret in this crate: nothing here prints it, and replacing a UID without it is not
//! possible anywhere else.

use crate::uid::Uid;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The site's secret, from which replacement UIDs are derived.
#[derive(Clone)]
pub struct SiteKey([u8; 32]);

impl SiteKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The UID that stands for `uid` at this site: `2.25.` and 128 bits of HMAC-SHA256 in decimal (PS3.5 §B.2).
    ///
    /// The same UID always gives the same one, another key another one, and without the key there is no way back. UIDs
    /// that DICOM itself registered (1.2.840.10008.…) say nothing about a patient and stay.
    pub fn remap(&self, uid: &Uid) -> Uid {
        if is_well_known(uid.as_str()) {
            return uid.clone();
        }
        let derived = self.derive(uid.as_str().as_bytes());
        Uid::parse(&derived).unwrap_or_else(|_| Uid::constant("2.25.0"))
    }

    /// The same for a value that should be a UID. One that is none is replaced too: it may be anything, a name even.
    pub(crate) fn remap_text(&self, text: &str) -> String {
        match text {
            "" => String::new(),
            known if is_well_known(known) && Uid::parse(known).is_ok() => known.to_owned(),
            other => self.derive(other.as_bytes()),
        }
    }

    fn derive(&self, bytes: &[u8]) -> String {
        // A key shorter than the block of the hash is padded with zeros (RFC 2104 §2).
        let mut block = [0; 64];
        block.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        // Keeps apart what else may be derived from the same secret.
        mac.update(b"uid ");
        mac.update(bytes);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        format!(
            "2.25.{}",
            digest.first_chunk().map_or(0, |&half| u128::from_be_bytes(half))
        )
    }
}

fn is_well_known(uid: &str) -> bool {
    uid.starts_with("1.2.840.10008.")
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey(redacted)")
    }
}
