//! What passes, what is edited, what is refused; in chunks of any size.

use super::*;
use crate::edit::{Edit, SiteKey, apply};
use crate::header::tests::{Writer, header, syntaxes};
use crate::{Path, Step, tags};
use proptest::prelude::*;

const TRAILING: Tag = Tag(0xFFFC, 0xFFFC);
const SIGNATURES: Tag = Tag(0xFFFA, 0xFFFA);

fn explicit() -> TransferSyntax {
    TransferSyntax::explicit_le()
}

fn run(mut body: Body, bytes: &[u8], chunk: usize) -> Result<Vec<u8>, ParseError> {
    let mut out = Vec::new();
    for chunk in bytes.chunks(chunk.max(1)) {
        body.push(Bytes::copy_from_slice(chunk), &mut out)?;
    }
    body.finish(&mut out)?;
    Ok(out.concat())
}

fn native(w: &mut Writer) -> &mut Writer {
    w.put(tags::PIXEL_DATA, VR::OW, &[7; 50])
}

fn fragments(w: &mut Writer, ended: bool) -> &mut Writer {
    w.head(tags::PIXEL_DATA, VR::OB, u32::MAX)
        .mark(0xE000, 0)
        .mark(0xE000, 6)
        .bytes
        .extend([1; 6]);
    w.mark(0xE000, 3).bytes.extend([2; 3]);
    if ended { w.mark(0xE0DD, 0) } else { w }
}

fn write(f: impl Fn(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::le();
    f(&mut w);
    w.bytes
}

#[test]
fn verbatim() {
    let pixel = Some(tags::PIXEL_DATA);
    let item = Some(Tag(0xFFFE, 0xE000));
    type Case = (&'static str, Vec<u8>, Option<(Option<Tag>, Problem)>);
    let cases: Vec<Case> = vec![
        ("no pixel data", vec![], None),
        ("native", write(|w| _ = native(w)), None),
        (
            "native and padding",
            write(|w| _ = native(w).put(TRAILING, VR::OB, &[0; 100])),
            None,
        ),
        (
            "native of odd length",
            write(|w| _ = w.put(tags::PIXEL_DATA, VR::OB, &[7; 5]).put(TRAILING, VR::OB, &[0; 4])),
            None,
        ),
        (
            "float and integer",
            write(|w| _ = native(w.put(tags::FLOAT_PIXEL_DATA, VR::OF, &[0; 8]))),
            None,
        ),
        ("fragments", write(|w| _ = fragments(w, true)), None),
        ("fragments without end", write(|w| _ = fragments(w, false)), None),
        (
            "fragments and signatures",
            write(|w| {
                _ = fragments(w, true).sequence(SIGNATURES, false, &[&|w| _ = w.text(tags::MODALITY, VR::CS, "CT")])
            }),
            None,
        ),
        (
            "private behind",
            write(|w| {
                _ = native(w)
                    .put(Tag(0x7FE1, 0x0010), VR::LO, b"ACME")
                    .put(Tag(0x7FE1, 0x1001), VR::UN, b"ab")
            }),
            None,
        ),
        (
            "native cut",
            write(|w| native(w).bytes.truncate(40)),
            Some((pixel, Problem::Ends)),
        ),
        (
            "cut in the header",
            write(|w| native(w).bytes.truncate(10)),
            Some((None, Problem::EndsInHeader)),
        ),
        (
            "fragment cut",
            write(|w| fragments(w, false).bytes.truncate(33)),
            Some((item, Problem::Ends)),
        ),
        (
            "fragment header cut",
            write(|w| fragments(w, false).bytes.truncate(24)),
            Some((pixel, Problem::Ends)),
        ),
        (
            "no fragments",
            write(|w| fragments(w, false).bytes.truncate(12)),
            Some((pixel, Problem::Ends)),
        ),
        (
            "only an offset table",
            write(|w| fragments(w, false).bytes.truncate(20)),
            Some((pixel, Problem::Ends)),
        ),
        (
            "padding cut",
            write(|w| native(w).head(TRAILING, VR::OB, 100).bytes.extend([0; 9])),
            Some((Some(TRAILING), Problem::Ends)),
        ),
        (
            "signatures cut",
            write(|w| _ = native(w).head(SIGNATURES, VR::SQ, u32::MAX).mark(0xE000, 0)),
            Some((Some(SIGNATURES), Problem::Ends)),
        ),
        (
            "zeros behind",
            write(|w| native(w).bytes.extend([0; 100])),
            Some((Some(Tag(0, 0)), Problem::AfterPixelData)),
        ),
        (
            "garbage behind",
            write(|w| native(w).bytes.extend(b"garbage garbage!")),
            Some((Some(Tag(0x6167, 0x6272)), Problem::AfterPixelData)),
        ),
        (
            "a name behind",
            write(|w| _ = native(w).text(tags::PATIENT_NAME, VR::PN, "Doe")),
            Some((Some(tags::PATIENT_NAME), Problem::AfterPixelData)),
        ),
        (
            "fragment of undefined length",
            write(|w| _ = w.head(tags::PIXEL_DATA, VR::OB, u32::MAX).mark(0xE000, u32::MAX)),
            Some((item, Problem::UndefinedFragment)),
        ),
        (
            "not a fragment",
            write(|w| {
                _ = w
                    .head(tags::PIXEL_DATA, VR::OB, u32::MAX)
                    .text(tags::MODALITY, VR::CS, "CT")
            }),
            Some((Some(tags::MODALITY), Problem::NotAnItem)),
        ),
    ];
    for (name, bytes, expected) in cases {
        for chunk in [1, 7, 12, 13, 1000] {
            let found = run(Body::verbatim(&explicit()), &bytes, chunk);
            match (&found, &expected) {
                (Ok(out), None) => assert_eq!(*out, bytes, "{name} by {chunk}"),
                (Err(error), Some(expected)) => {
                    assert_eq!(&(error.tag(), error.problem().clone()), expected, "{name} by {chunk}");
                }
                _ => panic!("{name} by {chunk}: {found:?}"),
            }
        }
    }
}

#[test]
fn implicit_zeros_behind_are_refused() {
    let mut w = Writer::new(&TransferSyntax::implicit_le());
    native(&mut w).bytes.extend([0; 64]);
    let error = run(Body::verbatim(&TransferSyntax::implicit_le()), &w.bytes, 9).unwrap_err();
    assert_eq!(error.problem(), &Problem::AfterPixelData);
}

#[test]
fn chunks_pass_without_being_copied() {
    let chunk = Bytes::from(write(|w| _ = w.put(tags::PIXEL_DATA, VR::OW, &[7; 5000])));
    let mut out = Vec::new();
    let mut body = Body::verbatim(&explicit());
    body.push(chunk.slice(..3000), &mut out).unwrap();
    body.push(chunk.slice(3000..), &mut out).unwrap();
    body.finish(&mut out).unwrap();
    assert_eq!(
        out.iter().map(|piece| piece.as_ptr()).collect::<Vec<_>>(),
        [chunk.as_ptr(), chunk[3000..].as_ptr()]
    );
}

fn edited(edits: &[Edit], syntax: &TransferSyntax) -> Body {
    let key = SiteKey::new([1; 32]);
    let mut w = Writer::new(syntax);
    w.identity();
    let tail = apply(&header(syntax, &w.bytes), edits, &key).unwrap().tail;
    Body::edited(syntax, tail)
}

/// Pixel data, a private block of each of two creators, padding, a signature with a date and a UID inside.
fn tail(syntax: &TransferSyntax, kept: &[&str], signed: Option<(&str, &str)>) -> Vec<u8> {
    let mut w = Writer::new(syntax);
    native(&mut w);
    for (block, creator) in [(0x10, "ACME"), (0x11, "OTHER ")] {
        if kept.contains(&creator.trim()) {
            w.put(Tag(0x7FE1, block), VR::LO, creator.as_bytes());
        }
    }
    for (block, creator) in [(0x10, "ACME"), (0x11, "OTHER")] {
        if kept.contains(&creator) {
            w.put(Tag(0x7FE1, block << 8 | 1), VR::UN, b"ab");
        }
    }
    if let Some((date, uid)) = signed {
        w.sequence(
            SIGNATURES,
            false,
            &[&|w| {
                w.text(tags::DIGITAL_SIGNATURE_UID, VR::UI, uid)
                    .text(tags::DIGITAL_SIGNATURE_DATE_TIME, VR::DT, date);
            }],
        );
    }
    if kept.contains(&"padding") {
        w.put(TRAILING, VR::OB, &[0; 30]);
    }
    w.bytes
}

#[test]
fn edits_reach_what_follows_the_pixel_data() {
    let key = SiteKey::new([1; 32]);
    let new = key.remap(&crate::Uid::parse("1.2.3").unwrap());
    let both = ["ACME", "OTHER", "padding"];
    let old = Some(("20240228", "1.2.3"));
    let inside = |tag| Path {
        within: vec![Step {
            sequence: SIGNATURES,
            item: 0,
        }],
        tag,
    };
    /// Edits, what of [`tail`] is left, and the date and UID in its signature.
    type Case<'a> = (Vec<Edit>, &'a [&'a str], Option<(&'a str, &'a str)>);
    let cases: Vec<Case> = vec![
        (vec![], &both, old),
        (vec![Edit::Remove(tags::PATIENT_NAME.into())], &both, old),
        (vec![Edit::AddItem(tags::REFERENCED_STUDY_SEQUENCE.into())], &both, old),
        (vec![Edit::Remove(TRAILING.into())], &["ACME", "OTHER"], old),
        (
            vec![Edit::RemoveEverywhere(TRAILING), Edit::RemoveEverywhere(SIGNATURES)],
            &["ACME", "OTHER"],
            None,
        ),
        (vec![Edit::RemovePrivate { keep_creators: vec![] }], &["padding"], old),
        (
            vec![Edit::RemovePrivate {
                keep_creators: vec!["OTHER".into()],
            }],
            &["OTHER", "padding"],
            old,
        ),
        (
            vec![Edit::ShiftDatesEverywhere { days: 1 }],
            &both,
            Some(("20240229", "1.2.3")),
        ),
        (
            vec![Edit::RemapUidsEverywhere { keep: vec![] }],
            &both,
            Some(("20240228", new.as_str())),
        ),
        (
            vec![Edit::RemapUid(inside(tags::DIGITAL_SIGNATURE_UID))],
            &both,
            Some(("20240228", new.as_str())),
        ),
        (
            vec![Edit::Clear(inside(tags::DIGITAL_SIGNATURE_DATE_TIME))],
            &both,
            Some(("", "1.2.3")),
        ),
    ];
    for syntax in syntaxes() {
        let bytes = tail(&syntax, &both, old);
        for (edits, kept, signed) in &cases {
            for chunk in [1, 7, 12, 50, 1000] {
                let out = run(edited(edits, &syntax), &bytes, chunk).unwrap();
                assert_eq!(out, tail(&syntax, kept, *signed), "{edits:?} by {chunk}");
            }
        }
    }
}

#[test]
fn what_cannot_be_edited_is_refused() {
    let mut w = Writer::le();
    native(&mut w).sequence(
        SIGNATURES,
        false,
        &[&|w| _ = w.put(Tag(0x0400, 0x0120), VR::OB, &vec![0; HOLD])],
    );
    let dates = [Edit::ShiftDatesEverywhere { days: 1 }];
    for chunk in [1000, 5 << 20] {
        let error = run(edited(&dates, &explicit()), &w.bytes, chunk).unwrap_err();
        assert_eq!(
            (error.tag(), error.problem()),
            (Some(SIGNATURES), &Problem::TailTooLong(HOLD as u64))
        );
    }
    // A long one that no edit could concern passes.
    let mut w = Writer::le();
    native(&mut w).put(TRAILING, VR::OB, &vec![0; 2 * HOLD]);
    assert_eq!(run(edited(&dates, &explicit()), &w.bytes, 10_000).unwrap(), w.bytes);
}

#[test]
fn how_pixel_data_begins() {
    let element = |vr, head, length| PixelElement {
        tag: tags::PIXEL_DATA,
        vr,
        head,
        length,
    };
    for syntax in syntaxes() {
        let mut w = Writer::new(&syntax);
        native(&mut w);
        let head = if syntax.is_explicit() { 12 } else { 8 };
        let found = PixelElement::read(&syntax, &w.bytes[..12]).unwrap();
        assert_eq!(found, Some(element(VR::OW, head, Some(50))));
        assert_eq!(PixelElement::read(&syntax, &[]), Ok(None));
        assert!(PixelElement::read(&syntax, &w.bytes[..7]).is_err());
        let mut other = Writer::new(&syntax);
        other.text(tags::PATIENT_ID, VR::LO, "12345678");
        assert!(PixelElement::read(&syntax, &other.bytes).is_err());
    }
    let bytes = write(|w| _ = fragments(w, true));
    let found = PixelElement::read(&explicit(), &bytes[..12]).unwrap();
    assert_eq!(found, Some(element(VR::OB, 12, None)));
    let bytes = write(|w| _ = w.put(tags::FLOAT_PIXEL_DATA, VR::OF, &[0; 8]));
    let found = PixelElement::read(&explicit(), &bytes).unwrap().unwrap();
    assert_eq!((found.tag, found.vr), (tags::FLOAT_PIXEL_DATA, VR::OF));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), chunk in 1usize..40, which in 0usize..3) {
        let edits = [Edit::RemovePrivate { keep_creators: vec!["a".into()] }, Edit::RemapUidsEverywhere { keep: vec![] }];
        let syntax = &syntaxes()[which];
        let _ = run(Body::verbatim(syntax), &bytes, chunk);
        let _ = run(edited(&edits, syntax), &bytes, chunk);
    }

    #[test]
    fn chunks_make_no_difference(cut in 0usize..400, damage in prop::option::of((0usize..400, any::<u8>())), chunk in 1usize..30) {
        let mut bytes = tail(&explicit(), &["ACME", "OTHER", "padding"], Some(("20240228", "1.2.3")));
        bytes.truncate(bytes.len().saturating_sub(cut / 2));
        if let Some((at, byte)) = damage && let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let edits = [Edit::RemovePrivate { keep_creators: vec!["ACME".into()] }, Edit::ShiftDatesEverywhere { days: 3 }];
        prop_assert_eq!(run(Body::verbatim(&explicit()), &bytes, chunk), run(Body::verbatim(&explicit()), &bytes, 1000));
        prop_assert_eq!(run(edited(&edits, &explicit()), &bytes, chunk), run(edited(&edits, &explicit()), &bytes, 1000));
    }
}
