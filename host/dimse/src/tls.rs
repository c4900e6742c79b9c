//! Associations over TLS, both sides: the secure transport connection profile of BCP 195 (PS3.15 §B.12).
//!
//! Separate because here is all that decides whose certificate is believed. TLS 1.3, and TLS 1.2 with ephemeral keys and
//! AES-GCM; nothing older is negotiated. Certificates are not asked for revocation.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::{CipherSuite, ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::error::AssociationError;
use crate::stream::Stream;

/// The largest file of certificates or keys, in bytes.
const MOST_FILE: u64 = 1 << 20;
/// What is due before the first PDU.
const THE_HANDSHAKE: &str = "the TLS handshake";

/// Who this side is: the files of its certificate, with those that vouch for it, and of its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its certificate first.
    pub certificate: PathBuf,
    /// PKCS #8, PKCS #1 or SEC 1; not encrypted.
    pub key: PathBuf,
}

/// Why TLS cannot be spoken with these files. Names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file does not hold what it is to hold.
    #[error("{} holds no {wanted} in PEM: {problem}", path.display())]
    NotPem {
        /// Which.
        path: PathBuf,
        /// What it is to hold.
        wanted: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Certificate and key are no pair, or cannot be used.
    #[error("{} and {} cannot be used: {problem}", identity.certificate.display(), identity.key.display())]
    Identity {
        /// Which.
        identity: Identity,
        /// What is wrong.
        problem: String,
    },
    /// The certificates that others are to be vouched for by cannot be used.
    #[error("{} cannot be trusted by: {problem}", path.display())]
    Trust {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The library refused its settings.
    #[error("TLS does not start: {0}")]
    Start(String),
}

/// Takes associations over TLS. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls(TlsAcceptor);

/// Begins associations over TLS. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls(TlsConnector);

// Not derived: the configuration holds keys.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls")
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

impl ServerTls {
    /// Reads who this side is. With `clients`, a file of certificates, only peers are let in for whom one of them vouches.
    ///
    /// # Errors
    /// A file that is not there or not what it should be.
    pub fn load(identity: &Identity, clients: Option<&Path>) -> Result<Self, TlsError> {
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Start(error.to_string()))?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(trusted(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| TlsError::Trust {
                    path: path.to_owned(),
                    problem: error.to_string(),
                })?)
            }
        };
        let (chain, key) = read_identity(identity)?;
        let config = builder
            .with_single_cert(chain, key)
            .map_err(|error| unusable(identity, &error))?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands with who has connected.
    ///
    /// # Errors
    /// [`AssociationError::Timeout`], or [`AssociationError::Connection`] where the two do not agree.
    pub async fn accept(&self, stream: TcpStream, limit: Duration) -> Result<Stream, AssociationError> {
        let shaken = within(limit, self.0.accept(stream)).await?;
        Ok(Stream::Tls(Box::new(shaken.into())))
    }
}

impl ClientTls {
    /// Reads who vouches for peers, and who this side is where peers ask for it.
    ///
    /// # Errors
    /// A file that is not there or not what it should be.
    pub fn load(peers: &Path, identity: Option<&Identity>) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Start(error.to_string()))?
            .with_root_certificates(trusted(peers)?);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = read_identity(identity)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| unusable(identity, &error))?
            }
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Shakes hands with a peer, whose certificate must be for `name`: a host name or an address.
    ///
    /// # Errors
    /// [`AssociationError::Timeout`], or [`AssociationError::Connection`] where the two do not agree.
    pub async fn connect(&self, stream: TcpStream, name: &str, limit: Duration) -> Result<Stream, AssociationError> {
        let name = ServerName::try_from(name.to_owned()).map_err(|error| AssociationError::Connection {
            what: THE_HANDSHAKE,
            source: io::Error::new(io::ErrorKind::InvalidInput, error),
        })?;
        let shaken = within(limit, self.0.connect(name, stream)).await?;
        Ok(Stream::Tls(Box::new(shaken.into())))
    }
}

async fn within<T>(limit: Duration, shaking: impl Future<Output = io::Result<T>>) -> Result<T, AssociationError> {
    let what = THE_HANDSHAKE;
    match timeout(limit, shaking).await {
        Ok(shaken) => shaken.map_err(|source| AssociationError::Connection { what, source }),
        Err(_) => Err(AssociationError::Timeout { what, limit }),
    }
}

/// What BCP 195 recommends: of TLS 1.2, only suites with AES-GCM.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| {
        !matches!(
            suite.suite(),
            CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        )
    });
    Arc::new(provider)
}

fn trusted(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::Trust {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
    }
    Ok(roots)
}

fn read_identity(identity: &Identity) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(&identity.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&identity.key)?).map_err(|error| TlsError::NotPem {
        path: identity.key.clone(),
        wanted: "private key",
        problem: error.to_string(),
    })?;
    Ok((chain, key))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let not_pem = |problem| TlsError::NotPem {
        path: path.to_owned(),
        wanted: "certificate",
        problem,
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| not_pem(error.to_string()))?;
    if certificates.is_empty() {
        return Err(not_pem("there is no `-----BEGIN CERTIFICATE-----` in it".into()));
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |error| TlsError::Unreadable {
        path: path.to_owned(),
        error,
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MOST_FILE {
        return Err(unreadable(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 1 MiB",
        )));
    }
    std::fs::read(path).map_err(unreadable)
}

fn unusable(identity: &Identity, error: &rustls::Error) -> TlsError {
    TlsError::Identity {
        identity: identity.clone(),
        problem: error.to_string(),
    }
}
