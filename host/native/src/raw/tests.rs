//! What does not need an engine.

use super::*;

#[test]
fn elements_keep_their_order_when_they_move() {
    for len in [1_u8, 15, 16, 17, 40] {
        let data: Vec<u8> = (0..len).collect();
        let moved: Vec<u8> = realigned(&data).into_iter().flat_map(u128::to_ne_bytes).collect();
        assert!(moved.starts_with(&data) && moved.len() < data.len() + ALIGNMENT);
    }
}

#[test]
fn a_sentence_is_one_line_within_its_room() {
    for (len, said) in [
        (0, 0),
        (3, 3),
        (SENTENCE, SENTENCE),
        (SENTENCE + 1, SENTENCE),
        (usize::MAX, SENTENCE),
    ] {
        let mut sentence = Sentence::new();
        sentence.room = b"x\ny".iter().copied().cycle().take(SENTENCE).collect();
        let heard = sentence.hear(|error| {
            // SAFETY: `hear` gives a valid error text.
            unsafe { (*error).len = len };
            table::FAILED
        });
        let refusal = heard.unwrap_err();
        assert_eq!(refusal.said.len(), said);
        assert!(refusal.said.starts_with("x y") || len == 0, "{}", refusal.said);
    }
}
