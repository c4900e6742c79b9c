//! Checks across settings: names that must be known elsewhere, and what may listen where.
//!
//! Apart from the sections because these concern the configuration as a whole, whichever way a value came into it.

use std::net::SocketAddr;

use super::Config;
use super::reader::{At, Problems, Section, instead_of};

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
    let services = [
        ("[dicom]", dicom.listen, "gate", &dicom.gate),
        ("[http]", http.listen, "authenticate", &http.authenticate),
    ];
    for (section, address, key, asked) in services {
        if !config.allow_anonymous && asked.is_empty() && !is_loopback(address) {
            let message = format!(
                "`listen` in {section} is {address}, which others can reach, and nothing authenticates them; \
                 listen on 127.0.0.1, name a plugin in `{key}`, or say `allow-anonymous = true` at the top of the file"
            );
            problems.add(None, message);
        }
    }
    if config.dicom.listen == config.http.listen && config.http.listen.port() != 0 {
        let message = format!(
            "[dicom] and [http] both listen on {}; give each its own port",
            config.http.listen
        );
        problems.add(None, message);
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
