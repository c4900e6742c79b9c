//! Secrets: used by the plugin, read by nobody but the host.

use hmac::{Hmac, KeyInit, Mac};
use isocenter_role::backing::Backing;
use sha2::Sha256;

use crate::bindings::isocenter::host::secrets;
use crate::call::{Call, Missing};
use crate::spec::{PluginSpec, Secret};

/// What a grant for it holds, as an operator writes it.
pub(crate) const GRANT: &str = "secrets = [\"…\"]";

pub(crate) fn validate(spec: &PluginSpec, _backing: &Backing) -> Result<(), String> {
    if spec.grant.secrets.is_empty() {
        return Err(format!(
            "it uses secrets, but its grant names none (grant = {{ {GRANT} }})"
        ));
    }
    Ok(())
}

impl Call {
    /// A granted secret, or the sentence for the plugin; the host remembers what was asked for in vain.
    pub(crate) fn secret(&mut self, name: &str) -> Result<Secret, String> {
        match self.facts.grant.secrets.get(name) {
            Some(secret) => Ok(secret.clone()),
            None => {
                let name = super::log::line(name);
                self.missing
                    .get_or_insert_with(|| Missing::new("secrets", &name, "uses the secret"));
                Err(format!("the secret `{name}` is not granted"))
            }
        }
    }
}

impl secrets::Host for Call {
    fn hmac_sha256(&mut self, secret: String, message: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let key = match self.secret(&secret) {
            Ok(key) => key,
            Err(sentence) => return Ok(Err(sentence)),
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes())?;
        mac.update(&message);
        Ok(Ok(mac.finalize().into_bytes().to_vec()))
    }
}
