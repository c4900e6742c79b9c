//! A host that is told to end lets those finish who are sending, and takes nobody new.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::time::{Duration, Instant};

use door::Host;
use door::object::{Object, associate, store};

#[test]
fn who_is_sending_is_served_to_the_end_and_who_rests_is_told_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), "drain = \"20 s\"\n");
    let (to, process) = (host.dicom, host.id());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let resting = runtime.block_on(associate(to)).unwrap();
    let sender = runtime.spawn(async move {
        let mut association = associate(to).await.unwrap();
        for number in 0..40 {
            let answer = store(&mut association, &Object::ct(1, number, 20_000)).await.unwrap();
            assert_eq!(answer.status.code(), 0);
            if number == 5 {
                door::signal(process, "TERM");
            }
            if number == 30 {
                assert!(associate(to).await.is_err(), "a draining host takes nobody new");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        association.release().await.unwrap();
    });
    runtime.block_on(sender).unwrap();
    let began = Instant::now();
    assert!(host.ended().success(), "{}", host.log());
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "an association that rests does not hold it up"
    );
    drop(resting);
    host.restart();
    assert_eq!(host.search("/instances").len(), 40);
}
