use isocenter::fake::{self, Frame};

use super::*;

#[test]
fn edges() {
    let bright = |rows: u32| (0..8 * 8).map(|at| if at < 8 * rows { 255 } else { 0 }).collect();
    let gray = |bytes| fake::Object::default().with_frame(Frame::gray(8, 8, bytes));
    let undecoded = Frame {
        stored: None,
        ..Frame::gray(8, 8, Vec::new())
    };
    for (object, expected) in [
        (fake::Object::default(), "Verdict::Keep"),
        (gray(bright(0)), "Verdict::Keep"),
        (gray(bright(1)), "Verdict::Keep"),
        (
            gray(bright(2)),
            r#"Verdict::Quarantine("its upper edge is bright, as burned-in text is")"#,
        ),
        (
            gray(bright(0)).with_frame(Frame::gray(8, 8, bright(0))),
            r#"Verdict::Refuse("2 frames are more than 1 allowed here")"#,
        ),
        (
            fake::Object::default().with_frame(undecoded),
            r#"Verdict::Quarantine("the transfer syntax is not decoded by this host")"#,
        ),
    ] {
        let config = Config {
            max_frames: 1,
            rows: 2,
            bright: 10,
        };
        let mut edits = fake::Edits::default();
        let passage = fake::Passage::default();
        let verdict = Edge::apply(&object.object(), &passage.passage(), &mut edits.edits(), &config).unwrap();
        assert_eq!(format!("{verdict:?}"), expected);
        assert!(edits.recorded.is_empty());
    }
}
