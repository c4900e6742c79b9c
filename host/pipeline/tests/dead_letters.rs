//! A delivery that is given up, as a sink is told of it: a real archive, a peer that is not there, and a sink built into
//! the test.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that meets what it does not expect has failed"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use isocenter_archive::index::{Duplicates, NewJob, Source, Transport};
use isocenter_archive::{Archive, Options};
use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dimse::AeTitle;
use isocenter_pipeline::destination::{Destination, Retry, Target};
use isocenter_pipeline::ingest::Announced;
use isocenter_pipeline::peer::Peer;
use isocenter_pipeline::{Config, Pipeline, Set, SinkSpec};
use isocenter_role::{Call, Cost, Event, Outcome, Part, Sink, State};
use tokio_util::sync::CancellationToken;

const STUDY: &str = "1.2.826.1";
const OBJECT: &str = "1.2.826.1.1.1";

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Part for Told {
    fn name(&self) -> &str {
        "told"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl Sink for Told {
    fn deliver(self: Arc<Self>, batch: Arc<Vec<Event>>) -> Call<'static, ()> {
        Box::pin(async move {
            self.0.lock().unwrap().extend(batch.iter().cloned());
            Outcome {
                result: Ok(()),
                cost: Cost::default(),
            }
        })
    }
}

/// A data set in implicit VR little endian.
fn data_set() -> Bytes {
    let mut bytes = Vec::new();
    for (group, element, value) in [
        (0x0008_u16, 0x0016_u16, "1.2.840.10008.5.1.4.1.1.2"),
        (0x0008, 0x0018, OBJECT),
        (0x0010, 0x0010, "Doe^Jane"),
        (0x0020, 0x000D, STUDY),
        (0x0020, 0x000E, "1.2.826.1.1"),
    ] {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if group == 0x0010 { b' ' } else { 0 });
        }
        bytes.extend(group.to_le_bytes());
        bytes.extend(element.to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        bytes.extend(value);
    }
    bytes.into()
}

async fn archive(data: &Path) -> Archive {
    let options = Options {
        data: data.to_owned(),
        database: None,
        postgres_binaries: None,
        max_connections: 8,
        duplicates: Duplicates::KeepFirst,
    };
    Archive::open(options).await.unwrap().0
}

/// A destination where nobody listens, which is tried once.
fn away() -> Destination {
    // Free for a moment, and nobody's afterwards.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    Destination {
        name: "away".to_owned(),
        target: Target::Dicom(Peer {
            ae_title: AeTitle::parse("AWAY").unwrap(),
            address: address.to_string(),
            tls: None,
            calling_ae: AeTitle::parse("ISOCENTER").unwrap(),
            user: None,
            commit_within: None,
        }),
        egress: Vec::new(),
        retry: Retry {
            attempts: 1,
            ..Retry::default()
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_is_told_of_a_delivery_that_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    // As root the cluster runs as another user, who must get through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let data = folder.path().join("data");
    let archive = archive(&data).await;
    let told = Arc::new(Told::default());
    let set = Set {
        destinations: [("away".to_owned(), away())].into(),
        sinks: vec![SinkSpec {
            sink: Arc::clone(&told) as Arc<dyn Sink>,
            batch: 10,
            kinds: vec!["delivery.*".to_owned()],
        }],
        ..Set::default()
    };
    let config = Config {
        site_key: SiteKey::new([7; 32]),
        limits: isocenter_dicom::header::Limits::default(),
        deflated_bytes: 1 << 20,
        header_memory: 1 << 20,
        tries_before_quarantine: 3,
        spool: data.join("spool"),
    };
    let pipeline = Pipeline::new(archive.clone(), config, set);
    let stop = CancellationToken::new();
    let queue = tokio::spawn({
        let (pipeline, stop) = (pipeline.clone(), stop.clone());
        async move { pipeline.run_queue(stop, Duration::from_secs(5)).await }
    });

    let mut session = pipeline.session(Source {
        calling_ae: None,
        called_ae: None,
        peer: None,
        transport: Transport::Dimse,
        subject: None,
        hops: 0,
    });
    let mut receiving = session.begin(Announced {
        syntax: TransferSyntax::lookup("1.2.840.10008.1.2").unwrap(),
        sop_class: None,
        sop_instance: None,
        study: None,
    });
    receiving.push(data_set()).await.unwrap();
    receiving.finish().await.unwrap();
    session.close().await;
    let (study, object) = (Uid::parse(STUDY).unwrap(), Uid::parse(OBJECT).unwrap());
    let delivery = NewJob::deliver("away").of_object(study, object);
    archive.index().enqueue(&[delivery]).await.unwrap();

    let heard = async {
        while told.0.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard)
        .await
        .expect("the sink is told");
    let dead = archive.index().dead(10).await.unwrap();
    let events = std::mem::take(&mut *told.0.lock().unwrap());
    let [event] = events.as_slice() else {
        unreachable!("{events:?}")
    };
    assert_eq!(event.kind, "delivery.dead");
    let expected = serde_json::json!({
        "job": dead.first().unwrap().id, "study": STUDY, "object": OBJECT, "destination": "away", "attempts": 1,
    });
    assert_eq!(event.data, expected);

    stop.cancel();
    queue.await.unwrap();
    pipeline.close().await;
    archive.close().await;
}
