//! Checks across settings: names that must be known elsewhere, and what may listen where.
//!
//! Apart from the sections because these concern the configuration as a whole, whichever way a value came into it.

use std::net::SocketAddr;

use super::reader::{At, Problems, Section, instead_of};
use super::{Config, UnknownCallers};

/// Reports each of `names` that is not among `known`. `what` is what they name, for example `plugin`.
pub(super) fn all_known<'n>(
    section: &Section<'_, '_>,
    key: &str,
    names: &At<Vec<String>>,
    what: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) {
    for name in &names.value {
        if known.clone().any(|other| other == name) {
            continue;
        }
        let hint = instead_of(name, known.clone(), "known are");
        let message = format!("unknown {what} `{name}` in `{key}` of {}{hint}", section.label());
        section.problems().add(Some(names.line), message);
    }
}

/// Reports a port that would be open to others without authentication, and two services on one address.
pub(super) fn listening(config: &Config, problems: &Problems) {
    let (dicom, http) = (&config.dicom, &config.http);
    let callers_known =
        !dicom.gate.is_empty() || (!dicom.callers.is_empty() && dicom.unknown_callers != UnknownCallers::Accept);
    let tls = dicom.tls.as_ref();
    let vouched_for = callers_known || tls.is_some_and(|tls| tls.client_ca.is_some());
    let by_caller = "name a plugin in `gate`, list those who may call in [[dicom.callers]]";
    let by_certificate = "name who vouches for callers in `client-ca`, a plugin in `gate` of [dicom]";
    let by_request = "name a plugin in `authenticate`";
    let hl7 = config.hl7.as_ref();
    let senders_known = hl7.is_some_and(|hl7| !hl7.callers.is_empty());
    let by_sender = "list the addresses of those who may send in `callers`";
    let ports = [
        ("[dicom]", Some(dicom.listen), callers_known, by_caller),
        ("[dicom.tls]", tls.map(|tls| tls.listen), vouched_for, by_certificate),
        ("[hl7]", hl7.map(|hl7| hl7.listen), senders_known, by_sender),
        ("[http]", Some(http.listen), !http.authenticate.is_empty(), by_request),
    ];
    let mut taken: Vec<(&str, SocketAddr)> = Vec::new();
    for (section, address, known, how) in ports {
        let Some(address) = address else { continue };
        if !config.allow_anonymous && !known && !is_loopback(address) {
            let message = format!(
                "`listen` in {section} is {address}, which others can reach, and nothing authenticates them; \
                 listen on 127.0.0.1, {how}, or say `allow-anonymous = true` at the top of the file"
            );
            problems.add(None, message);
        }
        let before = taken.iter().find(|(_, other)| *other == address && address.port() != 0);
        if let Some((other, _)) = before {
            let message = format!("{other} and {section} both listen on {address}; give each its own port");
            problems.add(None, message);
        }
        taken.push((section, address));
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
