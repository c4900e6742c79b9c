//! A host for one test: an archive on a private cluster in a folder of its own, a pipeline without plugins, the router.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use isocenter_archive::index::Duplicates;
use isocenter_archive::{Archive, Options};
use isocenter_dicom::edit::SiteKey;
use isocenter_pipeline::{Config, Pipeline, Set};
use isocenter_web::{About, App, Limits, router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::object::{Object, multipart};

/// What `Content-Type` announces the bodies of [`multipart`].
pub(crate) const RELATED: &str = "multipart/related; type=\"application/dicom\"; boundary=b0";

pub(crate) struct Host {
    pub(crate) router: Router,
    pub(crate) archive: Archive,
    pub(crate) pipeline: Pipeline,
    pub(crate) draining: CancellationToken,
    folder: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::made(limits, Set::default()).await
    }

    /// With parts that a configuration would name.
    pub(crate) async fn of(set: Set) -> Self {
        Self::made(Limits::default(), set).await
    }

    async fn made(limits: Limits, set: Set) -> Self {
        let folder = tempfile::Builder::new().prefix("isocenter").tempdir().unwrap();
        // As root the cluster runs as another user, who must get through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let data = folder.path().join("data");
        let options = Options {
            data: data.clone(),
            database: None,
            postgres_binaries: None,
            max_connections: 8,
            duplicates: Duplicates::KeepFirst,
        };
        let (archive, _) = Archive::open(options).await.unwrap();
        let config = Config {
            site_key: SiteKey::new([7; 32]),
            limits: isocenter_dicom::header::Limits::default(),
            deflated_bytes: 64 << 20,
            header_memory: 64 << 20,
            tries_before_quarantine: 3,
            spool: data.join("spool"),
        };
        let draining = CancellationToken::new();
        let pipeline = Pipeline::new(archive.clone(), config, set);
        let app = App {
            pipeline: pipeline.clone(),
            archive: archive.clone(),
            metrics: Arc::new(|| "isocenter_up 1\n".to_owned()),
            about: About {
                version: "0.0-test".to_owned(),
                ae_title: "TEST".to_owned(),
                dicom_listen: "127.0.0.1:11112".to_owned(),
                http_listen: "127.0.0.1:8080".to_owned(),
                database: "private cluster".to_owned(),
                public_url: Some("http://host".to_owned()),
            },
            limits,
            data,
            reload: None,
            draining: draining.clone(),
        };
        Self {
            router: router(app),
            archive,
            pipeline,
            draining,
            folder,
        }
    }

    /// Serves on a socket of its own until the test ends.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(isocenter_web::serve(
            listener,
            self.router.clone(),
            std::future::pending(),
        ));
        address
    }

    pub(crate) async fn stop(self) {
        self.archive.close().await;
        drop(self.folder);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.send(Request::get(path).header("accept", accept).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn post(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        self.send(
            Request::post(path)
                .header("content-type", content_type)
                .body(Body::from(body))
                .unwrap(),
        )
        .await
    }

    /// Stores objects, all of which must be taken.
    pub(crate) async fn store(&self, objects: &[Object]) {
        let files: Vec<Vec<u8>> = objects.iter().map(Object::file).collect();
        let answer = self.post("/dicom-web/studies", RELATED, multipart(&files)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
}
