//! Against a receiver in this process, which speaks the wire and decides by rule.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use isocenter_dimse::{AbortReason, AeTitle, Association, ContextRefusal, Incoming, Options, accept, status};
use tokio::net::{TcpListener, TcpStream};

use super::{Batch, Data, Outgoing, Receiver};
use crate::config::PeerAddress;

/// What a receiver took: SOP Instance UID and size of the data set.
pub(crate) type Taken = Arc<Mutex<Vec<(String, usize)>>>;

/// SOP classes and SOP Instance UIDs that the receiver of the tests treats in its own way.
pub(crate) const UNWANTED_CLASS: &str = "1.2.840.10008.5.1.4.1.1.7";
pub(crate) const REFUSED: &str = "1.2.3.99.1";
pub(crate) const ABORTED: &str = "1.2.3.99.2";

/// Starts a receiver on a free port of loopback; it lives as long as the runtime.
pub(crate) async fn receiver() -> (Receiver, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: PeerAddress = listener.local_addr().unwrap().into();
    let taken = Taken::default();
    let log = Arc::clone(&taken);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            tokio::spawn(async move { serve(stream, &log).await });
        }
    });
    let receiver = Receiver {
        address,
        called: AeTitle::parse("TEST").unwrap(),
        calling: AeTitle::parse("SENDER").unwrap(),
    };
    (receiver, taken)
}

async fn serve(stream: TcpStream, log: &Taken) {
    let mut association: Association<TcpStream> = accept(stream, &Options::default(), async |request| {
        let answers: Vec<_> = request
            .contexts
            .iter()
            .map(|context| match context.abstract_syntax.as_str() {
                UNWANTED_CLASS => context.refuse(ContextRefusal::AbstractSyntax),
                _ => context.accept(&context.transfer_syntaxes[0]),
            })
            .collect();
        answers.into()
    })
    .await
    .unwrap();
    while let Ok(Incoming::Message(message)) = association.next().await {
        let mut size = 0;
        while let Some(fragment) = association.data().await.unwrap() {
            size += fragment.len();
        }
        let uid = message.command.sop_instance().unwrap().to_owned();
        let answer = match uid.as_str() {
            ABORTED => return association.abort(AbortReason::User).await,
            REFUSED => message
                .command
                .response(status::CANNOT_UNDERSTAND)
                .with_error_comment("not this one"),
            _ => message.command.response(status::SUCCESS),
        };
        log.lock().unwrap().push((uid, size));
        association.send(message.context, &answer, None).await.unwrap();
    }
}

fn object(number: usize, sop_class: &str, sop_instance: &str) -> Outgoing {
    Outgoing {
        name: format!("object {number}"),
        sop_class: sop_class.to_owned(),
        sop_instance: sop_instance.to_owned(),
        syntax: "1.2.840.10008.1.2.1".to_owned(),
        data: Data::Memory(Bytes::from(vec![0; number * 1000])),
    }
}

#[tokio::test]
async fn each_object_has_its_fate() {
    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    let (receiver, taken) = receiver().await;
    let mut batch = Batch::default();
    let table = [
        (CT, "1.2.3.1"),
        (CT, REFUSED),
        (UNWANTED_CLASS, "1.2.3.2"),
        (CT, ABORTED),
        ("not a uid", "1.2.3.3"),
        (CT, "1.2.3.4"),
    ];
    for (number, (sop_class, sop_instance)) in table.into_iter().enumerate() {
        batch.add(object(number, sop_class, sop_instance));
    }
    let mut fates = Vec::new();
    batch
        .send(&receiver, |object, fate| {
            fates.push(format!(
                "{}: {}",
                object.name,
                fate.err().unwrap_or_else(|| "stored".to_owned())
            ));
        })
        .await
        .unwrap();
    expect_test::expect![[r#"
        object 0: stored
        object 1: C000H (error: cannot understand): not this one
        object 2: the host takes no SOP class 1.2.840.10008.5.1.4.1.1.7 in transfer syntax 1.2.840.10008.1.2.1
        object 3: the peer aborted the association: by its application
        object 4: the host takes no SOP class not a uid in transfer syntax 1.2.840.10008.1.2.1
        object 5: stored"#]]
    .assert_eq(&fates.join("\n"));
    let expected = [("1.2.3.1", 0), (REFUSED, 1000), ("1.2.3.4", 5000)];
    let expected: Vec<_> = expected.map(|(uid, size)| (uid.to_owned(), size)).into();
    assert_eq!(*taken.lock().unwrap(), expected);
}

#[tokio::test]
async fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: PeerAddress = listener.local_addr().unwrap().into();
    drop(listener);
    let receiver = Receiver {
        address,
        called: AeTitle::parse("TEST").unwrap(),
        calling: AeTitle::parse("SENDER").unwrap(),
    };
    let mut batch = Batch::default();
    batch.add(object(1, "1.2.3", "1.2.3.1"));
    let error = batch
        .send(&receiver, |_, _| panic!("nothing was sent"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("no association with TEST at 127.0.0.1:"),
        "{error}"
    );
}

#[test]
fn a_batch_has_at_most_128_contexts() {
    let mut batch = Batch::default();
    for number in 0..128 {
        let object = object(0, &format!("1.2.{number}"), "1.2.3");
        assert!(batch.fits(&object));
        batch.add(object);
    }
    assert!(
        batch.fits(&object(0, "1.2.127", "1.2.4")),
        "a context that is there already"
    );
    assert!(!batch.fits(&object(0, "1.2.128", "1.2.5")), "one context too many");
}
