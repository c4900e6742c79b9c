use super::{AeTitle, BadAeTitle};

#[test]
fn titles() {
    let long = |t: &str| BadAeTitle::TooLong {
        title: t.into(),
        length: t.len(),
    };
    let bad = |t: &str, c| BadAeTitle::Character {
        title: t.into(),
        character: c,
    };
    let table: [(&str, Result<&str, BadAeTitle>); 11] = [
        ("ISOCENTER", Ok("ISOCENTER")),
        ("  CT 01   ", Ok("CT 01")),
        ("A", Ok("A")),
        ("ABCDEFGHIJKLMNOP", Ok("ABCDEFGHIJKLMNOP")),
        ("                ABCDEFGHIJKLMNOP  ", Ok("ABCDEFGHIJKLMNOP")),
        ("ABCDEFGHIJKLMNOPQ", Err(long("ABCDEFGHIJKLMNOPQ"))),
        ("", Err(BadAeTitle::Empty)),
        ("                ", Err(BadAeTitle::Empty)),
        ("A\\B", Err(bad("A\\B", '\\'))),
        ("A\nB", Err(bad("A\nB", '\n'))),
        ("RÖNTGEN", Err(bad("RÖNTGEN", 'Ö'))),
    ];
    for (text, expected) in table {
        assert_eq!(
            AeTitle::parse(text).as_ref().map(AeTitle::as_str),
            expected.as_ref().copied(),
            "{text:?}"
        );
    }
}

#[test]
fn field_of_sixteen() {
    assert_eq!(&AeTitle::parse("CT").unwrap().padded(), b"CT              ");
    assert_eq!(
        &AeTitle::parse("ABCDEFGHIJKLMNOP").unwrap().padded(),
        b"ABCDEFGHIJKLMNOP"
    );
}
