use crate::header::tests::{Writer, syntaxes};
use crate::header::{Header, Limits};
use crate::{Tag, VR, tags};

const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);
const REQUESTED_PROCEDURE: Tag = Tag(0x0040, 0x1001);
const CODE_SEQUENCE: Tag = Tag(0x0032, 0x1064);
const CODE_MEANING: Tag = Tag(0x0008, 0x0104);

/// What is offered for acceptance, in order.
fn offered(header: &Header, sequences: &[Tag], tag: Tag) -> Vec<String> {
    let mut texts = Vec::new();
    let accepted = header.any_text(sequences, tag, 64, &mut |text| {
        texts.push(text.to_owned());
        false
    });
    assert!(!accepted);
    texts
}

#[test]
fn every_item_is_looked_at() {
    for syntax in syntaxes() {
        for defined in [true, false] {
            let mut w = Writer::new(&syntax);
            w.text(tags::MODALITY, VR::CS, "CT")
                .put(tags::ROWS, VR::US, &[2, 2])
                .sequence(
                    REQUEST_ATTRIBUTES,
                    defined,
                    &[
                        &|item| {
                            item.sequence(
                                CODE_SEQUENCE,
                                defined,
                                &[&|code| {
                                    code.text(CODE_MEANING, VR::LO, "Chest");
                                }],
                            )
                            .text(REQUESTED_PROCEDURE, VR::SH, "P1\\P2");
                        },
                        &|_| {},
                        &|item| {
                            item.text(REQUESTED_PROCEDURE, VR::SH, "P3");
                        },
                    ],
                );
            let (header, _) = Header::parse(syntax.clone(), &w.bytes, Limits::default()).unwrap();
            assert_eq!(offered(&header, &[], tags::MODALITY), ["CT"]);
            assert_eq!(offered(&header, &[], tags::ROWS), ["514"]);
            assert_eq!(
                offered(&header, &[REQUEST_ATTRIBUTES], REQUESTED_PROCEDURE),
                ["P1", "P2", "P3"]
            );
            assert_eq!(
                offered(&header, &[REQUEST_ATTRIBUTES, CODE_SEQUENCE], CODE_MEANING),
                ["Chest"]
            );
            // Not at the top, not without its sequence, not through what is no sequence, and no sequence as a value.
            assert!(offered(&header, &[], REQUESTED_PROCEDURE).is_empty());
            assert!(offered(&header, &[CODE_SEQUENCE], CODE_MEANING).is_empty());
            assert!(offered(&header, &[tags::MODALITY], CODE_MEANING).is_empty());
            assert!(offered(&header, &[], REQUEST_ATTRIBUTES).is_empty());
            let mut asked = 0;
            assert!(
                header.any_text(&[REQUEST_ATTRIBUTES], REQUESTED_PROCEDURE, 64, &mut |text| {
                    asked += 1;
                    text == "P2"
                })
            );
            assert_eq!(asked, 2);
        }
    }
}

#[test]
fn an_item_has_the_character_set_of_what_holds_it() {
    let mut w = Writer::le();
    w.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100").sequence(
        REQUEST_ATTRIBUTES,
        true,
        &[
            &|item| {
                item.put(REQUESTED_PROCEDURE, VR::SH, b"M\xFC");
            },
            &|item| {
                item.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192").put(
                    REQUESTED_PROCEDURE,
                    VR::SH,
                    "ü".as_bytes(),
                );
            },
        ],
    );
    let (header, _) = Header::parse(
        crate::syntax::TransferSyntax::explicit_le(),
        &w.bytes,
        Limits::default(),
    )
    .unwrap();
    assert_eq!(
        offered(&header, &[REQUEST_ATTRIBUTES], REQUESTED_PROCEDURE),
        ["Mü", "ü"]
    );
}

#[test]
fn what_is_too_long_is_passed_over() {
    let mut w = Writer::le();
    w.text(tags::STUDY_DESCRIPTION, VR::LO, &"x".repeat(66))
        .text(tags::PATIENT_NAME, VR::PN, &"y".repeat(64));
    let (header, _) = Header::parse(
        crate::syntax::TransferSyntax::explicit_le(),
        &w.bytes,
        Limits::default(),
    )
    .unwrap();
    assert!(offered(&header, &[], tags::STUDY_DESCRIPTION).is_empty());
    assert_eq!(offered(&header, &[], tags::PATIENT_NAME).len(), 1);
}
