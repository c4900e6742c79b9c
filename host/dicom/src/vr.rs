//! What a value representation says about bytes (PS3.5 §6.2, §7.1.2).
//!
//! Separate from `dicom_core::VR`, which names the representations: here stand the facts that reading and writing need,
//! and reading the two VR bytes of an element without going through text, which is done for each element.

use crate::VR;

/// The VR named by the two bytes of an explicit element header.
pub(crate) fn from_bytes(bytes: [u8; 2]) -> Option<VR> {
    Some(match &bytes {
        b"AE" => VR::AE,
        b"AS" => VR::AS,
        b"AT" => VR::AT,
        b"CS" => VR::CS,
        b"DA" => VR::DA,
        b"DS" => VR::DS,
        b"DT" => VR::DT,
        b"FD" => VR::FD,
        b"FL" => VR::FL,
        b"IS" => VR::IS,
        b"LO" => VR::LO,
        b"LT" => VR::LT,
        b"OB" => VR::OB,
        b"OD" => VR::OD,
        b"OF" => VR::OF,
        b"OL" => VR::OL,
        b"OV" => VR::OV,
        b"OW" => VR::OW,
        b"PN" => VR::PN,
        b"SH" => VR::SH,
        b"SL" => VR::SL,
        b"SQ" => VR::SQ,
        b"SS" => VR::SS,
        b"ST" => VR::ST,
        b"SV" => VR::SV,
        b"TM" => VR::TM,
        b"UC" => VR::UC,
        b"UI" => VR::UI,
        b"UL" => VR::UL,
        b"UN" => VR::UN,
        b"UR" => VR::UR,
        b"US" => VR::US,
        b"UT" => VR::UT,
        b"UV" => VR::UV,
        _ => return None,
    })
}

/// Whether the explicit header has two reserved bytes and a length of 32 bits (PS3.5 table 7.1-1).
pub(crate) fn has_long_header(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}

/// How the bytes of a value are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text with `\` between values.
    Values,
    /// Text that is one value, in which `\` is an ordinary character.
    Whole,
    /// Signed integers of so many bytes.
    Signed(usize),
    /// Unsigned integers of so many bytes.
    Unsigned(usize),
    /// Floating point numbers of so many bytes.
    Real(usize),
    /// Tags.
    Tags,
    /// Units of so many bytes that are handed on undecoded.
    Binary(usize),
    /// Items.
    Items,
}

/// The form of values of this VR.
pub(crate) fn form(vr: VR) -> Form {
    match vr {
        VR::AE
        | VR::AS
        | VR::CS
        | VR::DA
        | VR::DS
        | VR::DT
        | VR::IS
        | VR::LO
        | VR::PN
        | VR::SH
        | VR::TM
        | VR::UC
        | VR::UI => Form::Values,
        VR::LT | VR::ST | VR::UR | VR::UT => Form::Whole,
        VR::SS => Form::Signed(2),
        VR::SL => Form::Signed(4),
        VR::SV => Form::Signed(8),
        VR::US => Form::Unsigned(2),
        VR::UL => Form::Unsigned(4),
        VR::UV => Form::Unsigned(8),
        VR::FL => Form::Real(4),
        VR::FD => Form::Real(8),
        VR::AT => Form::Tags,
        VR::OW => Form::Binary(2),
        VR::OF | VR::OL => Form::Binary(4),
        VR::OD | VR::OV => Form::Binary(8),
        VR::OB | VR::UN => Form::Binary(1),
        VR::SQ => Form::Items,
        // `VR` may grow; a representation that this program does not know is bytes.
        #[expect(unreachable_patterns, reason = "the enumeration of the library may grow")]
        _ => Form::Binary(1),
    }
}

/// Whether text of this VR is in the data set's Specific Character Set (PS3.5 §6.1.2.2); other text is ASCII.
pub(crate) fn uses_character_set(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT)
}

/// Takes the padding off one value (PS3.5 §6.2: where leading spaces mean nothing, they go too; NUL pads UIDs by the
/// standard and anything in practice).
pub(crate) fn trim(vr: VR, value: &str) -> &str {
    let value = value.trim_end_matches(['\0', ' ']);
    match vr {
        VR::AE | VR::AS | VR::CS | VR::DS | VR::IS | VR::LO | VR::SH | VR::UI | VR::DA | VR::TM | VR::DT => {
            value.trim_start_matches(' ')
        }
        _ => value,
    }
}
