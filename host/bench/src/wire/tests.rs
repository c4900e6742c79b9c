use super::*;

#[test]
fn statuses() {
    let mut answer = Vec::new();
    element(&mut answer, 0x0100, &0x8001_u16.to_le_bytes());
    element(&mut answer, 0x0900, &0xA700_u16.to_le_bytes());
    assert_eq!(number(&answer, 0x0900), Some(0xA700));
    assert_eq!(number(&c_store("1.2.3", 1), 0x0900), None);
    assert_eq!(number(&answer[..answer.len() - 1], 0x0900), None);
}

#[test]
fn acceptances() {
    let answer = |result: u8, longest: u32| {
        let mut body = vec![0; 68];
        item(&mut body, 0x21, &[CONTEXT, 0, result, 0]);
        let mut user = Vec::new();
        item(&mut user, 0x51, &longest.to_be_bytes());
        item(&mut body, 0x50, &user);
        body
    };
    let cases = [
        (answer(0, 16_384), Some(16_384)),
        (answer(0, 0), Some(LONGEST_SENT)),
        (answer(3, 16_384), None),
        (vec![0; 68], None),
    ];
    for (body, expected) in cases {
        assert_eq!(accepted(&body, 1), expected);
        assert_eq!(accepted(&body, 2), None);
    }
}
