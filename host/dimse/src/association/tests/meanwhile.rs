//! Cancels, responses and departures while a request is performed.

use super::*;
use futures::FutureExt;
use tokio::io::duplex;

use crate::connect;

/// A user with the C-FIND-RQ 7 that it has sent, and the provider that has read it.
async fn asked(
    options: &Options,
) -> (
    Association<tokio::io::DuplexStream>,
    Association<tokio::io::DuplexStream>,
) {
    let (ours, theirs) = duplex(100_000);
    let provider = crate::accept(theirs, options, async |request: &Request| admit(request));
    let proposal = proposal();
    let (user, provider) = tokio::join!(connect(ours, options, &proposal), provider);
    let (mut user, mut provider) = (user.unwrap(), provider.unwrap());
    let find = Command::new(CommandField::C_FIND_RQ, 7);
    user.send(3, &find, Some("keys".into())).await.unwrap();
    let Incoming::Message(message) = provider.next().await.unwrap() else {
        panic!("released")
    };
    assert_eq!(message.command.message_id(), 7);
    (user, provider)
}

#[tokio::test]
async fn a_cancel_is_heard_and_others_are_not() {
    let (mut user, mut provider) = asked(&patient()).await;
    // Also while the identifier has not been read.
    assert!(provider.meanwhile(7).now_or_never().is_none());
    for other in [6, 8, 0xffff] {
        user.send(1, &Command::cancel_rq(other), None).await.unwrap();
    }
    assert!(provider.meanwhile(7).now_or_never().is_none());
    user.send(3, &Command::cancel_rq(7), None).await.unwrap();
    assert!(matches!(provider.meanwhile(7).await, Ok(Meanwhile::Cancel)));
    // Between two looks an answer can be given.
    let answer = Command::new(CommandField::C_FIND_RQ, 7).response(status::CANCEL);
    provider.send(3, &answer, None).await.unwrap();
    assert_eq!(user.response(7).await.unwrap().status(), Some(status::CANCEL));
    user.send(1, &Command::echo_rq(9), None).await.unwrap();
    assert!(matches!(provider.next().await, Ok(Incoming::Message(_))));
}

#[tokio::test]
async fn responses_are_heard() {
    let (mut user, mut provider) = asked(&patient()).await;
    let store = Command::store_rq(40, CT, "1.2");
    provider.send(3, &store, Some("x".into())).await.unwrap();
    let Incoming::Message(message) = user.next().await.unwrap() else {
        panic!("released")
    };
    user.send(3, &message.command.response(status::SUCCESS), None)
        .await
        .unwrap();
    let Meanwhile::Response(response) = provider.meanwhile_response(7).await.unwrap() else {
        panic!("cancelled")
    };
    assert_eq!((response.message_id(), response.status()), (40, Some(status::SUCCESS)));
}

#[tokio::test]
async fn who_rests_is_waited_for_only_where_a_response_is_due() {
    let (_user, mut provider) = asked(&options()).await;
    // The limit of an idle association is a quarter of a second.
    let rested = tokio::time::timeout(Duration::from_millis(800), provider.meanwhile(7)).await;
    assert!(rested.is_err(), "{rested:?}");
    let waited = provider.meanwhile_response(7).await;
    assert!(matches!(waited, Err(AssociationError::Timeout { .. })), "{waited:?}");
}

#[tokio::test]
async fn who_goes_or_asks_for_more_ends_it() {
    let (user, mut provider) = asked(&patient()).await;
    let (released, heard) = tokio::join!(user.release(), provider.meanwhile(7));
    released.unwrap();
    assert!(matches!(heard, Err(AssociationError::ReleasedEarly)), "{heard:?}");
    assert!(provider.is_over());

    let (user, mut provider) = asked(&patient()).await;
    drop(user);
    let heard = provider.meanwhile(7).await;
    assert!(matches!(heard, Err(AssociationError::Closed(_))), "{heard:?}");

    let (mut user, mut provider) = asked(&patient()).await;
    user.send(1, &Command::echo_rq(8), None).await.unwrap();
    let (heard, answer) = tokio::join!(provider.meanwhile(7), user.next());
    let violation = AssociationError::Violation(Violation::RequestAmid(CommandField::C_ECHO_RQ));
    assert_eq!(heard.unwrap_err().to_string(), violation.to_string());
    assert!(matches!(answer, Err(AssociationError::Aborted(_))), "{answer:?}");
}
