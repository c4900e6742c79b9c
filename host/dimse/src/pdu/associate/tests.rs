use super::*;
use crate::pdu::HEADER;
use dicom_ul::pdu as foreign;
use proptest::prelude::*;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";

fn request() -> Request {
    Request {
        calling_ae: AeTitle::parse("CT 01").unwrap(),
        called_ae: AeTitle::parse("ISOCENTER").unwrap(),
        contexts: vec![
            ProposedContext {
                id: 1,
                abstract_syntax: CT.into(),
                transfer_syntaxes: vec![EXPLICIT_LE.into(), IMPLICIT_LE.into()],
            },
            ProposedContext {
                id: 255,
                abstract_syntax: "1.2.3".into(),
                transfer_syntaxes: vec![IMPLICIT_LE.into()],
            },
        ],
        max_pdu: 65_536,
        implementation_class_uid: "1.2.3.4".into(),
        implementation_version: Some("TEST_1".into()),
        window: Some(Window {
            invoked: 8,
            performed: 1,
        }),
        roles: vec![RoleSelection {
            sop_class: CT.into(),
            scu: true,
            scp: true,
        }],
        extended: vec![extended(&[1, 0, 1])],
        user_identity: Some(UserIdentity {
            kind: UserIdentityKind::UsernamePasscode,
            primary: "user".into(),
            secondary: "pass".into(),
            response_requested: true,
        }),
    }
}

fn extended(information: &'static [u8]) -> ExtendedNegotiation {
    ExtendedNegotiation {
        sop_class: crate::sop::STUDY_ROOT_FIND.into(),
        information: Bytes::from_static(information),
    }
}

fn body(request: &Request) -> Vec<u8> {
    let mut out = BytesMut::new();
    put_request(&mut out, request);
    out[HEADER..].to_vec()
}

#[test]
fn request_comes_back() {
    assert_eq!(decode_request(&body(&request())), Ok(request()));
    let plain = Request {
        roles: vec![],
        extended: vec![],
        user_identity: None,
        implementation_version: None,
        window: None,
        ..request()
    };
    assert_eq!(decode_request(&body(&plain)), Ok(plain));
}

fn answer() -> Answer {
    Answer {
        contexts: vec![
            ContextAnswer {
                id: 1,
                result: Ok(EXPLICIT_LE.into()),
            },
            ContextAnswer {
                id: 3,
                result: Err(ContextRefusal::User),
            },
            ContextAnswer {
                id: 5,
                result: Err(ContextRefusal::NoReason),
            },
            ContextAnswer {
                id: 7,
                result: Err(ContextRefusal::AbstractSyntax),
            },
            ContextAnswer {
                id: 255,
                result: Err(ContextRefusal::TransferSyntaxes),
            },
        ],
        user: UserInformation {
            max_pdu: 0,
            class_uid: "1.2".into(),
            version: Some("A".into()),
            window: Some(Window {
                invoked: 0,
                performed: 7,
            }),
            roles: vec![RoleSelection {
                sop_class: CT.into(),
                scu: false,
                scp: true,
            }],
            extended: vec![extended(&[]), extended(&[1])],
            identity: None,
            identity_response: Some("ok".into()),
        },
    }
}

#[test]
fn answer_comes_back() {
    let mut out = BytesMut::new();
    put_answer(&mut out, &request(), &answer());
    assert_eq!(decode_answer(&out[HEADER..]), Ok(answer()));
}

#[test]
fn a_foreign_reader_reads_it() {
    let mut out = BytesMut::new();
    put_request(&mut out, &request());
    let read = foreign::read_pdu(&mut &out[..], 262_144, true).unwrap().unwrap();
    let foreign::Pdu::AssociationRQ(rq) = read else {
        panic!("{read:?}")
    };
    assert_eq!((&*rq.calling_ae_title, &*rq.called_ae_title), ("CT 01", "ISOCENTER"));
    assert_eq!(rq.protocol_version, 1);
    assert_eq!(rq.application_context_name, APPLICATION_CONTEXT);
    assert_eq!(rq.presentation_contexts.len(), 2);
    assert_eq!(
        rq.presentation_contexts[0].transfer_syntaxes,
        [EXPLICIT_LE, IMPLICIT_LE]
    );
    assert!(
        rq.user_variables
            .contains(&foreign::UserVariableItem::MaxLength(65_536))
    );

    let mut out = BytesMut::new();
    put_answer(&mut out, &request(), &answer());
    let read = foreign::read_pdu(&mut &out[..], 262_144, true).unwrap().unwrap();
    let foreign::Pdu::AssociationAC(ac) = read else {
        panic!("{read:?}")
    };
    let codes: Vec<_> = ac
        .presentation_contexts
        .iter()
        .map(|c| (c.id, c.reason.clone() as u8))
        .collect();
    assert_eq!(codes, [(1, 0), (3, 1), (5, 2), (7, 3), (255, 4)]);
}

#[test]
fn a_foreign_writer_is_read() {
    let rq = foreign::Pdu::AssociationRQ(foreign::AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "CT 01".into(),
        called_ae_title: "ISOCENTER".into(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: vec![foreign::PresentationContextProposed {
            id: 3,
            abstract_syntax: CT.into(),
            transfer_syntaxes: vec![EXPLICIT_LE.into()],
        }],
        user_variables: vec![
            foreign::UserVariableItem::MaxLength(16_384),
            foreign::UserVariableItem::ImplementationClassUID("1.2.3".into()),
            foreign::UserVariableItem::ImplementationVersionName("X".into()),
        ],
    });
    let mut out = Vec::new();
    foreign::write_pdu(&mut out, &rq).unwrap();
    let read = decode_request(&out[HEADER..]).unwrap();
    assert_eq!(
        (read.calling_ae.as_str(), read.called_ae.as_str()),
        ("CT 01", "ISOCENTER")
    );
    assert_eq!((read.max_pdu, read.contexts.len(), read.contexts[0].id), (16_384, 1, 3));
    assert_eq!(read.implementation_class_uid, "1.2.3");
}

/// An item.
fn i(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn context(id: u8) -> Vec<u8> {
    i(
        0x20,
        &[
            &[id, 0, 0, 0][..],
            &i(0x30, CT.as_bytes()),
            &i(0x40, IMPLICIT_LE.as_bytes()),
        ]
        .concat(),
    )
}

/// A request with those titles and items.
fn rq(version: u16, called: &[u8; 16], calling: &[u8; 16], items: &[Vec<u8>]) -> Vec<u8> {
    [
        &version.to_be_bytes()[..],
        &[0, 0],
        called,
        calling,
        &[0; 32],
        &items.concat(),
    ]
    .concat()
}

const A: &[u8; 16] = b"A               ";
const B: &[u8; 16] = b"  B\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn what_a_request_may_look_like() {
    let application = i(0x10, APPLICATION_CONTEXT.as_bytes());
    let padded = i(0x10, b"1.2.840.10008.3.1.1.1\0");
    let unknown = [
        i(0x99, b"x"),
        i(0x20, &[&[5, 9, 9, 9][..], &i(0x30, b"1.2 "), &i(0x77, b"")].concat()),
    ]
    .concat();
    let user = i(
        0x50,
        &[
            i(0x51, &[0, 0, 64, 0]),
            i(0x53, &[0, 5, 0, 5]),
            i(0x77, b"?"),
            i(0x55, b"V\x01\0 "),
        ]
        .concat(),
    );
    let all: Vec<_> = (0..128).map(|n| context(n * 2 + 1)).collect();
    let table: Vec<(Vec<u8>, usize, u32)> = vec![
        (rq(1, A, B, &[application.clone(), context(1)]), 1, SILENT_MAX_PDU),
        (rq(0xffff, A, B, &[padded, context(1)]), 1, SILENT_MAX_PDU),
        (
            rq(1, A, B, &[application.clone(), context(1), unknown, user]),
            2,
            16_384,
        ),
        (rq(1, A, B, &[&[application][..], &all].concat()), 128, SILENT_MAX_PDU),
    ];
    for (at, (bytes, contexts, max_pdu)) in table.into_iter().enumerate() {
        let read = decode_request(&bytes).unwrap();
        assert_eq!((read.contexts.len(), read.max_pdu), (contexts, max_pdu), "row {at}");
        assert_eq!(
            (read.called_ae.as_str(), read.calling_ae.as_str()),
            ("A", "B"),
            "row {at}"
        );
    }
}

#[test]
fn what_a_request_may_not_look_like() {
    use RejectReason as R;
    let no = |reason| Unacceptable::Reject(Rejection::permanent(reason));
    let bad = |why| Unacceptable::Malformed(Violation::Associate(why));
    let short = bad("an item is shorter than its fields");
    let app = i(0x10, APPLICATION_CONTEXT.as_bytes());
    let good = rq(1, A, B, &[app.clone(), context(1)]);
    let with = |items: &[Vec<u8>]| rq(1, A, B, &[&[app.clone()][..], items].concat());
    let uid = |value: &[u8]| with(&[i(0x20, &[&[1, 0, 0, 0][..], &i(0x30, value)].concat())]);
    let table = [
        (vec![], short.clone()),
        (good[..67].to_vec(), short.clone()),
        (good[..good.len() - 1].to_vec(), short.clone()),
        (good[..69].to_vec(), short.clone()),
        (
            rq(0, A, B, &[app.clone(), context(1)]),
            no(R::ProtocolVersionNotSupported),
        ),
        (
            rq(2, A, B, &[app.clone(), context(1)]),
            no(R::ProtocolVersionNotSupported),
        ),
        (rq(1, A, B, &[context(1)]), no(R::ApplicationContextNotSupported)),
        (
            rq(1, A, B, &[i(0x10, b"1.2"), context(1)]),
            no(R::ApplicationContextNotSupported),
        ),
        (
            rq(1, &[b' '; 16], B, &[app.clone(), context(1)]),
            no(R::CalledAeNotRecognized),
        ),
        (
            rq(1, A, &[0; 16], &[app.clone(), context(1)]),
            no(R::CallingAeNotRecognized),
        ),
        (
            rq(1, A, &[0xff; 16], &[app.clone(), context(1)]),
            no(R::CallingAeNotRecognized),
        ),
        (with(&[]), no(R::ProviderNoReason)),
        (with(&[context(2)]), no(R::ProviderNoReason)),
        (with(&[context(0)]), no(R::ProviderNoReason)),
        (with(&[context(1), context(3), context(1)]), no(R::ProviderNoReason)),
        (with(&[i(0x20, &[1, 0, 0])]), short.clone()),
        (
            with(&[i(0x20, &[1, 0, 0, 0])]),
            bad("a presentation context has no abstract syntax"),
        ),
        (uid(&[b'1'; 65]), bad("a uid must be at most 64 printable characters")),
        (uid(b"1.2\n"), bad("a uid must be at most 64 printable characters")),
        (uid(&[0xff]), bad("a uid must be at most 64 printable characters")),
        (with(&[context(1), i(0x50, &i(0x51, &[0, 1]))]), short.clone()),
        (with(&[context(1), i(0x50, &i(0x54, &[0, 9, b'1']))]), short.clone()),
        (with(&[context(1), i(0x50, &i(0x58, &[2, 1, 0, 4, b'u']))]), short),
    ];
    for (at, (bytes, expected)) in table.into_iter().enumerate() {
        assert_eq!(decode_request(&bytes), Err(expected), "row {at}");
    }
}

#[test]
fn what_an_answer_may_not_look_like() {
    let with = |items: &[Vec<u8>]| rq(1, A, B, items);
    let table = [
        vec![0; 67],
        with(&[i(0x21, &[1, 0, 0, 0])]),
        with(&[i(0x21, &[1, 0, 0])]),
        with(&[i(0x50, &i(0x51, &[0, 0, 0]))]),
        with(&[vec![0x21, 0, 0xff, 0xff]]),
    ];
    for (at, bytes) in table.into_iter().enumerate() {
        assert!(
            matches!(decode_answer(&bytes), Err(Violation::Associate(_))),
            "row {at}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_request(&bytes);
        let _ = decode_answer(&bytes);
    }

    #[test]
    fn any_change(at in 0_usize..500, to: u8, cut in 0_usize..600) {
        let mut bytes = body(&request());
        if let Some(byte) = bytes.get_mut(at) { *byte = to; }
        bytes.truncate(cut);
        let _ = decode_request(&bytes);
        let _ = decode_answer(&bytes);
    }
}
