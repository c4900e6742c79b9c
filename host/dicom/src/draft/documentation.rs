//! The parts of `plugin-api/errors.md` about drafts that become no object, and edits that are not made. A new error has no
//! place here until it says what to do, and is shown.

use super::*;
use crate::error::ParseError;
use isocenter_contract::{page_says, repository, sentences, table};

fn says(part: &str, rows: &[Vec<String>]) {
    if let Err(difference) = page_says(
        repository().join("plugin-api/errors.md"),
        part,
        &table(&["said", "do"], rows),
    ) {
        panic!("{difference}");
    }
}

fn torn() -> ParseError {
    let bytes = [8, 0, 0x18, 0, b'?', b'?', 0, 0];
    Header::parse(TransferSyntax::explicit_le(), &bytes, Limits::default()).unwrap_err()
}

#[test]
fn what_is_said_of_a_draft() {
    let (empty, _) = Header::parse(TransferSyntax::explicit_le(), &[], Limits::default()).unwrap();
    let errors = [
        DraftError::NoSource,
        DraftError::Source(empty.identity().unwrap_err()),
        DraftError::SeveralPatients,
        DraftError::SourceText(tags::PATIENT_NAME.into()),
        DraftError::Owned {
            at: tags::PATIENT_ID.into(),
            keyword: "PatientID",
            reason: kind::owner(Kind::StructuredReport, tags::PATIENT_ID).unwrap(),
        },
        DraftError::ItemSkipped(tags::MODALITY.into()),
        DraftError::Missing {
            kind: Kind::SecondaryCapture,
            tag: tags::ROWS,
            keyword: "Rows",
        },
        DraftError::Wrong {
            kind: Kind::SecondaryCapture,
            tag: tags::MODALITY,
            keyword: "Modality",
            wanted: "…",
        },
        DraftError::PixelLength {
            have: 10,
            need: 16,
            why: "…",
        },
        DraftError::NoPixels(Kind::StructuredReport),
        DraftError::NotPdf,
        DraftError::TooLarge {
            what: "elements",
            limit: ELEMENTS as u64,
        },
        DraftError::Result(torn()),
    ];
    let rows = sentences!(errors, {
        DraftError::NoSource => "name the objects that it was made from",
        DraftError::Source(_) => "derive it from another object; this one was not stored whole",
        DraftError::SeveralPatients => "make one draft for each patient",
        DraftError::SourceText(_) => "look at its Specific Character Set (0008,0005): a filter may set it right on the way in",
        DraftError::Owned { .. } => "leave it out: the host sets it",
        DraftError::ItemSkipped(_) => "set the items of a sequence in their order, from 0",
        DraftError::Missing { .. } => "set it",
        DraftError::Wrong { .. } => "as it says",
        DraftError::PixelLength { .. } => "give as many bytes as the elements say, or say other numbers",
        DraftError::NoPixels(_) => "give none, or make another kind",
        DraftError::NotPdf => "give the bytes of a PDF file, whole",
        DraftError::TooLarge { .. } => "make several drafts of it",
        DraftError::Result(_) => "a mistake of the host: tell who makes it, with the case",
    } elsewhere { DraftError::Element(_) });
    says("table: drafts", &rows);
}

#[test]
fn what_is_said_of_an_edit() {
    let at = || Path::from(tags::PATIENT_NAME);
    let errors = [
        EditError::Value {
            at: tags::STUDY_DATE.into(),
            vr: VR::DA,
            reason: "…".into(),
        },
        EditError::TooLong {
            at: at(),
            vr: VR::PN,
            length: 70_000,
        },
        EditError::NoItem(at()),
        EditError::Sequence(tags::OTHER_PATIENT_I_DS_SEQUENCE.into()),
        EditError::NotSequence { at: at(), vr: VR::PN },
        EditError::TooDeep(tags::OTHER_PATIENT_I_DS_SEQUENCE.into()),
        EditError::Structure(Tag(0x0002, 0x0010).into()),
        EditError::PixelData(tags::PIXEL_DATA.into()),
        EditError::AfterPixelData(Tag(0xFFFC, 0xFFFC).into()),
        EditError::NotUid { at: at(), vr: VR::PN },
        EditError::Result(torn()),
    ];
    let rows = sentences!(errors, {
        EditError::Value { .. } => "give a value as PS3.5 has it for this VR, or leave the element as it is",
        EditError::TooLong { .. } => "shorten it",
        EditError::NoItem(_) => "add the item first",
        EditError::Sequence(_) => "set elements in its items, or remove it",
        EditError::NotSequence { .. } => "set its value",
        EditError::TooDeep(_) => "do not nest so deep",
        EditError::Structure(_) => "leave it: the host writes it",
        EditError::PixelData(_) => "leave it: a filter does not change pixels; an analyzer makes new objects",
        EditError::AfterPixelData(_) => "leave it as it is, or remove it",
        EditError::NotUid { .. } => "remap UIDs alone; set or remove the others",
        EditError::Result(_) => "a mistake of the host: tell who makes it, with the case",
    });
    says("table: edits", &rows);
}
