//! Reports among the samples: a Basic Text SR and the same as an encapsulated PDF.
//!
//! Apart from the images because they are trees of concepts, and because the PDF is written by hand.

use std::fmt::Write as _;

use dicom_dictionary_std::tags;
use isocenter_dicom::VR;

use super::data_set::DataSet;

/// The images that a report is about, all of one series.
pub(super) struct Evidence {
    pub(super) study: String,
    pub(super) series: String,
    pub(super) sop_class: &'static str,
    pub(super) objects: Vec<String>,
}

const FINDINGS: &str = "Silueta cardiomediastínica de tamaño normal. Senos costofrénicos libres. \
                        No se observan condensaciones parenquimatosas.";
const CONCLUSION: &str = "Estudio sin hallazgos patológicos agudos.";

/// A coded entry (PS3.3 §8.8).
pub(super) fn code(value: &str, scheme: &str, meaning: &str) -> DataSet {
    DataSet::new()
        .text(tags::CODE_VALUE, value)
        .text(tags::CODING_SCHEME_DESIGNATOR, scheme)
        .text(tags::CODE_MEANING, meaning)
}

impl Evidence {
    fn references(&self) -> Vec<DataSet> {
        self.objects
            .iter()
            .map(|object| {
                DataSet::new()
                    .text(tags::REFERENCED_SOP_CLASS_UID, self.sop_class)
                    .text(tags::REFERENCED_SOP_INSTANCE_UID, object.clone())
            })
            .collect()
    }
}

/// The elements of a Basic Text SR (PS3.3 §A.35.1).
pub(super) fn basic_text(evidence: &Evidence) -> DataSet {
    let content = |relation: &str, kind: &str, concept: DataSet| {
        DataSet::new()
            .text(tags::RELATIONSHIP_TYPE, relation)
            .text(tags::VALUE_TYPE, kind)
            .items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![concept])
    };
    let image = |reference: DataSet| {
        DataSet::new()
            .text(tags::RELATIONSHIP_TYPE, "CONTAINS")
            .text(tags::VALUE_TYPE, "IMAGE")
            .items(tags::REFERENCED_SOP_SEQUENCE, vec![reference])
    };
    let mut tree = vec![
        content(
            "HAS CONCEPT MOD",
            "CODE",
            code("121049", "DCM", "Language of Content Item and Descendants"),
        )
        .items(tags::CONCEPT_CODE_SEQUENCE, vec![code("spa", "RFC5646", "Spanish")]),
        content(
            "HAS OBS CONTEXT",
            "PNAME",
            code("121008", "DCM", "Person Observer Name"),
        )
        .text(tags::PERSON_NAME, "Núñez^Andrés^^Dr."),
        content("CONTAINS", "TEXT", code("121071", "DCM", "Finding")).text(tags::TEXT_VALUE, FINDINGS),
        content("CONTAINS", "TEXT", code("121077", "DCM", "Conclusion")).text(tags::TEXT_VALUE, CONCLUSION),
    ];
    tree.extend(evidence.references().into_iter().map(image));
    let series = DataSet::new()
        .text(tags::SERIES_INSTANCE_UID, evidence.series.clone())
        .items(tags::REFERENCED_SOP_SEQUENCE, evidence.references());
    let study = DataSet::new()
        .text(tags::STUDY_INSTANCE_UID, evidence.study.clone())
        .items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    DataSet::new()
        .text(tags::COMPLETION_FLAG, "COMPLETE")
        .text(tags::VERIFICATION_FLAG, "UNVERIFIED")
        .items(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::new())
        .items(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new())
        .items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, vec![study])
        .text(tags::VALUE_TYPE, "CONTAINER")
        .text(tags::CONTINUITY_OF_CONTENT, "SEPARATE")
        .items(
            tags::CONCEPT_NAME_CODE_SEQUENCE,
            vec![code("18748-4", "LN", "Diagnostic imaging report")],
        )
        .items(tags::CONTENT_SEQUENCE, tree)
}

/// The elements of an Encapsulated PDF (PS3.3 §A.45.1).
pub(super) fn encapsulated_pdf(evidence: &Evidence) -> DataSet {
    let document = pdf(&["Radiografia de torax PA y lateral", FINDINGS, CONCLUSION]);
    let length = u32::try_from(document.len()).unwrap_or(u32::MAX);
    DataSet::new()
        .text(tags::CONVERSION_TYPE, "WSD")
        .empty(tags::ACQUISITION_DATE_TIME)
        .text(tags::BURNED_IN_ANNOTATION, "YES")
        .items(tags::SOURCE_INSTANCE_SEQUENCE, evidence.references())
        .text(tags::DOCUMENT_TITLE, "Informe radiológico")
        .items(
            tags::CONCEPT_NAME_CODE_SEQUENCE,
            vec![code("18748-4", "LN", "Diagnostic imaging report")],
        )
        .text(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, "application/pdf")
        .long(tags::ENCAPSULATED_DOCUMENT_LENGTH, &[length])
        .bytes(tags::ENCAPSULATED_DOCUMENT, VR::OB, document)
}

/// One page with a line for each text, broken after 80 characters (ISO 32000-1, nothing but the required).
fn pdf(texts: &[&str]) -> Vec<u8> {
    let mut page = String::from("BT /F1 12 Tf 60 780 Td 18 TL");
    for text in texts {
        let mut line = String::new();
        for word in text.split_whitespace().chain([""]) {
            if word.is_empty() || line.chars().count() + word.chars().count() >= 80 {
                let _ = write!(page, " ({}) Tj T*", line.trim_end());
                line.clear();
            }
            line.push_str(word);
            line.push(' ');
        }
        page.push_str(" T*");
    }
    page.push_str(" ET");
    // The page's font is encoded as WinAnsi, which agrees with Latin-1 for these letters.
    let page = latin1(&page);
    let mut stream = format!("<< /Length {} >>\nstream\n", page.len()).into_bytes();
    stream.extend(page);
    stream.extend(b"\nendstream");
    let objects: [Vec<u8>; 5] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
          /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        stream,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = String::from("0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        let _ = writeln!(places, "{:010} 00000 n ", file.len());
        file.extend(format!("{} 0 obj\n", index + 1).into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let table = file.len();
    file.extend(
        format!("xref\n0 6\n{places}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").into_bytes(),
    );
    file
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}
