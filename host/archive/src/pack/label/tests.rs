use super::*;

fn label(held: Option<Held>, fill: usize, subject: usize) -> Label {
    let uid = |c: &str| Uid::parse(&c.repeat(64)).unwrap();
    Label {
        object: uid("1"),
        study: uid("2"),
        length: u64::MAX >> 1,
        header_length: u32::MAX,
        digest: [0xab; 32],
        arrived: UNIX_EPOCH + Duration::new(1_790_000_000, 123_456_789),
        source: Source {
            calling_ae: Some("C".repeat(fill)),
            called_ae: Some("D".repeat(fill)),
            peer: Some("[2001:db8::1]".repeat(fill)),
            transport: Transport::Derived,
            subject: (subject > 0).then(|| "s".repeat(subject)),
            hops: u8::try_from(subject).unwrap_or(u8::MAX),
        },
        duplicates: Duplicates::KeepFirst,
        held,
        together: (fill == 16).then_some(MOST_TOGETHER),
    }
}

fn decode(bytes: &[u8]) -> Label {
    let block = |at: usize| bytes[at..at + BLOCK].try_into().unwrap();
    let tar::Read::Header(extended) = tar::read(&block(0)) else {
        panic!("no extended header")
    };
    let tar::Read::Header(file) = tar::read(&block(bytes.len() - BLOCK)) else {
        panic!("no file header")
    };
    assert_eq!(
        tar::padded(extended.size) as usize,
        bytes.len() - 2 * BLOCK,
        "the records fill the reserved room"
    );
    Label::decode(&bytes[BLOCK..BLOCK + extended.size as usize], &file).unwrap()
}

#[test]
fn labels_fill_their_room_exactly_and_read_back() {
    let held = |plugin: usize, reason: usize| {
        Some(Held {
            plugin: (plugin > 0).then(|| "p".repeat(plugin)),
            reason: "ä".repeat(reason),
        })
    };
    let cases = [
        None,
        held(0, 0),
        held(1, 1),
        held(20, 40),
        held(128, 512),
        held(200, 2000),
        held(0, 223),
        held(3, 224),
    ];
    for held in cases {
        for (fill, subject) in [(0, 0), (1, 1), (16, 0), (40, 9), (16, 255), (16, 256), (40, 300)] {
            let label = label(held.clone(), fill, subject);
            let bytes = label.encode();
            assert_eq!(bytes.len(), label.reserved(), "{held:?} {fill} {subject}");
            let back = decode(&bytes);
            assert_eq!(back.object, label.object);
            assert_eq!(back.study, label.study);
            assert_eq!(back.length, label.length);
            assert_eq!(back.header_length, label.header_length);
            assert_eq!(back.digest, label.digest);
            assert_eq!(back.arrived, label.arrived);
            assert_eq!(back.source, clipped_source(&label.source));
            assert_eq!(back.held, held.as_ref().map(clipped));
            assert_eq!(back.together, label.together);
        }
    }
}

#[test]
fn control_characters_do_not_reach_the_records() {
    let held = Held {
        plugin: None,
        reason: "line\nbreak\0".into(),
    };
    assert_eq!(clipped(&held).reason, "line break ");
}

#[test]
fn a_label_without_its_records_says_which_is_missing() {
    let file = tar::Header {
        name: "1.2.dcm".into(),
        size: 1,
        modified: 0,
        kind: Kind::File,
    };
    let mut body = Vec::new();
    assert_eq!(Label::decode(&body, &file).err(), Some("the study is missing"));
    tar::put_record(&mut body, "comment", "ISOCENTER.study=1.2\nheader=1\n");
    assert_eq!(
        Label::decode(&body, &file).err(),
        Some("the length of the header is missing")
    );
    // As it was written before there were subjects and hops.
    let digest = "ab".repeat(32);
    let old = format!(
        "ISOCENTER.blake3={digest}\nISOCENTER.header=1\nISOCENTER.study=1.2\nISOCENTER.transport=file\nISOCENTER.policy=replace\n"
    );
    let mut body = Vec::new();
    tar::put_record(&mut body, "comment", &old);
    let label = Label::decode(&body, &file).unwrap();
    assert_eq!((label.source.subject, label.source.hops), (None, 0));
    let mut body = Vec::new();
    tar::put_record(&mut body, "comment", &format!("{old}ISOCENTER.hops=256\n"));
    assert_eq!(
        Label::decode(&body, &file).err(),
        Some("the number of hops is malformed")
    );
    for count in ["0", "257", "-1", "x"] {
        let mut body = Vec::new();
        tar::put_record(&mut body, "comment", &format!("{old}ISOCENTER.together={count}\n"));
        assert_eq!(
            Label::decode(&body, &file).err(),
            Some("the number of those stored together is malformed")
        );
    }
    let other = tar::Header {
        name: "../etc/passwd".into(),
        ..file
    };
    assert_eq!(Label::decode(&body, &other).err(), Some("the name is not a UID"));
}
