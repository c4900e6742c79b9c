use std::time::Duration;

use super::{object, uid};
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Reference},
};

const LEASE: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

fn refer(objects: &[&str]) -> Vec<Reference> {
    let refer = |object: &&str| Reference {
        sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
        object: uid(object),
    };
    objects.iter().map(refer).collect()
}

#[tokio::test]
async fn a_transaction_is_one_job_whatever_is_asked_under_its_uid() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let note = async |peer: &str, objects: &[&str]| {
        let noted = index.note_commitment(peer, &uid("1.9"), &refer(objects), NOW).await;
        noted.unwrap().unwrap()
    };
    let first = note("A", &["1.1", "1.2"]).await;
    // Again, before it was reported: the same request under a new job.
    let again = note("A", &["1.1", "1.2"]).await;
    assert_ne!(first, again);
    assert!(!index.hold_report(first, LEASE).await.unwrap());
    let unreported = index.unreported("A", &uid("1.9")).await.unwrap();
    assert_eq!(unreported.len(), 1);
    assert_eq!(unreported[0].references, refer(&["1.1", "1.2"]));
    assert!(!unreported[0].duplicate);
    // Another under its UID is a duplicate; that of another peer is none.
    note("A", &["1.3"]).await;
    note("B", &["1.3"]).await;
    let unreported = index.unreported("A", &uid("1.9")).await.unwrap();
    let duplicates: Vec<bool> = unreported.iter().map(|request| request.duplicate).collect();
    assert_eq!(duplicates, [false, true]);
    assert!(!index.unreported("B", &uid("1.9")).await.unwrap()[0].duplicate);
    // Two jobs, one for each peer.
    let jobs = index.claim_reports(10, LEASE).await.unwrap();
    let peers: Vec<&str> = jobs.iter().map(|job| job.peer.as_str()).collect();
    assert_eq!(peers, ["A", "B"]);
    // Once it was reported, the same request is another.
    index.reported(unreported[0].id).await.unwrap();
    index.reported(unreported[1].id).await.unwrap();
    assert!(index.unreported("A", &uid("1.9")).await.unwrap().is_empty());
    note("A", &["1.1", "1.2"]).await;
    assert!(index.unreported("A", &uid("1.9")).await.unwrap()[0].duplicate);
}

#[tokio::test]
async fn a_report_is_held_by_one_before_it_is_due() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let later = Duration::from_secs(600);
    let noted = index.note_commitment("A", &uid("1.9"), &refer(&["1.1"]), later).await;
    let job = noted.unwrap().unwrap();
    assert!(index.claim_reports(1, LEASE).await.unwrap().is_empty(), "it is not due");
    assert!(index.hold_report(job, LEASE).await.unwrap());
    assert!(!index.hold_report(job, LEASE).await.unwrap());
    // What is held is not hastened, and is given back by a retry.
    index.hasten_reports(&[job]).await.unwrap();
    assert!(index.claim_reports(1, LEASE).await.unwrap().is_empty());
    index.retry(&[job], NOW, "it left").await.unwrap();
    assert_eq!(index.claim_reports(1, LEASE).await.unwrap()[0].attempts, 2);

    let noted = index.note_commitment("A", &uid("1.8"), &refer(&["1.1"]), later).await;
    let job = noted.unwrap().unwrap();
    index.hasten_reports(&[job]).await.unwrap();
    assert_eq!(index.claim_reports(1, LEASE).await.unwrap()[0].transaction, uid("1.8"));
    assert!(!index.hold_report(job, LEASE).await.unwrap());
}

#[tokio::test]
async fn objects_are_found_by_their_uid_alone() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let stored = [object(1, 1, 1, "x"), object(2, 1, 1, "y")];
    index.commit(&stored, Duplicates::KeepFirst).await.unwrap();
    let mut served = index.served(&["1.2.1.1", "1.1.1.1", "1.7.7.7"]).await.unwrap();
    served.sort_by(|a, b| a.object.cmp(&b.object));
    let found: Vec<_> = served
        .iter()
        .map(|one| (one.study.as_str(), one.place.digest))
        .collect();
    assert_eq!(
        found,
        [("1.1", stored[0].place.digest), ("1.2", stored[1].place.digest)]
    );
}
