//! Who reaches the DICOM port, how, and what for: `[dicom.tls]`, `[[dicom.callers]]`, and `tls` of a destination.
//!
//! Apart from the other keys of `[dicom]` because here is all that keeps strangers out without a plugin.

use std::path::Path;

use isocenter_dimse::Identity;
use isocenter_pipeline::chain::Glob;

use super::super::reader::{At, Section, instead_of, quoted};
use super::super::{Caller, ClientTls, Service, Tls};
use super::{path, when};

/// What `services` may name.
const SERVICES: [(&str, Service); 4] = [
    ("store", Service::Store),
    ("query", Service::Query),
    ("retrieve", Service::Retrieve),
    ("worklist", Service::Worklist),
];

pub(super) fn tls(dicom: &Section<'_, '_>, folder: &Path) -> Option<Tls> {
    let found = dicom.table("tls", "[dicom.tls]")?;
    let section = &found.value;
    let listen = section.get("listen");
    let client_ca = path(section, "client-ca", folder);
    let identity = identity(&found, folder);
    for key in ["listen", "certificate", "key"] {
        if !section.has(key) {
            section.complain(found.line, format!("needs `{key}`"));
        }
    }
    section.end();
    Some(Tls {
        listen: listen?.value,
        identity: identity?,
        client_ca,
    })
}

pub(super) fn client_tls(peer: &Section<'_, '_>, folder: &Path) -> Option<ClientTls> {
    let found = peer.table("tls", format!("`tls` of {}", peer.label()))?;
    let section = &found.value;
    let ca = path(section, "ca", folder);
    let identity = identity(&found, folder);
    if !section.has("ca") {
        let message = "needs `ca = \"PATH\"`, the certificates of those who vouch for the peer";
        section.complain(found.line, message);
    }
    section.end();
    Some(ClientTls { ca: ca?, identity })
}

/// A certificate and its key, which come together.
fn identity(found: &At<Section<'_, '_>>, folder: &Path) -> Option<Identity> {
    let section = &found.value;
    let (certificate, key) = (path(section, "certificate", folder), path(section, "key", folder));
    if section.has("certificate") != section.has("key") {
        section.complain(found.line, "has one of `certificate` and `key`, which belong together");
    }
    Some(Identity {
        certificate: certificate?,
        key: key?,
    })
}

pub(super) fn callers(dicom: &Section<'_, '_>) -> Vec<Caller> {
    let read = |At { line, value: section }| caller(line, &section);
    dicom.list("callers").into_iter().map(read).collect()
}

fn caller(line: usize, section: &Section<'_, '_>) -> Caller {
    let ae_titles = section
        .get::<Vec<String>>("ae-title")
        .map_or(Vec::new(), |found| found.value);
    let addresses = section
        .raw("address")
        .map_or(Vec::new(), |found| when::networks(section, "address", &found));
    let mut tls = false;
    section.set("tls", &mut tls);
    let services = section.get::<Vec<String>>("services").map(|found| {
        let named = found.value.iter().filter_map(|name| service(section, found.line, name));
        named.collect()
    });
    let mut most = 0;
    section.set_within("max-associations", 1..=4096, &mut most);
    let bandwidth = section.get("bandwidth").map(|found| found.value);
    section.end();
    for key in ["ae-title", "address"] {
        if section
            .raw(key)
            .is_some_and(|found| found.value.as_array().is_some_and(|items| items.is_empty()))
        {
            section.complain(line, format!("has no entry in `{key}`, so it could fit nobody"));
        }
    }
    if !section.has("ae-title") && !section.has("address") && !tls {
        section.complain(line, "says not who; it needs `ae-title`, `address` or `tls = true`");
    }
    Caller {
        ae_titles: ae_titles.iter().map(|pattern| Glob::new(pattern)).collect(),
        addresses,
        tls,
        services,
        max_associations: (most > 0).then_some(most),
        bandwidth,
    }
}

fn service(section: &Section<'_, '_>, line: usize, name: &str) -> Option<Service> {
    let known = SERVICES.iter().find(|(known, _)| *known == name);
    if known.is_none() {
        let hint = instead_of(name, SERVICES.iter().map(|(name, _)| *name), "known are");
        section.complain(line, format!("has {} for `services`{hint}", quoted(name)));
    }
    known.map(|(_, service)| *service)
}
