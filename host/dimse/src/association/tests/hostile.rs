//! Peers that break the protocol, stop, crawl or send anything: bytes written by hand.

use super::super::incoming::MAX_COMMAND;
use super::*;
use crate::pdu::{self, associate};
use proptest::prelude::*;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// What a provider says about a peer that sends those bytes and then reads until the end, and what that peer got.
async fn exchange(options: Options, bytes: &[u8], close: bool) -> (Taken, Vec<u8>) {
    let (mut peer, stream) = duplex(1 << 20);
    let peer = async move {
        let _ = peer.write_all(bytes).await;
        if close {
            let _ = peer.shutdown().await;
        }
        let mut answer = Vec::new();
        let _ = peer.read_to_end(&mut answer).await;
        answer
    };
    tokio::join!(provide(stream, options), peer)
}

fn request() -> Vec<u8> {
    let mut out = BytesMut::new();
    associate::put_request(&mut out, &proposal().request(0, "1.2", "T"));
    out.to_vec()
}

/// A PDU of that type.
fn p(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(body.len() as u32).to_be_bytes(), body].concat()
}

/// A presentation data value.
fn v(context: u8, control: u8, data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32 + 2).to_be_bytes()[..], &[context, control], data].concat()
}

fn store() -> Bytes {
    Command::store_rq(1, CT, "1.2.3").encode()
}

fn echo() -> Bytes {
    Command::echo_rq(1).encode()
}

const COMMAND: u8 = 1;
const LAST: u8 = 2;
const LAST_COMMAND: u8 = 3;

fn release() -> Vec<u8> {
    p(pdu::RELEASE_RQ, &[0; 4])
}

/// The PDUs in an answer, by type, with the body of an abort or a rejection.
fn pdus(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while let [kind, _, a, b, c, d, rest @ ..] = bytes {
        let (body, rest) = rest.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        let keep = matches!(*kind, pdu::ABORT | pdu::ASSOCIATE_RJ);
        all.push((*kind, if keep { body.to_vec() } else { Vec::new() }));
        bytes = rest;
    }
    all
}

const AC: (u8, Vec<u8>) = (pdu::ASSOCIATE_AC, Vec::new());
const DATA: (u8, Vec<u8>) = (pdu::DATA, Vec::new());
const RP: (u8, Vec<u8>) = (pdu::RELEASE_RP, Vec::new());

#[tokio::test]
async fn fragments_of_every_odd_kind() {
    let (rq, e, s) = (request(), echo(), store());
    let object = pattern(999);
    let whole = |pdus: &[Vec<u8>]| [&[rq.clone()][..], pdus, &[release()]].concat().concat();
    let byte_by_byte = |command: &[u8], context| -> Vec<u8> {
        let last = command.len() - 1;
        let one = |(at, byte): (usize, &u8)| p(pdu::DATA, &v(context, if at == last { 3 } else { 1 }, &[*byte]));
        command.iter().enumerate().flat_map(one).collect()
    };
    let in_odd_pieces: Vec<u8> = object
        .chunks(7)
        .map(|piece| v(3, 0, piece))
        .collect::<Vec<_>>()
        .concat();
    type Row = (&'static str, Vec<u8>, usize, Vec<Vec<u8>>);
    let table: Vec<Row> = vec![
        ("nothing but release", whole(&[]), 0, vec![]),
        ("echo", whole(&[p(4, &v(1, LAST_COMMAND, &e))]), 1, vec![]),
        (
            "command byte by byte, a pdu each",
            whole(&[byte_by_byte(&e, 1)]),
            1,
            vec![],
        ),
        (
            "empty fragments in a command",
            whole(&[p(
                4,
                &[v(1, COMMAND, b""), v(1, COMMAND, &e), v(1, LAST_COMMAND, b"")].concat(),
            )]),
            1,
            vec![],
        ),
        (
            "two messages in one pdu",
            whole(&[p(4, &[v(1, LAST_COMMAND, &e), v(1, LAST_COMMAND, &e)].concat())]),
            2,
            vec![],
        ),
        (
            "command and data in one pdu",
            whole(&[p(4, &[v(3, LAST_COMMAND, &s), v(3, LAST, &object)].concat())]),
            0,
            vec![object.clone()],
        ),
        (
            "data in odd pieces, many in a pdu, the last empty",
            whole(&[
                p(4, &v(3, LAST_COMMAND, &s)),
                p(4, &in_odd_pieces),
                p(4, &v(3, LAST, b"")),
            ]),
            0,
            vec![object.clone()],
        ),
        (
            "no data at all",
            whole(&[p(4, &v(3, LAST_COMMAND, &s)), p(4, &v(3, LAST, b""))]),
            0,
            vec![vec![]],
        ),
        (
            "a pdu that ends one message, holds one, and begins a third",
            whole(&[
                p(4, &[v(3, LAST_COMMAND, &s), v(3, 0, &object[..500])].concat()),
                p(
                    4,
                    &[
                        v(3, LAST, &object[500..]),
                        v(1, LAST_COMMAND, &e),
                        v(3, COMMAND, &s[..9]),
                    ]
                    .concat(),
                ),
                p(4, &[v(3, LAST_COMMAND, &s[9..]), v(3, LAST, b"x")].concat()),
            ]),
            1,
            vec![object.clone(), b"x".to_vec()],
        ),
    ];
    for (what, bytes, echoes, objects) in table {
        let (taken, answer) = exchange(patient(), &bytes, false).await;
        taken.end.as_ref().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(taken.echoes, echoes, "{what}");
        assert!(taken.objects.iter().map(|(_, data)| data).eq(&objects), "{what}");
        let mut expected = vec![AC];
        expected.extend(vec![DATA; echoes + objects.len()]);
        expected.push(RP);
        assert_eq!(pdus(&answer), expected, "{what}");
    }
}

#[tokio::test]
async fn violations_within_an_association() {
    let (e, s) = (echo(), store());
    let expected = |expected| Violation::UnexpectedPdu {
        found: pdu::ASSOCIATE_RQ,
        expected,
    };
    let started = p(4, &v(3, LAST_COMMAND, &s));
    let long = p(4, &v(1, COMMAND, &vec![0; 40_000]));
    // Violation, reason byte of the A-ABORT, bytes.
    let table: Vec<(Violation, u8, Vec<u8>)> = vec![
        (Violation::UnknownPdu(b'G'), 1, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        (Violation::UnknownPdu(0), 1, vec![0; 6]),
        (Violation::UnknownPdu(8), 1, p(8, b"")),
        (expected("P-DATA-TF"), 2, request()),
        (
            Violation::UnexpectedPdu {
                found: 6,
                expected: "P-DATA-TF",
            },
            2,
            p(6, &[0; 4]),
        ),
        (
            Violation::UnexpectedPdu {
                found: 5,
                expected: "P-DATA-TF",
            },
            2,
            [started.clone(), release()].concat(),
        ),
        (
            Violation::UnexpectedPdu {
                found: 5,
                expected: "P-DATA-TF",
            },
            2,
            [p(4, &v(1, COMMAND, &e)), release()].concat(),
        ),
        (Violation::PduLength { pdu: 5, length: 5 }, 6, p(5, &[0; 5])),
        (Violation::PduLength { pdu: 7, length: 0 }, 6, p(7, b"")),
        (Violation::PduLength { pdu: 4, length: 0 }, 6, p(4, b"")),
        (Violation::PduLength { pdu: 4, length: 5 }, 6, p(4, &[0; 5])),
        (
            Violation::PduTooLong {
                pdu: 4,
                length: 4097,
                max: 4096,
            },
            6,
            p(4, &v(3, 3, &vec![0; 4091])),
        ),
        (
            Violation::PduTooLong {
                pdu: 4,
                length: u32::MAX,
                max: 4096,
            },
            6,
            vec![4, 0, 255, 255, 255, 255],
        ),
        (
            Violation::PdvLength { length: 1, left: 2 },
            6,
            p(4, &[0, 0, 0, 1, 1, 3]),
        ),
        (
            Violation::PdvLength { length: 0, left: 2 },
            6,
            p(4, &[0, 0, 0, 0, 1, 3]),
        ),
        (
            Violation::PdvLength { length: 3, left: 2 },
            6,
            p(4, &[0, 0, 0, 3, 1, 3]),
        ),
        (
            Violation::PdvLength {
                length: u32::MAX,
                left: 2,
            },
            6,
            p(4, &[255, 255, 255, 255, 1, 3]),
        ),
        (
            Violation::PdvLength { length: 0, left: 1 },
            6,
            p(4, &[v(1, COMMAND, &e), vec![0; 5]].concat()),
        ),
        (Violation::UnknownContext(5), 6, p(4, &v(5, 3, &e))),
        (Violation::UnknownContext(0), 6, p(4, &v(0, 3, &e))),
        (Violation::UnknownContext(7), 6, p(4, &v(7, 3, &e))),
        (
            Violation::ContextChanged { found: 3, expected: 1 },
            6,
            p(4, &[v(1, COMMAND, &e[..4]), v(3, 3, &e[4..])].concat()),
        ),
        (
            Violation::ContextChanged { found: 1, expected: 3 },
            6,
            [started.clone(), p(4, &v(1, 0, b"x"))].concat(),
        ),
        (Violation::DataBeforeCommand, 5, p(4, &v(3, LAST, b"data"))),
        (
            Violation::DataBeforeCommand,
            5,
            p(4, &[v(1, LAST_COMMAND, &e), v(1, LAST, b"")].concat()),
        ),
        (
            Violation::CommandInData,
            5,
            [started.clone(), p(4, &v(3, 3, &s))].concat(),
        ),
        (Violation::CommandTooLong(MAX_COMMAND), 6, [long.clone(), long].concat()),
        (
            crate::CommandError::Missing(0x0100).into(),
            6,
            p(4, &v(1, LAST_COMMAND, b"")),
        ),
        (
            crate::CommandError::Truncated { group: 0, element: 0 }.into(),
            6,
            p(4, &v(1, LAST_COMMAND, b"abc")),
        ),
    ];
    for (violation, reason, bytes) in table {
        // One case needs room for its command.
        let max_pdu = if matches!(violation, Violation::CommandTooLong(_)) {
            65_536
        } else {
            4096
        };
        let options = Options { max_pdu, ..patient() };
        let started = Instant::now();
        let (taken, answer) = exchange(options, &[request(), bytes].concat(), true).await;
        assert!(
            matches!(&taken.end, Err(AssociationError::Violation(v)) if *v == violation),
            "{violation:?}: {taken:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{violation:?}");
        let answer = pdus(&answer);
        assert_eq!(
            answer.last(),
            Some(&(pdu::ABORT, vec![0, 0, 2, reason])),
            "{violation:?}"
        );
    }
}

#[tokio::test]
async fn what_no_association_comes_of() {
    let rq = request();
    let mut wrong_version = rq.clone();
    wrong_version[7] = 2;
    let mut small = BytesMut::new();
    associate::put_request(&mut small, &proposal().request(63, "1.2", "T"));
    let too_long = [&[1, 0][..], &(pdu::MAX_ASSOCIATE + 1).to_be_bytes()].concat();
    let abort = |reason| vec![(pdu::ABORT, vec![0, 0, 2, reason])];
    let reject = |source, reason| vec![(pdu::ASSOCIATE_RJ, vec![0, 1, source, reason])];
    type Row = (&'static str, Vec<u8>, Vec<(u8, Vec<u8>)>);
    let table: Vec<Row> = vec![
        ("nothing", vec![], vec![]),
        ("http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), abort(1)),
        ("tls", vec![0x16, 3, 1, 2, 0, 1, 0], abort(1)),
        ("an answer", p(pdu::ASSOCIATE_AC, &[0; 68]), abort(2)),
        ("data", p(pdu::DATA, &v(1, 3, &echo())), abort(2)),
        ("release", release(), abort(2)),
        ("abort", p(pdu::ABORT, &[0; 4]), vec![]),
        ("too long", too_long, abort(6)),
        ("too short", p(pdu::ASSOCIATE_RQ, &[0; 67]), abort(6)),
        ("cut", rq[..rq.len() - 1].to_vec(), vec![]),
        ("another version", wrong_version, reject(2, 2)),
        ("no room for data", small.to_vec(), reject(3, 2)),
    ];
    for (what, bytes, expected) in table {
        let (taken, answer) = exchange(patient(), &bytes, true).await;
        assert!(taken.end.is_err(), "{what}");
        assert_eq!(pdus(&answer), expected, "{what}");
    }
}

#[tokio::test]
async fn every_cut_ends() {
    let object = v(3, LAST, &pattern(200));
    let all = [request(), p(4, &v(3, LAST_COMMAND, &store())), p(4, &object), release()].concat();
    for cut in 0..all.len() {
        let (taken, _) = exchange(patient(), &all[..cut], true).await;
        let end = taken.end;
        assert!(matches!(end, Err(AssociationError::Closed(_))), "{cut}: {end:?}");
    }
}

/// A peer that sends `first`, then `more` every so often, until it is told to go.
async fn crawl(options: Options, first: Vec<u8>, more: Vec<u8>, pause: Duration) -> (Taken, Vec<u8>, Duration) {
    let (peer, stream) = duplex(1 << 20);
    let started = Instant::now();
    let (mut read, mut write) = tokio::io::split(peer);
    let crawler = tokio::spawn(async move {
        let _ = write.write_all(&first).await;
        while write.write_all(&more).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    });
    let peer = async {
        let mut answer = Vec::new();
        let _ = read.read_to_end(&mut answer).await;
        answer
    };
    let (taken, answer) = tokio::join!(provide(stream, options), peer);
    crawler.abort();
    (taken, answer, started.elapsed())
}

#[tokio::test]
async fn slow_peers_end() {
    let pause = Duration::from_millis(20);
    let store = [request(), p(4, &v(3, LAST_COMMAND, &store()))].concat();
    let in_a_pdu = [&store[..], &[4, 0, 0, 0, 16, 0, 0, 0, 15, 252, 3, 0]].concat();
    let in_a_command = [&request()[..], &[4, 0, 0, 0, 16, 0, 0, 0, 15, 252, 1, 1]].concat();
    // What is waited for, whether an A-ABORT is due, bytes, what then comes every 20 ms.
    let table: Vec<(&str, bool, Vec<u8>, Vec<u8>)> = vec![
        ("a request for an association", false, vec![], vec![]),
        ("a request for an association", false, vec![1, 0, 0, 0, 9, 9], vec![0]),
        ("the next message", true, request(), vec![]),
        ("the rest of a message", true, [request(), vec![4]].concat(), vec![]),
        ("the rest of a message", true, in_a_command, vec![0]),
        ("the rest of a message", true, store.clone(), vec![]),
        ("the rest of a message", true, in_a_pdu, vec![0]),
        // Whole PDUs, but hardly anything in them.
        ("the rest of a message", true, store, p(4, &v(3, 0, b"x"))),
    ];
    let all = table.into_iter().map(async |(expected, is_told, first, more)| {
        let (taken, answer, time) = crawl(options(), first, more, pause).await;
        match taken.end {
            Err(AssociationError::Timeout { what, .. }) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
        assert!(time < Duration::from_secs(3), "{expected}: {time:?}");
        let told = pdus(&answer).last() == Some(&(pdu::ABORT, vec![0, 0, 2, 0]));
        assert_eq!(told, is_told, "{expected}");
    });
    futures::future::join_all(all).await;
}

#[tokio::test]
async fn slow_but_steady_is_welcome() {
    // 200 pieces of 128 bytes in 1 s in all, with 250 ms for a PDU.
    let first = [request(), p(4, &v(3, LAST_COMMAND, &store()))].concat();
    let (mut peer, stream) = duplex(1 << 20);
    let peer = async move {
        peer.write_all(&first).await.unwrap();
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(4)).await;
            peer.write_all(&p(4, &v(3, 0, &[7; 128]))).await.unwrap();
        }
        peer.write_all(&[p(4, &v(3, LAST, b"")), release()].concat())
            .await
            .unwrap();
        peer.read_to_end(&mut Vec::new()).await.unwrap();
    };
    let (taken, ()) = tokio::join!(provide(stream, options()), peer);
    taken.end.unwrap();
    assert_eq!(taken.objects[0].1, [7; 128 * 200]);
}

#[tokio::test]
async fn who_does_not_read_ends() {
    let (peer, stream) = duplex(1000);
    let (_read, mut write) = tokio::io::split(peer);
    let peer = tokio::spawn(async move {
        let _ = write.write_all(&request()).await;
        loop {
            if write.write_all(&p(4, &v(1, LAST_COMMAND, &echo()))).await.is_err() {
                break;
            }
        }
    });
    let taken = provide(stream, options()).await;
    assert!(
        matches!(
            taken.end,
            Err(AssociationError::Timeout {
                what: "taking what this side sent",
                ..
            })
        ),
        "{taken:?}"
    );
    drop(_read);
    peer.abort();
}

#[tokio::test]
async fn draining_has_an_end() {
    let (mut peer, stream) = duplex(1 << 16);
    let peer = tokio::spawn(async move {
        let started = [request(), p(4, &v(3, LAST_COMMAND, &store()))].concat();
        let piece = p(4, &v(3, 0, &[0; 4000]));
        let _ = peer.write_all(&started).await;
        while peer.write_all(&piece).await.is_ok() {}
    });
    let options = Options {
        drain_time: Duration::from_millis(100),
        ..patient()
    };
    let mut provider = crate::accept(stream, &options, async |request: &Request| admit(request))
        .await
        .unwrap();
    assert!(matches!(provider.next().await, Ok(Incoming::Message(_))));
    let end = provider.next().await;
    assert!(
        matches!(
            end,
            Err(AssociationError::Timeout {
                what: "a data set that nobody wants",
                ..
            })
        ),
        "{end:?}"
    );
    drop(provider);
    peer.await.unwrap();
}

#[tokio::test]
async fn acceptors_that_misbehave() {
    let answer = |contexts: Vec<crate::ContextAnswer>, max_pdu| {
        let mut out = BytesMut::new();
        let user = associate::UserInformation {
            max_pdu,
            ..Default::default()
        };
        let request = proposal().request(0, "1.2", "T");
        associate::put_answer(&mut out, &request, &associate::Answer { contexts, user });
        out.to_vec()
    };
    let accept = |id, syntax: &str| {
        vec![crate::ContextAnswer {
            id,
            result: Ok(syntax.into()),
        }]
    };
    let table: Vec<(Vec<u8>, Option<Violation>)> = vec![
        (answer(accept(9, IMPLICIT_LE), 0), Some(Violation::NeverProposed(9))),
        (answer(accept(1, EXPLICIT_LE), 0), Some(Violation::NeverProposed(1))),
        (answer(accept(1, IMPLICIT_LE), 7), Some(Violation::MaxPdu(7))),
        (
            p(2, &[0; 5]),
            Some(Violation::Associate("an item is shorter than its fields")),
        ),
        (p(3, &[0; 5]), Some(Violation::PduLength { pdu: 3, length: 5 })),
        (
            p(4, &[0; 5]),
            Some(Violation::UnexpectedPdu {
                found: 4,
                expected: "A-ASSOCIATE-AC",
            }),
        ),
        (
            vec![2, 0, 1, 0, 0, 0],
            Some(Violation::PduTooLong {
                pdu: 2,
                length: 1 << 24,
                max: pdu::MAX_ASSOCIATE,
            }),
        ),
        (b"220 smtp ready\r\n".to_vec(), Some(Violation::UnknownPdu(b'2'))),
        (p(7, &[0, 0, 2, 0]), None),
        (vec![], None),
    ];
    for (bytes, expected) in table {
        let (ours, mut theirs) = duplex(1 << 20);
        theirs.write_all(&bytes).await.unwrap();
        theirs.shutdown().await.unwrap();
        let end = crate::connect(ours, &patient(), &proposal()).await.map(drop);
        match (&end, &expected) {
            (Err(AssociationError::Violation(found)), Some(expected)) => {
                assert_eq!(found, expected)
            }
            (Err(AssociationError::Aborted(_) | AssociationError::Closed(_)), None) => {}
            _ => panic!("{expected:?}: {end:?}"),
        }
    }
    let (ours, _theirs) = duplex(1 << 20);
    let silent = crate::connect(ours, &options(), &proposal()).await.map(drop);
    assert!(matches!(silent, Err(AssociationError::Timeout { .. })), "{silent:?}");
}

#[tokio::test]
async fn a_peer_that_aborts_while_it_is_sent_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut provider = crate::accept(stream, &patient(), async |request: &Request| admit(request))
            .await
            .unwrap();
        assert!(matches!(provider.next().await, Ok(Incoming::Message(_))));
        provider.abort(AbortReason::User).await;
    };
    let user = async {
        let stream = crate::dial(address, Duration::from_secs(5)).await.unwrap();
        let mut user = crate::connect(stream, &patient(), &proposal()).await.unwrap();
        let endless = futures::stream::repeat_with(|| Ok(Bytes::from_static(&[0; 65_536])));
        let end = user.store(3, CT, "1.2", endless).await;
        // Whether the abort survives the reset of the connection is up to the system.
        assert!(
            matches!(
                end,
                Err(AssociationError::Aborted(_) | AssociationError::Connection { .. })
            ),
            "{end:?}"
        );
    };
    tokio::join!(peer, user);
}

/// Bytes as a peer might send them: some garbage, some pieces that make sense.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (0_u8..9, proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(kind, body)| p(kind, &body)),
        (
            prop_oneof![Just(1_u8), Just(3), any::<u8>()],
            0_u8..4,
            proptest::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(|(context, control, data)| p(4, &v(context, control, &data))),
        Just(p(4, &v(3, LAST_COMMAND, &store()))),
        Just(p(4, &v(1, LAST_COMMAND, &echo()))),
        Just(release()),
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..8)).prop_map(|(begin, pieces)| {
        let begin = if begin { request() } else { Vec::new() };
        [&[begin][..], &pieces].concat().concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]
    #[test]
    fn anything_ends(bytes in anything()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = Instant::now();
        let _ = runtime.block_on(exchange(patient(), &bytes, true));
        prop_assert!(started.elapsed() < Duration::from_secs(10));
    }
}
