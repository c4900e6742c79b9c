use super::*;
use crate::status;
use proptest::prelude::*;

fn us(element: u16, value: u16) -> Vec<u8> {
    raw(0, element, &value.to_le_bytes())
}

fn raw(group: u16, element: u16, value: &[u8]) -> Vec<u8> {
    let mut out = [group.to_le_bytes(), element.to_le_bytes()].concat();
    out.extend((value.len() as u32).to_le_bytes());
    out.extend(value);
    out
}

/// A C-ECHO-RQ in elements.
fn echo() -> Vec<Vec<u8>> {
    vec![
        raw(0, 0x0002, b"1.2.840.10008.1.1\0"),
        us(0x0100, 0x0030),
        us(0x0110, 7),
        us(0x0800, 0x0101),
    ]
}

fn decode(elements: &[Vec<u8>]) -> Result<Command, CommandError> {
    Command::decode(&elements.concat().into())
}

#[test]
fn echo_byte_for_byte() {
    let expected = [vec![raw(0, 0, &56_u32.to_le_bytes())], echo()].concat().concat();
    assert_eq!(Command::echo_rq(7).encode(), expected);
    assert_eq!(Command::decode(&expected.into()).unwrap(), Command::echo_rq(7));
}

#[test]
fn every_command_comes_back() {
    let ae = AeTitle::parse("ODD").unwrap();
    let store = Command::store_rq(1, "1.2.840.10008.5.1.4.1.1.2", "1.2.3");
    let table = [
        Command::echo_rq(65535),
        store.clone(),
        store
            .clone()
            .with_priority(Priority::Low)
            .with_move_originator(&MoveOriginator {
                ae_title: ae,
                message_id: 9,
            }),
        store.response(status::SUCCESS),
        store.response(status::OUT_OF_RESOURCES).with_error_comment("no room"),
        Command::cancel_rq(3),
        Command::new(CommandField::C_FIND_RSP, 4)
            .with_number(element::STATUS, 0xff00)
            .with_data(true),
        Command::new(CommandField::N_ACTION_RQ, 4)
            .with_number(element::ACTION_TYPE_ID, 1)
            .with_data(true),
        Command::new(CommandField::new(0x0777), 4).with_raw(0x4000, Bytes::from_static(b"odd")),
    ];
    for command in table {
        assert_eq!(Command::decode(&command.encode()).as_ref(), Ok(&command));
    }
}

#[test]
fn views() {
    let ae = AeTitle::parse("MOVER").unwrap();
    let originator = MoveOriginator {
        ae_title: ae,
        message_id: 9,
    };
    let rq = Command::store_rq(5, "1.2.3", "1.2.3.4")
        .with_priority(Priority::High)
        .with_move_originator(&originator);
    assert_eq!(
        (rq.field(), rq.message_id(), rq.has_data()),
        (CommandField::C_STORE_RQ, 5, true)
    );
    assert_eq!((rq.sop_class(), rq.sop_instance()), (Some("1.2.3"), Some("1.2.3.4")));
    assert_eq!(
        (rq.priority(), rq.move_originator()),
        (Priority::High, Some(originator))
    );
    let rsp = rq
        .response(status::DUPLICATE)
        .with_error_comment("other content\nwas \\ stored beförehand");
    assert_eq!(
        (rsp.field(), rsp.message_id(), rsp.has_data()),
        (CommandField::C_STORE_RSP, 5, false)
    );
    assert_eq!((rsp.sop_class(), rsp.sop_instance()), (Some("1.2.3"), Some("1.2.3.4")));
    assert_eq!(rsp.status(), Some(status::DUPLICATE));
    assert_eq!(rsp.error_comment(), Some("other content?was ? stored bef?rehand"));
    assert_eq!(
        rsp.clone().with_error_comment(&"x".repeat(99)).error_comment(),
        Some(&*"x".repeat(64))
    );
    let n = Command::new(CommandField::N_GET_RQ, 1).with_uid(element::REQUESTED_SOP_CLASS_UID, "1.2");
    assert_eq!(n.response(status::SUCCESS).sop_class(), Some("1.2"));
}

#[test]
fn what_is_overlooked() {
    let wrong_length = [vec![raw(0, 0, &1_u32.to_le_bytes())], echo()].concat();
    let reversed: Vec<_> = echo().into_iter().rev().collect();
    let extended = [echo(), vec![raw(0, 0x5110, b"retired ")]].concat();
    let unpadded = [vec![raw(0, 0x0002, b"1.2.840.10008.1.1")], echo()[1..].to_vec()].concat();
    let spaced = [vec![raw(0, 0x0002, b"1.2.840.10008.1.1 ")], echo()[1..].to_vec()].concat();
    for elements in [wrong_length, reversed, extended, unpadded, spaced] {
        let command = decode(&elements).unwrap();
        assert_eq!(command.sop_class(), Some(crate::sop::VERIFICATION));
        assert_eq!(command.message_id(), 7);
    }
}

#[test]
fn what_is_wrong() {
    let without = |at: usize| {
        let mut elements = echo();
        elements.remove(at);
        elements
    };
    let with = |element: Vec<u8>| [echo(), vec![element]].concat();
    let response = |field| vec![us(0x0100, field), us(0x0120, 1), us(0x0800, 0x0101)];
    let table: Vec<(Vec<Vec<u8>>, CommandError)> = vec![
        (vec![], CommandError::Missing(0x0100)),
        (without(1), CommandError::Missing(0x0100)),
        (without(2), CommandError::Missing(0x0110)),
        (without(3), CommandError::Missing(0x0800)),
        (response(0x8030), CommandError::Missing(0x0900)),
        (
            [&without(1)[..], &[us(0x0100, 0x0fff)]].concat(),
            CommandError::Missing(0x0120),
        ),
        (with(us(0x0110, 7)), CommandError::Twice(0x0110)),
        (
            with(raw(0, 0x0700, b"")),
            CommandError::Length {
                element: 0x0700,
                length: 0,
            },
        ),
        (
            with(raw(0, 0x0900, b"abcd")),
            CommandError::Length {
                element: 0x0900,
                length: 4,
            },
        ),
        (
            with(raw(8, 0x0018, b"1.2")),
            CommandError::Group {
                group: 8,
                element: 0x18,
            },
        ),
        (with(vec![0; 7]), CommandError::Truncated { group: 0, element: 0 }),
        (
            with(vec![0, 0, 2, 9, 255, 255, 255, 255]),
            CommandError::Truncated {
                group: 0,
                element: 0x0902,
            },
        ),
        (
            with(vec![0, 0, 2, 9, 2, 0, 0, 0, 65]),
            CommandError::Truncated {
                group: 0,
                element: 0x0902,
            },
        ),
    ];
    for (elements, expected) in table {
        assert_eq!(decode(&elements), Err(expected));
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Command::decode(&bytes.into());
    }

    #[test]
    fn any_cut(cut in 0_usize..200, at in 0_usize..200, to: u8) {
        let mut bytes = Command::store_rq(1, "1.2.3", "1.2.3.4").encode().to_vec();
        if let Some(byte) = bytes.get_mut(at) { *byte = to; }
        bytes.truncate(cut);
        if let Ok(command) = Command::decode(&bytes.into()) {
            prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
        }
    }
}
