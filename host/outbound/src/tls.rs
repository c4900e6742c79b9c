//! Whom an https host must be vouched for by. Separate because here is all that decides about trust in a host.
//!
//! The bundled roots of Mozilla, the system's roots (where `SSL_CERT_FILE` and `SSL_CERT_DIR` of the environment replace
//! its files), and the operator's own file. Certificates are not asked for revocation.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::options::StartError;

/// The largest file of certificates, in bytes.
const MOST_CA: u64 = 1 << 20;

pub(crate) fn config(ca: Option<&Path>) -> Result<ClientConfig, StartError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let system = rustls_native_certs::load_native_certs();
    for error in system.errors {
        tracing::warn!("not all certificates of the system are trusted: {error}");
    }
    // A system's store may hold ancient roots that cannot be parsed; the others count.
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca {
        for certificate in read(path)? {
            roots.add(certificate).map_err(|error| StartError::NotCertificates {
                path: path.to_owned(),
                problem: error.to_string(),
            })?;
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let unreadable = |error| StartError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let not_certificates = |problem| StartError::NotCertificates {
        path: path.to_owned(),
        problem,
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MOST_CA {
        return Err(not_certificates("it is larger than 1 MiB".into()));
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| not_certificates(error.to_string()))?;
    if certificates.is_empty() {
        return Err(not_certificates(
            "there is no `-----BEGIN CERTIFICATE-----` in it".into(),
        ));
    }
    Ok(certificates)
}
