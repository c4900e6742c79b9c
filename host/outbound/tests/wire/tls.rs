//! Only a host that a trusted root vouches for, by the name or address that was asked for, is talked to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use isocenter_outbound::{Options, Outbound, Trouble};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::network::Faked;
use crate::server::{Answer, Server};
use crate::{client_over, get, grant, read};

/// A certificate authority, and the file that an operator would name.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let folder = tempfile::tempdir().unwrap();
        // Two authorities of one name would be told apart by the signature only.
        let name = folder.path().display().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn options(&self) -> Options {
        Options {
            ca: Some(self.file()),
            ..Options::default()
        }
    }

    /// A server whose certificate names this.
    async fn server(&self, name: &str, expired: bool) -> Server {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if expired {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Server::wrapped(
            |_| Answer::ok("in private"),
            move |stream| acceptor.accept(stream).into_future(),
        )
        .await
    }
}

#[tokio::test]
async fn a_host_of_the_operators_own_authority_is_trusted_by_name_and_by_address() {
    let authority = Authority::new();
    for (host, name) in [("api.example.org", "api.example.org"), ("127.0.0.1", "127.0.0.1")] {
        let server = authority.server(name, false).await;
        let origin = format!("https://{host}:{}", server.address.port());
        let network = Faked::always("93.184.215.14");
        let client = client_over(authority.options(), network, std::slice::from_ref(&origin));
        // Twice: the second resumes the session.
        for _ in 0..2 {
            let mut response = client.send(get(format!("{origin}/x"))).await.unwrap();
            assert_eq!(read(&mut response).await.unwrap(), "in private");
        }
        assert!(server.requests()[1].starts_with("GET /x HTTP/1.1\r\n"));
    }
}

#[tokio::test]
async fn a_host_that_nobody_vouches_for_is_told_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (options, name, expired, reason) in [
        (Options::default(), "api.example.org", false, "UnknownIssuer"),
        (other.options(), "api.example.org", false, "UnknownIssuer"),
        (authority.options(), "other.example.org", false, "not valid for name"),
        (authority.options(), "127.0.0.1", false, "not valid for name"),
        (authority.options(), "api.example.org", true, "expired"),
    ] {
        let server = authority.server(name, expired).await;
        let origin = format!("https://api.example.org:{}", server.address.port());
        let client = client_over(options, Faked::always("93.184.215.14"), std::slice::from_ref(&origin));
        let refused = client.send(get(format!("{origin}/DOE"))).await.unwrap_err();
        let Trouble::Connect(why) = &refused else {
            panic!("{refused:?}");
        };
        assert!(
            why.starts_with(&format!("TLS with {origin} does not come about: ")),
            "{why}"
        );
        assert!(why.contains(reason), "{why}");
        server.ended(1).await;
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_host_without_tls_is_told_nothing() {
    let server = Server::start(|_| Answer::ok("in public")).await;
    let origin = format!("https://{}", server.address);
    let client = Outbound::new(Options::default())
        .unwrap()
        .client(grant(std::slice::from_ref(&origin)));
    // It waits for the end of a request that never comes, and the client for a handshake.
    let refused = client.send(crate::soon(get(&origin))).await.unwrap_err();
    assert_eq!(refused, Trouble::Timeout);
    assert!(server.requests().is_empty());
}

#[test]
fn a_file_that_holds_no_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let check = |content: Option<&str>, error: &str| {
        let path = folder.path().join("ca.pem");
        match content {
            Some(content) => std::fs::write(&path, content).unwrap(),
            None => assert!(!Path::exists(&path)),
        }
        let options = Options {
            ca: Some(path.clone()),
            ..Options::default()
        };
        let Err(refused) = Outbound::new(options) else {
            panic!("{content:?} is taken");
        };
        let refused = refused.to_string();
        assert!(refused.starts_with(&path.display().to_string()), "{refused}");
        assert!(refused.contains(error), "{refused}");
    };
    check(None, "cannot be read: No such file");
    check(Some(""), "there is no `-----BEGIN CERTIFICATE-----` in it");
    check(
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n"),
        "is not a PEM file of certificates",
    );
    check(
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        "is not a PEM file of certificates",
    );
    let key = KeyPair::generate().unwrap().serialize_pem();
    check(Some(&key), "there is no `-----BEGIN CERTIFICATE-----` in it");
}
