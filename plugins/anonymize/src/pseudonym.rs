//! Who the patient is, and what stands for them: derived from the site's secret, so that it is the same tomorrow and
//! nobody without the secret finds the way back.
//!
//! Separate because two rules live here: the same patient has the same pseudonym, and two patients never share one.

use isocenter::{Object, Result, Value, host, tags};

/// The patient of one object.
pub(crate) struct Patient {
    /// Under the secret, from what identifies the patient.
    mac: Vec<u8>,
    accession: Option<String>,
    /// In the clear, to be searched for in what stays. Sorted out: too short ones would match anything.
    identifiers: Vec<String>,
}

/// Shorter texts are no identifiers worth searching for.
const SHORTEST_IDENTIFIER: usize = 4;

impl Patient {
    /// Asks the object. A patient is an ID and its issuer; without an ID, a name and a birth date; without a name, the
    /// study: rather one patient too many than two in one.
    pub(crate) fn of(object: &Object<'_>, secret: &str) -> Result<Patient> {
        let wanted = [
            tags::PATIENT_ID,
            tags::ISSUER_OF_PATIENT_ID,
            tags::PATIENT_NAME,
            tags::PATIENT_BIRTH_DATE,
            tags::STUDY_INSTANCE_UID,
            tags::ACCESSION_NUMBER,
        ];
        let mut values = object
            .get_many(&wanted.map(Into::into))
            .into_iter()
            .map(|value| match value {
                Some(Value::Text(values)) => values.join("\\").trim().to_owned(),
                _ => String::new(),
            });
        let mut next = || values.next().unwrap_or_default();
        let (id, issuer, name, birth_date, study, accession) = (next(), next(), next(), next(), next(), next());
        let key = if !id.is_empty() {
            format!("patient\0id\0{issuer}\0{id}")
        } else if !name.is_empty() {
            format!("patient\0name\0{birth_date}\0{name}")
        } else {
            format!("patient\0study\0{study}")
        };
        let accession_pseudonym = if accession.is_empty() {
            None
        } else {
            let mac = host::hmac_sha256(secret, format!("accession\0{accession}").as_bytes())?;
            Some(hex(mac.get(..8).unwrap_or_default()))
        };
        let mut identifiers: Vec<String> = name
            .split(['^', '=', ' ', '\\', ','])
            .chain([id.as_str(), accession.as_str()])
            .filter(|part| part.chars().count() >= SHORTEST_IDENTIFIER || !part.is_ascii())
            .filter(|part| !part.is_empty())
            .map(str::to_lowercase)
            .collect();
        identifiers.sort();
        identifiers.dedup();
        Ok(Patient {
            mac: host::hmac_sha256(secret, key.as_bytes())?,
            accession: accession_pseudonym,
            identifiers,
        })
    }

    /// 96 bits in hexadecimal.
    pub(crate) fn id(&self) -> String {
        hex(self.mac.get(..12).unwrap_or_default())
    }

    /// For PN.
    pub(crate) fn name(&self) -> String {
        format!("Anonymous^{}", hex(self.mac.get(..6).unwrap_or_default()))
    }

    /// For SH: 16 characters; `None` where the object has no accession number.
    pub(crate) fn accession(&self) -> Option<&str> {
        self.accession.as_deref()
    }

    /// From 1 to `most`, from other bytes than the pseudonyms, which are public.
    pub(crate) fn days(&self, most: u32) -> i32 {
        let bytes = self
            .mac
            .get(16..24)
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default();
        let days = u64::from_be_bytes(bytes) % u64::from(most.max(1)) + 1;
        i32::try_from(days).unwrap_or(1)
    }

    /// Whether the text holds one of the patient's identifiers.
    pub(crate) fn is_named_in(&self, text: &str) -> bool {
        if self.identifiers.is_empty() || text.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        self.identifiers
            .iter()
            .any(|identifier| text.contains(identifier.as_str()))
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
