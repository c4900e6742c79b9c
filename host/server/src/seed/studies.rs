//! The sample studies: what each object says about itself.
//!
//! Invented people, in the scripts that real names have. UIDs are derived from labels, so every run makes the same
//! objects, byte for byte, and a host that gets them twice stores them once.

use bytes::Bytes;
use dicom_dictionary_std::tags;
use isocenter_dicom::VR;

use super::data_set::{CharacterSet, DataSet};
use super::{phantom, report};

/// One sample, encoded as Explicit VR Little Endian.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Study and number, for people: `ct-thorax/series-2/017`.
    pub label: String,
    /// SOP Class UID.
    pub sop_class: &'static str,
    /// SOP Instance UID.
    pub sop_instance: String,
    /// Series Instance UID.
    pub series: String,
    /// Study Instance UID.
    pub study: String,
    /// The data set, without file meta information.
    pub data_set: Bytes,
}

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const US_MULTI_FRAME: &str = "1.2.840.10008.5.1.4.1.1.3.1";
const CR: &str = "1.2.840.10008.5.1.4.1.1.1";
const DX: &str = "1.2.840.10008.5.1.4.1.1.1.1";
const TEXT_REPORT: &str = "1.2.840.10008.5.1.4.1.1.88.11";
const PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";

/// A UID under 2.25 (PS3.5 §B.2) that depends on the label alone.
pub(super) fn uid(label: &str) -> String {
    let hash = blake3::derive_key("isocenter sample uid 1", label.as_bytes());
    let number = hash
        .iter()
        .take(16)
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    // A UUID of version 8 (one's own scheme), variant 1.
    let uuid = number & !(0xF << 76) & !(0b11 << 62) | 8 << 76 | 0b10 << 62;
    format!("2.25.{uuid}")
}

/// What all objects of a study have in common.
struct Study {
    label: &'static str,
    characters: CharacterSet,
    common: DataSet,
    date: &'static str,
}

/// What differs between studies.
struct About {
    label: &'static str,
    characters: CharacterSet,
    name: &'static str,
    id: &'static str,
    born: &'static str,
    sex: &'static str,
    age: &'static str,
    date: &'static str,
    time: &'static str,
    accession: &'static str,
    description: &'static str,
    institution: &'static str,
    referring: &'static str,
}

impl Study {
    fn new(about: &About) -> Self {
        let common = DataSet::new()
            .text(tags::STUDY_DATE, about.date)
            .text(tags::STUDY_TIME, about.time)
            .text(tags::CONTENT_DATE, about.date)
            .text(tags::CONTENT_TIME, about.time)
            .text(tags::ACCESSION_NUMBER, about.accession)
            .text(tags::MANUFACTURER, "Isocenter Samples")
            .text(tags::INSTITUTION_NAME, about.institution)
            .text(tags::REFERRING_PHYSICIAN_NAME, about.referring)
            .text(tags::STUDY_DESCRIPTION, about.description)
            .text(tags::MANUFACTURER_MODEL_NAME, "Phantom")
            .text(tags::PATIENT_NAME, about.name)
            .text(tags::PATIENT_ID, about.id)
            .text(tags::ISSUER_OF_PATIENT_ID, "ISOCENTER-SAMPLES")
            .text(tags::PATIENT_BIRTH_DATE, about.born)
            .text(tags::PATIENT_SEX, about.sex)
            .text(tags::PATIENT_AGE, about.age)
            .text(tags::DEVICE_SERIAL_NUMBER, "S-0001")
            .text(tags::SOFTWARE_VERSIONS, "1")
            .text(tags::STUDY_INSTANCE_UID, uid(about.label))
            .text(tags::STUDY_ID, about.accession.get(..5).unwrap_or(about.accession));
        Self {
            label: about.label,
            characters: about.characters,
            common,
            date: about.date,
        }
    }

    fn series(&self, number: u32, modality: &str, time: &str, description: &str) -> Series<'_> {
        let uid = uid(&format!("{}/{number}", self.label));
        let common = DataSet::new()
            .text(tags::MODALITY, modality)
            .text(tags::SERIES_DATE, self.date)
            .text(tags::SERIES_TIME, time)
            .text(tags::SERIES_DESCRIPTION, description)
            .text(tags::SERIES_INSTANCE_UID, uid.clone())
            .text(tags::SERIES_NUMBER, number.to_string());
        Series {
            study: self,
            number,
            uid,
            common,
        }
    }
}

struct Series<'a> {
    study: &'a Study,
    number: u32,
    uid: String,
    common: DataSet,
}

impl Series<'_> {
    fn uid_of(&self, number: u32) -> String {
        uid(&format!("{}/{}/{number}", self.study.label, self.number))
    }

    fn object(&self, sop_class: &'static str, number: u32, own: DataSet) -> Sample {
        let sop_instance = self.uid_of(number);
        let data_set = self
            .study
            .common
            .clone()
            .and(self.common.clone())
            .text(tags::SOP_CLASS_UID, sop_class)
            .text(tags::SOP_INSTANCE_UID, sop_instance.clone())
            .text(tags::INSTANCE_NUMBER, number.to_string())
            .and(own);
        Sample {
            label: format!("{}/series-{}/{number:03}", self.study.label, self.number),
            sop_class,
            sop_instance,
            series: self.uid.clone(),
            study: uid(self.study.label),
            data_set: data_set.encode(self.study.characters).into(),
        }
    }
}

/// Grey pixels in 16 bits, 12 of them used.
fn grey16(columns: u16, rows: u16, pixels: Vec<u8>) -> DataSet {
    DataSet::new()
        .short(tags::SAMPLES_PER_PIXEL, &[1])
        .text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
        .short(tags::ROWS, &[rows])
        .short(tags::COLUMNS, &[columns])
        .short(tags::BITS_ALLOCATED, &[16])
        .short(tags::BITS_STORED, &[12])
        .short(tags::HIGH_BIT, &[11])
        .short(tags::PIXEL_REPRESENTATION, &[0])
        .bytes(tags::PIXEL_DATA, VR::OW, pixels)
}

/// Every sample, study by study; about 22 MB in all.
pub fn all() -> Vec<Sample> {
    let mut samples = ct();
    samples.extend(mr());
    samples.extend(us());
    samples.extend(dx());
    samples.extend(cr());
    samples
}

/// 40 slices of a thorax with contrast medium.
fn ct() -> Vec<Sample> {
    const SLICES: usize = 40;
    let study = Study::new(&About {
        label: "ct-thorax",
        characters: CharacterSet::Latin1,
        name: "Müller^Jürgen^^Dr.",
        id: "ISO-0001",
        born: "19580314",
        sex: "M",
        age: "065Y",
        date: "20240312",
        time: "091530",
        accession: "A2400311",
        description: "CT Thorax mit Kontrastmittel",
        institution: "Klinikum Musterstadt",
        referring: "Schäfer^Käthe^^Dr.",
    });
    let series = study.series(2, "CT", "091912", "Thorax axial 6 mm");
    let frame = uid("ct-thorax frame of reference");
    (0..SLICES)
        .map(|slice| {
            let z = -6.0 * slice as f64;
            let own = DataSet::new()
                .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL")
                .text(tags::ACQUISITION_DATE, "20240312")
                .text(tags::ACQUISITION_TIME, "091914.250")
                .text(tags::CONTRAST_BOLUS_AGENT, "Iomeprol 350")
                .text(tags::BODY_PART_EXAMINED, "CHEST")
                .text(tags::SCAN_OPTIONS, "HELIX")
                .text(tags::SLICE_THICKNESS, "6")
                .text(tags::KVP, "120")
                .text(tags::PROTOCOL_NAME, "Thorax KM")
                .text(tags::RECONSTRUCTION_DIAMETER, "400")
                .text(tags::X_RAY_TUBE_CURRENT, "210")
                .text(tags::EXPOSURE_TIME, "500")
                .text(tags::CONVOLUTION_KERNEL, "B40f")
                .text(tags::PATIENT_POSITION, "HFS")
                .text(tags::FRAME_OF_REFERENCE_UID, frame.clone())
                .empty(tags::POSITION_REFERENCE_INDICATOR)
                .text(tags::ACQUISITION_NUMBER, "1")
                .text(tags::IMAGE_POSITION_PATIENT, format!("-200\\-200\\{z}"))
                .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0")
                .text(tags::SLICE_LOCATION, z.to_string())
                .text(tags::PIXEL_SPACING, "1.5625\\1.5625")
                .text(tags::WINDOW_CENTER, "40\\-600")
                .text(tags::WINDOW_WIDTH, "400\\1500")
                .text(tags::WINDOW_CENTER_WIDTH_EXPLANATION, "MEDIASTINUM\\LUNG")
                .text(tags::RESCALE_INTERCEPT, "-1024")
                .text(tags::RESCALE_SLOPE, "1")
                .text(tags::RESCALE_TYPE, "HU")
                .and(grey16(256, 256, phantom::chest_ct(256, slice, SLICES)));
            series.object(CT, slice as u32 + 1, own)
        })
        .collect()
}

/// Two series of a head.
fn mr() -> Vec<Sample> {
    const SLICES: usize = 20;
    let study = Study::new(&About {
        label: "mr-brain",
        characters: CharacterSet::Utf8,
        name: "Yamada^Tarou=山田^太郎=やまだ^たろう",
        id: "ISO-0002",
        born: "19720821",
        sex: "M",
        age: "051Y",
        date: "20240405",
        time: "143005",
        accession: "B2400172",
        description: "頭部MRI 単純",
        institution: "サンプル病院",
        referring: "Suzuki^Hanako=鈴木^花子=すずき^はなこ",
    });
    let frame = uid("mr-brain frame of reference");
    let sequences = [
        (3, "143412", "T1 SE axial", phantom::T1, ("550", "12", "70"), "SE"),
        (
            5,
            "144120",
            "FLAIR axial",
            phantom::FLAIR,
            ("9000", "110", "150"),
            "SE\\IR",
        ),
    ];
    let mut samples = Vec::new();
    for (number, time, description, look, (repetition, echo, flip), kind) in sequences {
        let series = study.series(number, "MR", time, description);
        for slice in 0..SLICES {
            let z = -58.0 + 6.0 * slice as f64;
            let mut own = DataSet::new()
                .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\OTHER")
                .text(tags::ACQUISITION_DATE, "20240405")
                .text(tags::ACQUISITION_TIME, time)
                .text(tags::BODY_PART_EXAMINED, "HEAD")
                .text(tags::SCANNING_SEQUENCE, kind)
                .text(tags::SEQUENCE_VARIANT, "SK\\SP")
                .empty(tags::SCAN_OPTIONS)
                .text(tags::MR_ACQUISITION_TYPE, "2D")
                .text(tags::SEQUENCE_NAME, if number == 3 { "*se2d1" } else { "*tir2d1_19" })
                .text(tags::SLICE_THICKNESS, "5")
                .text(tags::REPETITION_TIME, repetition)
                .text(tags::ECHO_TIME, echo)
                .text(tags::IMAGING_FREQUENCY, "63.87")
                .text(tags::IMAGED_NUCLEUS, "1H")
                .text(tags::MAGNETIC_FIELD_STRENGTH, "1.5")
                .text(tags::SPACING_BETWEEN_SLICES, "6")
                .text(tags::ECHO_TRAIN_LENGTH, if number == 3 { "1" } else { "19" })
                .text(tags::FLIP_ANGLE, flip)
                .text(tags::PATIENT_POSITION, "HFS")
                .text(tags::FRAME_OF_REFERENCE_UID, frame.clone())
                .empty(tags::POSITION_REFERENCE_INDICATOR)
                .text(tags::IMAGE_POSITION_PATIENT, format!("-115\\-115\\{z}"))
                .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0")
                .text(tags::SLICE_LOCATION, z.to_string())
                .text(tags::PIXEL_SPACING, "0.8984375\\0.8984375")
                .text(tags::WINDOW_CENTER, "500")
                .text(tags::WINDOW_WIDTH, "1000")
                .and(grey16(256, 256, phantom::brain_mr(256, slice, SLICES, look)));
            if number == 5 {
                own = own.text(tags::INVERSION_TIME, "2500");
            }
            samples.push(series.object(MR, slice as u32 + 1, own));
        }
    }
    samples
}

/// A beating heart in colour: one object of 30 frames.
fn us() -> Vec<Sample> {
    const FRAMES: usize = 30;
    const COLUMNS: u16 = 320;
    const ROWS: u16 = 240;
    let study = Study::new(&About {
        label: "us-heart",
        characters: CharacterSet::Utf8,
        name: "Nguyễn^Thị Hoa",
        id: "ISO-0003",
        born: "19850209",
        sex: "F",
        age: "039Y",
        date: "20240518",
        time: "101200",
        accession: "C2400088",
        description: "Echocardiography",
        institution: "Sample Heart Centre",
        referring: "O'Brien^Siobhán^^Dr",
    });
    let series = study.series(1, "US", "101530", "Apical four chamber, colour Doppler");
    let pixels = (0..FRAMES)
        .flat_map(|frame| phantom::heart_us(usize::from(COLUMNS), usize::from(ROWS), frame, FRAMES))
        .collect();
    let region = DataSet::new()
        .short(tags::REGION_SPATIAL_FORMAT, &[1])
        .short(tags::REGION_DATA_TYPE, &[2])
        .long(tags::REGION_FLAGS, &[0])
        .long(tags::REGION_LOCATION_MIN_X0, &[0])
        .long(tags::REGION_LOCATION_MIN_Y0, &[0])
        .long(tags::REGION_LOCATION_MAX_X1, &[u32::from(COLUMNS) - 1])
        .long(tags::REGION_LOCATION_MAX_Y1, &[u32::from(ROWS) - 1])
        .short(tags::PHYSICAL_UNITS_X_DIRECTION, &[3])
        .short(tags::PHYSICAL_UNITS_Y_DIRECTION, &[3])
        .double(tags::PHYSICAL_DELTA_X, 0.05)
        .double(tags::PHYSICAL_DELTA_Y, 0.067);
    let own = DataSet::new()
        .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\TTE\\0010")
        .text(tags::BODY_PART_EXAMINED, "HEART")
        .text(tags::ACQUISITION_DATE_TIME, "20240518101530")
        .items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![region])
        .text(tags::FRAME_TIME, "33.33")
        .text(tags::CINE_RATE, "30")
        .text(tags::RECOMMENDED_DISPLAY_FRAME_RATE, "30")
        .text(tags::START_TRIM, "1")
        .text(tags::STOP_TRIM, FRAMES.to_string())
        .text(tags::EFFECTIVE_DURATION, "1")
        .text(tags::HEART_RATE, "62")
        .empty(tags::PATIENT_ORIENTATION)
        .short(tags::SAMPLES_PER_PIXEL, &[3])
        .text(tags::PHOTOMETRIC_INTERPRETATION, "RGB")
        .short(tags::PLANAR_CONFIGURATION, &[0])
        .text(tags::NUMBER_OF_FRAMES, FRAMES.to_string())
        .pointer(tags::FRAME_INCREMENT_POINTER, tags::FRAME_TIME)
        .short(tags::ROWS, &[ROWS])
        .short(tags::COLUMNS, &[COLUMNS])
        .short(tags::ULTRASOUND_COLOR_DATA_PRESENT, &[1])
        .short(tags::BITS_ALLOCATED, &[8])
        .short(tags::BITS_STORED, &[8])
        .short(tags::HIGH_BIT, &[7])
        .short(tags::PIXEL_REPRESENTATION, &[0])
        .text(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .bytes(tags::PIXEL_DATA, VR::OB, pixels);
    vec![series.object(US_MULTI_FRAME, 1, own)]
}

/// A thorax from the front and the side, with its report as a structured report and as a PDF.
fn dx() -> Vec<Sample> {
    const SIZE: u16 = 1024;
    let study = Study::new(&About {
        label: "dx-thorax",
        characters: CharacterSet::Latin1,
        name: "García López^María José",
        id: "ISO-0004",
        born: "19910630",
        sex: "F",
        age: "032Y",
        date: "20240603",
        time: "080210",
        accession: "D2400419",
        description: "RX tórax PA y lateral",
        institution: "Hospital de Muestra",
        referring: "Núñez^Andrés^^Dr.",
    });
    let images = study.series(1, "DX", "080400", "Tórax");
    let views = [
        (1, "PA", false, ("399348003", "postero-anterior"), "R\\F"),
        (2, "LL", true, ("399173006", "left lateral"), "A\\F"),
    ];
    let mut samples: Vec<Sample> = views
        .into_iter()
        .map(|(number, view, lateral, (code, meaning), orientation)| {
            let anatomy = report::code("51185008", "SCT", "Chest");
            let own = DataSet::new()
                .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\")
                .text(tags::ACQUISITION_DATE, "20240603")
                .text(tags::ACQUISITION_TIME, "080410")
                .text(tags::PRESENTATION_INTENT_TYPE, "FOR PRESENTATION")
                .text(tags::BODY_PART_EXAMINED, "CHEST")
                .text(tags::KVP, "125")
                .text(tags::EXPOSURE, "2")
                .text(tags::DETECTOR_TYPE, "SCINTILLATOR")
                .text(tags::DETECTOR_CONFIGURATION, "AREA")
                .text(tags::POSITIONER_TYPE, "COLUMN")
                .text(tags::VIEW_POSITION, view)
                .text(tags::PATIENT_ORIENTATION, orientation)
                .text(tags::IMAGE_LATERALITY, "U")
                .text(tags::IMAGER_PIXEL_SPACING, "0.39\\0.39")
                .text(tags::PIXEL_SPACING, "0.39\\0.39")
                .items(tags::ANATOMIC_REGION_SEQUENCE, vec![anatomy])
                .items(
                    tags::VIEW_CODE_SEQUENCE,
                    vec![report::code(code, "SCT", meaning).items(tags::VIEW_MODIFIER_CODE_SEQUENCE, Vec::new())],
                )
                .items(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new())
                .text(tags::BURNED_IN_ANNOTATION, "NO")
                .text(tags::LOSSY_IMAGE_COMPRESSION, "00")
                .text(tags::PIXEL_INTENSITY_RELATIONSHIP, "LOG")
                .bytes(
                    tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN,
                    VR::SS,
                    (-1_i16).to_le_bytes().to_vec(),
                )
                .text(tags::RESCALE_INTERCEPT, "0")
                .text(tags::RESCALE_SLOPE, "1")
                .text(tags::RESCALE_TYPE, "US")
                .text(tags::PRESENTATION_LUT_SHAPE, "IDENTITY")
                .text(tags::WINDOW_CENTER, "2200")
                .text(tags::WINDOW_WIDTH, "2800")
                .and(grey16(SIZE, SIZE, phantom::chest_dx(usize::from(SIZE), lateral)));
            images.object(DX, number, own)
        })
        .collect();
    let seen: Vec<String> = samples.iter().map(|image| image.sop_instance.clone()).collect();
    let text = study.series(2, "SR", "093100", "Informe");
    let references = report::Evidence {
        study: uid(study.label),
        series: images.uid.clone(),
        sop_class: DX,
        objects: seen,
    };
    samples.push(text.object(TEXT_REPORT, 1, report::basic_text(&references)));
    let document = study.series(3, "DOC", "093500", "Informe (PDF)");
    samples.push(document.object(PDF, 1, report::encapsulated_pdf(&references)));
    samples
}

/// A hand.
fn cr() -> Vec<Sample> {
    let (columns, rows) = (640, 800);
    let study = Study::new(&About {
        label: "cr-hand",
        characters: CharacterSet::Latin1,
        name: "Smith^John",
        id: "ISO-0005",
        born: "20100917",
        sex: "M",
        age: "013Y",
        date: "20240603",
        time: "161000",
        accession: "E2400933",
        description: "Hand left",
        institution: "Sample General Hospital",
        referring: "Jones^Mary^^Dr",
    });
    let series = study.series(1, "CR", "161210", "Hand PA");
    let own = DataSet::new()
        .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY")
        .text(tags::BODY_PART_EXAMINED, "HAND")
        .text(tags::VIEW_POSITION, "PA")
        .text(tags::LATERALITY, "L")
        .text(tags::KVP, "50")
        .text(tags::PLATE_ID, "P07")
        .text(tags::PATIENT_ORIENTATION, "R\\F")
        .text(tags::IMAGER_PIXEL_SPACING, "0.3\\0.3")
        .text(tags::WINDOW_CENTER, "1200")
        .text(tags::WINDOW_WIDTH, "2400")
        .and(grey16(
            columns,
            rows,
            phantom::hand_cr(usize::from(columns), usize::from(rows)),
        ));
    vec![series.object(CR, 1, own)]
}
