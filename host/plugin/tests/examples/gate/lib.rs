//! A gate: known application entities, from their own addresses, with a passcode where one is configured.
//!
//! A passcode is configured as its HMAC-SHA-256 under a granted secret, so that the configuration does not hold it.

use std::collections::BTreeMap;

use isocenter::{Admission, Association, Gate, Identity, Rejection, Result, host, same_secret};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    /// Our AE title.
    called_ae: String,
    #[serde(default = "gate_key")]
    secret: String,
    /// By calling AE title.
    peers: BTreeMap<String, Peer>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Peer {
    addresses: Vec<String>,
    /// 64 hexadecimal digits.
    passcode_hmac: Option<String>,
}

fn gate_key() -> String {
    "gate-key".into()
}

struct Known;

impl Gate for Known {
    type Config = Config;

    fn admit(association: &Association<'_>, config: &Config) -> Result<Admission> {
        if association.called_ae() != config.called_ae {
            return Ok(Admission::Reject(Rejection::CalledAeUnknown));
        }
        let calling = association.calling_ae();
        let known = config.peers.get(&calling);
        // The same answer to who is unknown and who comes from elsewhere: it tells nothing.
        let Some(peer) = known.filter(|peer| peer.addresses.contains(&association.peer())) else {
            return Ok(Admission::Reject(Rejection::CallingAeUnknown));
        };
        if let Some(expected) = &peer.passcode_hmac {
            let mac = host::hmac_sha256(&config.secret, &association.passcode().unwrap_or_default())?;
            let given: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
            if !same_secret(given.as_bytes(), expected.as_bytes()) {
                return Ok(Admission::Reject(Rejection::NoReason));
            }
        }
        Ok(Admission::Admit(
            Identity::new(calling, "gate").with_claim("role", "modality"),
        ))
    }
}

isocenter::plugin!(Known: gate);

#[cfg(test)]
mod tests;
