//! What an analyzer made is taken all together or not at all, whatever becomes of one of them: over a real archive, with a
//! filter built into the test.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use isocenter_archive::index::{Duplicates, Source, Transport, Within};
use isocenter_archive::{Archive, Options};
use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Value, tags};
use isocenter_pipeline::chain::{Chain, Condition, OnFailure};
use isocenter_pipeline::ingest::Announced;
use isocenter_pipeline::refusal::{Refusal, RefusalKind};
use isocenter_pipeline::{Config, Pipeline, Set};
use isocenter_role::{
    Analysis, Analyzer, Call, Cost, DraftKind, Failure, Filter, FilterAnswer, Next, OpenObject, Outcome, Part, Passage,
    PlannedDraft, State, Study, Verdict,
};
use tokio_util::sync::CancellationToken;

/// Does with objects whose UID ends in `.2` what its name says, and keeps the others.
struct Second(&'static str);

impl Part for Second {
    fn name(&self) -> &str {
        "second"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl Filter for Second {
    fn wants_pixels(&self) -> bool {
        false
    }

    fn filter(self: Arc<Self>, object: OpenObject, _: Arc<Passage>) -> Call<'static, FilterAnswer> {
        let is_second = object.header.identity().unwrap().sop_instance.as_str().ends_with(".2");
        let verdict = match self.0 {
            "trap-all" => Err(Failure::Trap("unreachable".to_owned())),
            _ if !is_second => Ok(Verdict::Keep),
            "drop" => Ok(Verdict::Drop("unwanted".to_owned())),
            "refuse" => Ok(Verdict::Refuse("unwanted".to_owned())),
            "hold" => Ok(Verdict::Quarantine("odd".to_owned())),
            "later" => Err(Failure::Overloaded),
            "trap" => Err(Failure::Trap("unreachable".to_owned())),
            _ => Ok(Verdict::Keep),
        };
        Box::pin(async move {
            Outcome {
                result: verdict.map(|verdict| FilterAnswer {
                    verdict,
                    edits: Vec::new(),
                }),
                cost: Cost::default(),
            }
        })
    }
}

fn set(act: &'static str) -> Set {
    let chain = Chain {
        name: "all".to_owned(),
        when: Condition::default(),
        ingest: vec![Arc::new(Second(act))],
        route: Vec::new(),
        study_route: Vec::new(),
        analyze: Vec::new(),
        quiet: Duration::ZERO,
        shadow: false,
        on_failure: OnFailure::Quarantine,
    };
    Set {
        chains: vec![chain],
        ..Set::default()
    }
}

/// An archive on a private cluster, and what stands before it.
struct Host {
    archive: Archive,
    pipeline: Pipeline,
    folder: tempfile::TempDir,
}

impl Host {
    async fn start() -> Self {
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
        let pipeline = Pipeline::new(archive.clone(), config, Set::default());
        Self {
            archive,
            pipeline,
            folder,
        }
    }

    async fn stop(self) {
        self.pipeline.close().await;
        self.archive.close().await;
        drop(self.folder);
    }

    async fn store_all(&self, objects: Vec<(Announced, Vec<Bytes>)>) -> Result<(), Refusal> {
        let mut session = self.pipeline.session(source(Transport::Derived, 1));
        let stored = session.store_all(objects).await;
        session.close().await;
        stored
    }

    /// Numbers of the objects of a study that are served.
    async fn served(&self, study: u32) -> Vec<u32> {
        let uid = Uid::parse(&format!("1.2.826.{study}")).unwrap();
        let index = self.archive.index();
        let found = index
            .locate(&uid, None, None, None, 1000, &Within::everything())
            .await
            .unwrap();
        let number = |uid: &Uid| uid.as_str().rsplit('.').next().unwrap().parse().unwrap();
        found.iter().map(|found| number(&found.identity.sop_instance)).collect()
    }

    async fn held(&self) -> usize {
        self.archive.index().quarantined(1000).await.unwrap().len()
    }
}

fn source(transport: Transport, hops: u8) -> Source {
    Source {
        calling_ae: None,
        called_ae: None,
        peer: None,
        transport,
        subject: None,
        hops,
    }
}

fn element(set: &mut Vec<u8>, tag: u32, vr: &[u8; 2], value: &str) {
    let [a, b, c, d] = tag.to_be_bytes();
    set.extend([b, a, d, c]);
    set.extend(vr);
    let length = value.len().next_multiple_of(2);
    set.extend(u16::try_from(length).unwrap().to_le_bytes());
    set.extend(value.bytes());
    if length > value.len() {
        set.push(if vr == b"UI" { 0 } else { b' ' });
    }
}

/// An object of a study with 300,000 bytes of pixels, in pieces.
fn object(study: u32, number: u32, name: &str) -> (Announced, Vec<Bytes>) {
    let study = format!("1.2.826.{study}");
    let mut set = Vec::new();
    element(&mut set, 0x0008_0016, b"UI", "1.2.840.10008.5.1.4.1.1.7");
    element(&mut set, 0x0008_0018, b"UI", &format!("{study}.1.{number}"));
    element(&mut set, 0x0010_0010, b"PN", name);
    element(&mut set, 0x0020_000D, b"UI", &study);
    element(&mut set, 0x0020_000E, b"UI", &format!("{study}.1"));
    element(&mut set, 0x0020_0013, b"IS", &number.to_string());
    set.extend([0xE0, 0x7F, 0x10, 0x00]);
    set.extend(b"OW\0\0");
    set.extend(300_000_u32.to_le_bytes());
    let announced = Announced {
        syntax: TransferSyntax::explicit_le(),
        sop_class: None,
        sop_instance: None,
        study: None,
    };
    (announced, vec![Bytes::from(set), Bytes::from(vec![7; 300_000])])
}

fn three(study: u32) -> Vec<(Announced, Vec<Bytes>)> {
    (1..=3).map(|number| object(study, number, "DOE^JANE")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i19_where_one_is_not_taken_none_is_stored() {
    let host = Host::start().await;
    // What the filter does with the second; why they are not taken; which are served; how many are held.
    let cases: [(&str, Option<RefusalKind>, &[u32], usize); 6] = [
        ("keep", None, &[1, 2, 3], 0),
        ("refuse", Some(RefusalKind::RefusedByPlugin), &[], 0),
        ("later", Some(RefusalKind::TryLater), &[], 0),
        ("drop", None, &[1, 3], 0),
        ("hold", None, &[1, 3], 1),
        ("trap", None, &[1, 3], 1),
    ];
    for (study, (act, refused, served, held)) in (1..).zip(cases) {
        host.pipeline.exchange(set(act));
        let before = host.held().await;
        let stored = host.store_all(three(study)).await;
        assert_eq!(stored.err().map(|refusal| refusal.kind), refused, "{act}");
        assert_eq!(host.served(study).await, served, "{act}");
        assert_eq!(host.held().await - before, held, "{act}");
    }
    // More than a session has packs.
    host.pipeline.exchange(set("trap-all"));
    let before = host.held().await;
    let many = (1..=20).map(|number| object(50, number, "DOE^JANE")).collect();
    host.store_all(many).await.unwrap();
    assert_eq!((host.served(50).await, host.held().await - before), (vec![], 20));
    assert_eq!(host.archive.verify(|_| ()).await.unwrap().problems, []);
    host.stop().await;
}

/// Makes two captures of the first object of a study; the UID of the second ends in `.2`.
struct Captures;

impl Part for Captures {
    fn name(&self) -> &str {
        "captures"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl Analyzer for Captures {
    fn start(self: Arc<Self>, study: Arc<dyn Study>) -> Call<'static, Analysis> {
        Box::pin(async move {
            let header = study.open(0).await.unwrap().unwrap().header;
            let capture = |number: u32| PlannedDraft {
                kind: DraftKind::SecondaryCapture,
                uid: format!("{}.7.{number}", study.uid()),
                sources: vec![Arc::clone(&header)],
                elements: vec![
                    (tags::ROWS.into(), Value::Unsigned(vec![2])),
                    (tags::COLUMNS.into(), Value::Unsigned(vec![3])),
                ],
                pixels: vec![1, 2, 3, 4, 5, 6],
            };
            Outcome {
                result: Ok(Analysis {
                    next: Next::Done,
                    drafts: vec![capture(1), capture(2)],
                    progress: None,
                }),
                cost: Cost::default(),
            }
        })
    }

    fn resume(self: Arc<Self>, _: Vec<u8>, study: Arc<dyn Study>) -> Call<'static, Analysis> {
        self.start(study)
    }
}

/// With the analyzer for what was sent, and the filter for what was made.
fn analyzed(act: &'static str) -> Set {
    let mut set = set(act);
    let mut analysis = set.chains[0].clone();
    analysis.name = "analysis".to_owned();
    analysis.ingest = Vec::new();
    analysis.analyze = vec![Arc::new(Captures)];
    analysis.when.transport = vec![Transport::File];
    set.chains[0].when.transport = vec![Transport::Derived];
    set.chains.push(analysis);
    set
}

#[tokio::test(flavor = "multi_thread")]
async fn i19_an_analysis_of_which_a_draft_is_refused_leaves_nothing() {
    let host = Host::start().await;
    let stop = CancellationToken::new();
    let (pipeline, stopped) = (host.pipeline.clone(), stop.clone());
    let queue = tokio::spawn(async move { pipeline.run_queue(stopped, Duration::from_secs(5)).await });
    let cases: [(&str, &[u32], usize); 2] = [("refuse", &[5], 1), ("keep", &[1, 2, 5], 1)];
    for (study, (act, served, dead)) in (1..).zip(cases) {
        host.pipeline.exchange(analyzed(act));
        let mut session = host.pipeline.session(source(Transport::File, 0));
        let (announced, pieces) = object(study, 5, "DOE^JANE");
        let mut receiving = session.begin(announced);
        for piece in pieces {
            receiving.push(piece).await.unwrap();
        }
        receiving.finish().await.unwrap();
        session.close().await;
        let ended = async {
            while host.archive.index().totals().await.unwrap().waiting > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
        let mut found = host.served(study).await;
        found.sort_unstable();
        assert_eq!(found, served, "{act}");
        let letters = host.archive.index().dead(10).await.unwrap();
        assert_eq!(letters.len(), dead, "{act}: {letters:?}");
        assert_eq!(letters[0].reason, "an object that it made is refused: second: unwanted");
    }
    stop.cancel();
    queue.await.unwrap();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i19_where_one_cannot_be_stored_none_is() {
    let host = Host::start().await;
    let torn = |study| {
        let (announced, mut pieces) = object(study, 2, "DOE^JANE");
        pieces[0].truncate(30);
        (announced, vec![pieces[0].clone()])
    };
    let cases = [
        ("it is torn", torn(1), RefusalKind::CannotUnderstand),
        (
            "it is of another study",
            object(99, 2, "DOE^JANE"),
            RefusalKind::Mismatch,
        ),
        ("it is there twice", object(3, 1, "ROE^RICHARD"), RefusalKind::Duplicate),
        (
            "it has the UID of what is served",
            object(4, 9, "DOE^JANE"),
            RefusalKind::Duplicate,
        ),
    ];
    host.store_all(vec![object(4, 9, "ROE^RICHARD")]).await.unwrap();
    for (study, (case, second, why)) in (1..).zip(cases) {
        let mut objects = three(study);
        objects[1] = second;
        let refusal = host.store_all(objects).await.unwrap_err();
        assert_eq!(refusal.kind, why, "{case}: {refusal}");
        assert!(
            !refusal.reason.contains("DOE") && !refusal.reason.contains("ROE"),
            "{refusal}"
        );
        let others: &[u32] = if study == 4 { &[9] } else { &[] };
        assert_eq!(host.served(study).await, others, "{case}");
        // The same without it are taken: nothing is left of them.
        host.store_all(three(study)).await.unwrap();
        assert_eq!(host.served(study).await, [&[1, 2, 3], others].concat(), "{case}");
    }
    let many = (1..=257).map(|number| object(5, number, "DOE^JANE")).collect();
    assert_eq!(host.store_all(many).await.unwrap_err().kind, RefusalKind::TooLarge);
    assert_eq!(host.served(5).await, Vec::<u32>::new());
    host.store_all(Vec::new()).await.unwrap();
    assert_eq!(host.archive.verify(|_| ()).await.unwrap().problems, []);
    host.stop().await;
}
