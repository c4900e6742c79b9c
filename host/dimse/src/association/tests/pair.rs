//! Both roles of this crate against each other.

use super::*;
use crate::command::element;
use crate::negotiation::{Acceptance, ExtendedNegotiation, RoleSelection, UserIdentity, UserIdentityKind, Window};
use crate::{RejectReason, Rejection, connect, dial};
use tokio::io::{DuplexStream, duplex};
use tokio::net::TcpListener;

#[tokio::test]
async fn objects_of_every_size_in_pdus_of_every_size() {
    let sizes = [0, 1, 2, 3, 57, 58, 59, 60, 4089, 4090, 4091, 100_000, 1_000_001];
    for max_pdu in [64, 65, 66, 1000, 4096, 16_384, 131_072, 0] {
        for size in [1, 7, 4096, 300_000] {
            let (ours, theirs) = duplex(if max_pdu < 1000 { 1 << 20 } else { 10_000 });
            // The provider announces what the test wants instead of what its options allow.
            let provider = tokio::spawn(async move {
                let options = Options {
                    max_pdu: 262_144,
                    ..patient()
                };
                provide(theirs, options).await
            });
            let mut user = connect(ours, &patient(), &proposal()).await.unwrap();
            user.outgoing_pdu = if max_pdu == 0 { LARGEST_PDU } else { max_pdu };
            for (at, &length) in sizes.iter().filter(|&&length| size > 1 || length < 5000).enumerate() {
                let data = pattern(length);
                let stored = user
                    .store(3, CT, &format!("1.2.{at}"), fragments(&data, size))
                    .await
                    .unwrap();
                assert_eq!((stored.status, stored.comment), (status::SUCCESS, None));
            }
            assert_eq!(user.echo().await.unwrap(), status::SUCCESS);
            user.release().await.unwrap();
            let taken = provider.await.unwrap();
            taken.end.unwrap();
            assert_eq!(taken.echoes, 1);
            for ((uid, data), length) in taken.objects.iter().zip(sizes) {
                assert_eq!(*data, pattern(length), "{uid}: {length} bytes in pdus of {max_pdu}");
            }
        }
    }
}

#[tokio::test]
async fn over_tcp_with_every_limit_on_the_pdu() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for max_pdu in [0, 4096, 5001, 16_384, 262_144, u32::MAX] {
        let user = async {
            let stream = dial(address, Duration::from_secs(5)).await.unwrap();
            assert!(stream.nodelay().unwrap());
            let mut user = connect(stream, &patient(), &proposal()).await.unwrap();
            for length in [10, 70_000, 3_000_000] {
                user.store(3, CT, "1.2", fragments(&pattern(length), 65_536))
                    .await
                    .unwrap();
            }
            user.release().await.unwrap();
        };
        let provider = async {
            let (stream, _) = listener.accept().await.unwrap();
            provide(stream, Options { max_pdu, ..patient() }).await
        };
        let ((), taken) = tokio::join!(user, provider);
        taken.end.unwrap();
        let lengths: Vec<_> = taken.objects.iter().map(|(_, data)| data.len()).collect();
        assert_eq!(lengths, [10, 70_000, 3_000_000]);
        assert!(taken.objects.iter().all(|(_, data)| *data == pattern(data.len())));
    }
}

/// A user and a provider that have agreed.
async fn agreed(options: &Options) -> (Association<DuplexStream>, Association<DuplexStream>) {
    let (ours, theirs) = duplex(100_000);
    let provider = crate::accept(theirs, options, async |request: &Request| admit(request));
    let proposal = proposal();
    let (user, provider) = tokio::join!(connect(ours, options, &proposal), provider);
    (user.unwrap(), provider.unwrap())
}

#[tokio::test]
async fn what_was_agreed() {
    let (user, provider) = agreed(&patient()).await;
    for association in [&user, &provider] {
        assert_eq!(association.contexts().len(), 2);
        assert_eq!(association.context(3).unwrap().transfer_syntax, EXPLICIT_LE);
        assert_eq!(association.context(5), None);
        assert_eq!(association.context_for(CT, EXPLICIT_LE), Some(3));
        assert_eq!(association.context_for(CT, IMPLICIT_LE), None);
        assert_eq!(association.request().calling_ae, "USER");
        assert_eq!(association.request().called_ae, "PROVIDER");
    }
    assert_eq!(
        provider.request().implementation_version.as_deref(),
        Some(&*patient().implementation_version)
    );
}

#[tokio::test]
async fn roles_extended_negotiation_and_user_identity() {
    let mut proposal = proposal();
    let role = |scu, scp| RoleSelection {
        sop_class: CT.into(),
        scu,
        scp,
    };
    proposal.add_role(role(true, true)).unwrap();
    let extended = |sop_class: &str, information: &'static [u8]| ExtendedNegotiation {
        sop_class: sop_class.into(),
        information: Bytes::from_static(information),
    };
    proposal.add_extended(extended(sop::WORKLIST_FIND, &[1, 1])).unwrap();
    assert!(proposal.add_extended(extended(CT, &[0; 17])).is_err());
    proposal
        .set_user_identity(UserIdentity {
            kind: UserIdentityKind::Jwt,
            primary: "token".into(),
            secondary: Bytes::new(),
            response_requested: true,
        })
        .unwrap();
    let (ours, theirs) = duplex(100_000);
    let options = patient();
    let provider = crate::accept(theirs, &options, async |request: &Request| {
        let identity = request.user_identity.as_ref().unwrap();
        assert_eq!(
            (identity.kind, &identity.primary[..]),
            (UserIdentityKind::Jwt, &b"token"[..])
        );
        assert!(!format!("{request:?}").contains("token"));
        Admission::Accept(Acceptance {
            contexts: vec![
                request.contexts[1].accept(IMPLICIT_LE),
                request.contexts[0].accept(EXPLICIT_LE),
            ],
            window: None,
            roles: vec![
                role(false, true),
                RoleSelection {
                    sop_class: "1.2".into(),
                    scu: true,
                    scp: true,
                },
            ],
            extended: vec![extended(CT, &[1]), extended(sop::WORKLIST_FIND, &[1, 0])],
            identity_response: Some("welcome".into()),
        })
    });
    let (user, provider) = tokio::join!(connect(ours, &options, &proposal), provider);
    let (user, provider) = (user.unwrap(), provider.unwrap());
    for association in [&user, &provider] {
        assert_eq!(association.roles(), [role(false, true)]);
        // Nothing was asked about CT.
        assert_eq!(association.extended(sop::WORKLIST_FIND).unwrap()[..], [1, 0]);
        assert_eq!(association.extended(CT), None);
        // Context 1 was accepted in a syntax that was not proposed.
        let ids: Vec<_> = association.contexts().iter().map(|context| context.id).collect();
        assert_eq!(ids, [3]);
    }
    assert_eq!(user.identity_response().unwrap(), "welcome");
}

#[tokio::test]
async fn a_window_is_never_more_than_either_side_wants() {
    let window = |invoked, performed| Window { invoked, performed };
    for (asked, granted, of_user, of_provider) in [
        (None, Some(window(8, 8)), 1, 1),
        (Some(window(8, 1)), None, 1, 1),
        (Some(window(8, 1)), Some(window(4, 4)), 4, 1),
        (Some(window(4, 2)), Some(window(0, 0)), 4, 2),
        (Some(window(0, 0)), Some(window(0, 3)), usize::MAX, 3),
    ] {
        let mut proposal = proposal();
        asked.into_iter().for_each(|asked| proposal.set_window(asked));
        let (ours, theirs) = duplex(100_000);
        let options = patient();
        let provider = crate::accept(theirs, &options, async |request: &Request| {
            assert_eq!(request.window, asked);
            let Admission::Accept(acceptance) = admit(request) else {
                unreachable!("it admits everybody");
            };
            let window = granted;
            Admission::Accept(Acceptance { window, ..acceptance })
        });
        let (user, provider) = tokio::join!(connect(ours, &options, &proposal), provider);
        let windows = (user.unwrap().window(), provider.unwrap().window());
        assert_eq!(windows, (of_user, of_provider), "{asked:?} {granted:?}");
    }
}

#[tokio::test]
async fn requests_of_a_window_are_answered_in_any_order() {
    let (mut user, mut provider) = agreed(&patient()).await;
    let answers = async {
        let mut asked = Vec::new();
        for _ in 0..3 {
            let Incoming::Message(message) = provider.next().await.unwrap() else {
                panic!("a release");
            };
            while provider.data().await.unwrap().is_some() {}
            asked.push(message);
        }
        for message in asked.iter().rev() {
            let answer = message.command.response(status::SUCCESS);
            provider.send(message.context, &answer, None).await.unwrap();
        }
    };
    let asks = async {
        let mut outstanding = Vec::new();
        for uid in ["1.2.1", "1.2.2", "1.2.3"] {
            let data = fragments(&pattern(1000), 100);
            outstanding.push(user.begin_store(3, CT, uid, data).await.unwrap());
        }
        let mut answered = Vec::new();
        while !outstanding.is_empty() {
            let (id, answer) = user.stored(&outstanding).await.unwrap();
            assert_eq!(answer.status, status::SUCCESS);
            outstanding.retain(|other| *other != id);
            answered.push(id);
        }
        assert_eq!(answered, [3, 2, 1]);
    };
    tokio::join!(asks, answers);
}

#[tokio::test]
async fn a_rate_holds_what_is_sent() {
    let (ours, theirs) = duplex(100_000);
    let provider = tokio::spawn(provide(theirs, patient()));
    let mut user = connect(ours, &patient(), &proposal()).await.unwrap();
    let rate = std::num::NonZeroU64::new(1_000_000).unwrap();
    user.hold_to(Arc::new(Bandwidth::new(rate)));
    let began = Instant::now();
    user.store(3, CT, "1.2.3", fragments(&pattern(400_000), 50_000))
        .await
        .unwrap();
    assert_eq!(user.echo().await.unwrap(), status::SUCCESS);
    // A burst comes at once; the rest is not faster than the rate.
    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
    assert!(user.rested() > Duration::ZERO);
    user.release().await.unwrap();
    provider.await.unwrap().end.unwrap();
}

#[tokio::test]
async fn rejections() {
    let all = [
        Rejection::CALLED_AE,
        Rejection::CALLING_AE,
        Rejection::NO_REASON,
        Rejection::LOCAL_LIMIT,
        Rejection::CONGESTION,
        Rejection::permanent(RejectReason::ProtocolVersionNotSupported),
    ];
    for rejection in all {
        let (ours, theirs) = duplex(100_000);
        let options = patient();
        let provider = crate::accept(theirs, &options, async |_: &Request| Admission::Reject(rejection));
        let proposal = proposal();
        let (user, provider) = tokio::join!(async { connect(ours, &options, &proposal).await.map(drop) }, async {
            provider.await.map(drop)
        });
        assert!(
            matches!(user, Err(AssociationError::Rejected(r)) if r == rejection),
            "{user:?}"
        );
        assert!(
            matches!(provider, Err(AssociationError::Refused(r)) if r == rejection),
            "{provider:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_object_does_not_end_the_association() {
    let (mut user, mut provider) = agreed(&patient()).await;
    let user = async {
        for length in [10, 2_000_000] {
            let stored = user
                .store(3, CT, "1.2", fragments(&pattern(length), 5000))
                .await
                .unwrap();
            assert_eq!(stored.status, status::OUT_OF_RESOURCES);
            assert_eq!(stored.comment.as_deref(), Some("no room"));
        }
        user.echo().await.unwrap();
        user.release().await.unwrap();
    };
    let provider = async {
        for _ in 0..3 {
            let Incoming::Message(message) = provider.next().await.unwrap() else {
                panic!()
            };
            let answer = if message.has_data {
                // A part of it is read, the rest is left.
                provider.data().await.unwrap().unwrap();
                message
                    .command
                    .response(status::OUT_OF_RESOURCES)
                    .with_error_comment("no room")
            } else {
                message.command.response(status::SUCCESS)
            };
            provider.send(message.context, &answer, None).await.unwrap();
        }
        assert!(matches!(provider.next().await, Ok(Incoming::Released)));
        assert!(matches!(provider.next().await, Err(AssociationError::Over)));
    };
    tokio::join!(user, provider);
}

#[tokio::test]
async fn both_release_at_once() {
    let (user, provider) = agreed(&patient()).await;
    let (user, provider) = tokio::join!(user.release(), provider.release());
    user.unwrap();
    provider.unwrap();
}

#[tokio::test]
async fn release_drops_what_still_comes() {
    let (user, mut provider) = agreed(&patient()).await;
    let rsp = Command::new(CommandField::C_FIND_RSP, 1).with_number(element::STATUS, 0xff00);
    provider.send(3, &rsp, Some(pattern(50_000).into())).await.unwrap();
    let (released, end) = tokio::join!(user.release(), provider.next());
    released.unwrap();
    assert!(matches!(end, Ok(Incoming::Released)));
}

#[tokio::test]
async fn aborts_are_told() {
    for reason in [
        AbortReason::User,
        AbortReason::NotSpecified,
        AbortReason::InvalidParameter,
    ] {
        let (user, mut provider) = agreed(&patient()).await;
        let ((), end) = tokio::join!(user.abort(reason), async { (provider.next().await, provider).0 });
        assert!(
            matches!(end, Err(AssociationError::Aborted(r)) if r == reason),
            "{end:?}"
        );
    }
    // In the middle of a data set too.
    let (mut user, mut provider) = agreed(&patient()).await;
    let broken = futures::stream::iter([Ok(pattern(300_000).into()), Err(io::Error::other("disk"))]);
    let user = async {
        let stored = user.store(3, CT, "1.2", broken).await;
        assert!(matches!(stored, Err(AssociationError::Source(_))), "{stored:?}");
        assert!(matches!(user.echo().await, Err(AssociationError::Over)));
    };
    let provider = async {
        assert!(matches!(provider.next().await, Ok(Incoming::Message(_))));
        let mut count = 0;
        let end = loop {
            match provider.data().await {
                Ok(fragment) => count += fragment.unwrap().len(),
                Err(error) => break error,
            }
        };
        assert!(count > 0 && count <= 300_000);
        assert!(matches!(end, AssociationError::Aborted(AbortReason::User)), "{end:?}");
        drop(provider);
    };
    tokio::join!(user, provider);
}

#[tokio::test]
async fn a_context_that_was_not_accepted() {
    let (mut user, provider) = agreed(&patient()).await;
    let sent = user.store(5, sop::WORKLIST_FIND, "1.2", fragments(b"", 1)).await;
    assert!(matches!(sent, Err(AssociationError::NoContext(5))), "{sent:?}");
    let (released, provider) = tokio::join!(user.release(), async {
        let mut provider = provider;
        provider.next().await
    });
    released.unwrap();
    assert!(matches!(provider, Ok(Incoming::Released)));
}

#[tokio::test]
async fn responses_that_are_none() {
    type Answer = fn(&Command) -> Command;
    let table: [(Answer, Violation); 2] = [
        (
            |rq| Command::new(rq.field().response(), 99).with_number(element::STATUS, 0),
            Violation::WrongResponse { found: 99, expected: 1 },
        ),
        (
            |_| Command::echo_rq(1),
            Violation::RequestForResponse(CommandField::C_ECHO_RQ),
        ),
    ];
    for (answer, expected) in table {
        let (mut user, mut provider) = agreed(&patient()).await;
        let (echo, end) = tokio::join!(user.echo(), async {
            let Incoming::Message(message) = provider.next().await.unwrap() else {
                panic!()
            };
            provider.send(1, &answer(&message.command), None).await.unwrap();
            let end = provider.next().await;
            drop(provider);
            end
        });
        assert!(
            matches!(&echo, Err(AssociationError::Violation(v)) if *v == expected),
            "{echo:?}"
        );
        assert!(
            matches!(end, Err(AssociationError::Aborted(AbortReason::User))),
            "{end:?}"
        );
    }
}

#[tokio::test]
async fn pending_responses_with_data_sets() {
    let (mut user, mut provider) = agreed(&patient()).await;
    let user = async {
        let rq = Command::new(CommandField::C_FIND_RQ, user.next_message_id());
        user.send(3, &rq, Some(pattern(100).into())).await.unwrap();
        let mut found = 0;
        while user
            .response(rq.message_id())
            .await
            .unwrap()
            .status()
            .unwrap()
            .is_pending()
        {
            // Every other answer is left unread.
            if found % 2 == 0 {
                assert_eq!(user.data().await.unwrap().unwrap().len(), 10);
            }
            found += 1;
        }
        assert_eq!(found, 5);
        user.release().await.unwrap();
    };
    let provider = async {
        let Incoming::Message(rq) = provider.next().await.unwrap() else {
            panic!()
        };
        for _ in 0..5 {
            let rsp = rq.command.response(status::PENDING);
            provider.send(3, &rsp, Some(pattern(10).into())).await.unwrap();
        }
        provider
            .send(3, &rq.command.response(status::SUCCESS), None)
            .await
            .unwrap();
        assert!(matches!(provider.next().await, Ok(Incoming::Released)));
    };
    tokio::join!(user, provider);
}

#[tokio::test]
async fn a_cancelled_wait_loses_nothing() {
    let (mut user, mut provider) = agreed(&patient()).await;
    let data = pattern(40_000);
    let user = async {
        for length in [10, 40_000] {
            user.store(3, CT, "1.2", fragments(&pattern(length), 100))
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        user.release().await.unwrap();
    };
    let provider = async {
        let mut objects = Vec::new();
        loop {
            let message = loop {
                tokio::select! {
                    biased;
                    incoming = provider.next() => break incoming.unwrap(),
                    () = tokio::time::sleep(Duration::from_micros(300)) => {}
                }
            };
            let Incoming::Message(message) = message else {
                return objects;
            };
            let mut object = Vec::new();
            loop {
                tokio::select! {
                    biased;
                    fragment = provider.data() => match fragment.unwrap() {
                        Some(fragment) => object.extend_from_slice(&fragment),
                        None => break,
                    },
                    () = tokio::task::yield_now() => {}
                }
            }
            objects.push(object);
            provider
                .send(3, &message.command.response(status::SUCCESS), None)
                .await
                .unwrap();
        }
    };
    let ((), objects) = tokio::join!(user, provider);
    assert_eq!(objects, [data[..10].to_vec(), data]);
}

#[tokio::test]
async fn a_dropped_send_ends_the_association() {
    let (mut user, _provider) = agreed(&patient()).await;
    let never = futures::stream::pending();
    let stored = tokio::time::timeout(Duration::from_millis(20), user.store(3, CT, "1.2", never)).await;
    assert!(stored.is_err());
    assert!(matches!(user.echo().await, Err(AssociationError::Over)));
}

#[tokio::test]
async fn a_source_that_rests_too_long() {
    let (mut user, _provider) = agreed(&options()).await;
    let stored = user.store(3, CT, "1.2", futures::stream::pending()).await;
    assert!(matches!(stored, Err(AssociationError::Source(_))), "{stored:?}");
}

#[test]
fn proposals_that_cannot_be_made() {
    use crate::ProposalError as E;
    let mut proposal = Proposal::new(title("A"), title("B"));
    assert_eq!(proposal.add_context("CT", &[IMPLICIT_LE]), Err(E::BadUid("CT".into())));
    assert_eq!(proposal.add_context(CT, &[""]), Err(E::BadUid(String::new())));
    assert_eq!(proposal.add_context(CT, &[]), Err(E::NoTransferSyntax(CT.into())));
    assert_eq!(
        proposal.add_context(CT, &[IMPLICIT_LE; 257]),
        Err(E::TooManyTransferSyntaxes(CT.into()))
    );
    for id in (1..=255).step_by(2) {
        assert_eq!(proposal.add_context(CT, &[IMPLICIT_LE]), Ok(id));
    }
    assert_eq!(proposal.add_context(CT, &[IMPLICIT_LE]), Err(E::TooManyContexts));
    let long = UserIdentity {
        kind: UserIdentityKind::Saml,
        primary: vec![b'x'; 40_000].into(),
        secondary: Bytes::new(),
        response_requested: false,
    };
    assert_eq!(proposal.set_user_identity(long), Err(E::TooLong));
}

/// CPU nanoseconds of this thread.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Run it optimised and with `--ignored --nocapture`: what a MB costs each side, kernel included.
#[test]
#[ignore = "a measurement"]
fn cost_of_a_megabyte() {
    const OBJECTS: usize = 2000;
    for (max_pdu, length) in [
        (16_384, 500_000),
        (131_072, 500_000),
        (262_144, 500_000),
        (262_144, 20_000),
    ] {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let provider = std::thread::spawn(move || {
            runtime().block_on(async {
                listener.set_nonblocking(true).unwrap();
                let (stream, _) = TcpListener::from_std(listener).unwrap().accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let options = Options { max_pdu, ..patient() };
                let admit = async |request: &Request| admit(request);
                let mut provider = crate::accept(stream, &options, admit).await.unwrap();
                let (start, mut fragments) = (cpu(), 0);
                while let Incoming::Message(message) = provider.next().await.unwrap() {
                    let mut count = 0;
                    while let Some(fragment) = provider.data().await.unwrap() {
                        count += fragment.len();
                        fragments += 1;
                    }
                    assert_eq!(count, length);
                    let response = message.command.response(status::SUCCESS);
                    provider.send(message.context, &response, None).await.unwrap();
                }
                (cpu() - start, fragments)
            })
        });
        let (start, clock) = (cpu(), std::time::Instant::now());
        runtime().block_on(async {
            let stream = dial(address, Duration::from_secs(5)).await.unwrap();
            let mut user = connect(stream, &patient(), &proposal()).await.unwrap();
            let data = Bytes::from(pattern(length));
            for _ in 0..OBJECTS {
                let whole = futures::stream::iter([Ok(data.clone())]);
                user.store(3, CT, "1.2", whole).await.unwrap();
            }
            user.release().await.unwrap();
        });
        let (taken, fragments) = provider.join().unwrap();
        let megabytes = (OBJECTS * length) as f64 / 1e6;
        let each = |nanoseconds: u64| nanoseconds as f64 / 1e6 / megabytes;
        println!(
            "pdu {max_pdu}, object {length}: {:.3} ms/MB taken in {} fragments each, {:.3} ms/MB sent, {:.0} MB/s",
            each(taken),
            fragments / OBJECTS,
            each(cpu() - start),
            megabytes / clock.elapsed().as_secs_f64(),
        );
    }
}
