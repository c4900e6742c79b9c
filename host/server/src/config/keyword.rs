//! Header keywords: from a key of `when` to the tag that it names, and what values stand there.
//!
//! Apart from the sections because the data dictionary is large and this is the only place of the configuration that
//! looks into it.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use isocenter_dicom::{Tag, VR};
use isocenter_pipeline::chain::Quantity;

use super::reader::nearest;

/// Groups in which a mistyped keyword is looked for; what else there is, nobody routes by.
const COMMON_GROUPS: [u16; 10] = [
    0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0028, 0x0032, 0x0038, 0x0040, 0x0054,
];

/// Words of one keyword that are tried in capitals; more than this no keyword has as abbreviations.
const MOST_WORDS: u32 = 8;

/// What patterns can say of an element's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// They have an order of their own.
    Ordered(Quantity),
    /// Free text, which may hold anything.
    Text,
    /// Words, names, UIDs and ages.
    Unordered,
    /// There are none: it is a sequence.
    Items,
    /// Nothing: they are bytes.
    Binary,
}

/// How the values of an element are ordered; `None` for private elements, and others that the dictionary does not have.
pub(super) fn values_of(tag: Tag) -> Option<Values> {
    if tag.group() % 2 == 1 {
        return None;
    }
    Some(match StandardDataDictionary.by_tag(tag)?.vr().relaxed() {
        VR::DS | VR::IS | VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD => {
            Values::Ordered(Quantity::Number)
        }
        VR::DA | VR::DT => Values::Ordered(Quantity::Date),
        VR::TM => Values::Ordered(Quantity::Time),
        VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT => Values::Text,
        VR::SQ => Values::Items,
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => Values::Binary,
        VR::AE | VR::AS | VR::AT | VR::CS | VR::PN | VR::UI | VR::UR => Values::Unordered,
    })
}

/// Whether an element is part of a message or of a file's own group, or comes with or after the pixel data.
pub(super) fn is_outside_header(tag: Tag) -> bool {
    tag.group() < 0x0008 || tag >= Tag(0x7FE0, 0x0008)
}

/// The tag of a key: `0008,0060`, or a keyword, written as in PS3.6 (`StudyDescription`) or in lower case with dashes
/// (`study-description`, `sop-class-uid`).
pub(super) fn tag_of(key: &str) -> Option<Tag> {
    if let Some((group, element)) = key.split_once(',') {
        return Some(Tag(four_digits(group)?, four_digits(element)?));
    }
    if let Some(entry) = StandardDataDictionary.by_name(key) {
        return Some(entry.tag());
    }
    let words: Vec<&str> = key.split('-').collect();
    let count = u32::try_from(words.len()).ok().filter(|count| *count <= MOST_WORDS)?;
    // Each word is either capitalised or an abbreviation in capitals.
    (0..1_u32 << count).find_map(|capitals| {
        let keyword: String = words
            .iter()
            .enumerate()
            .map(|(index, word)| {
                if capitals >> index & 1 == 1 {
                    word.to_ascii_uppercase()
                } else {
                    capitalised(word)
                }
            })
            .collect();
        StandardDataDictionary.by_name(&keyword).map(DataDictionaryEntry::tag)
    })
}

/// The keyword, with dashes, that `key` may have been meant to be.
pub(super) fn meant_by(key: &str) -> Option<String> {
    let known: Vec<String> = COMMON_GROUPS
        .iter()
        .flat_map(|group| (0..=u16::MAX).map(|element| Tag(*group, element)))
        .filter_map(|tag| StandardDataDictionary.by_tag(tag))
        .map(|entry| dashed(entry.alias()))
        .collect();
    let by_dashes = dashed(key);
    nearest(&by_dashes, known.iter().map(String::as_str)).map(str::to_owned)
}

fn four_digits(text: &str) -> Option<u16> {
    let right = text.len() == 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
    right.then(|| u16::from_str_radix(text, 16).ok())?
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

/// `SOPClassUID` → `sop-class-uid`.
fn dashed(keyword: &str) -> String {
    let letters: Vec<char> = keyword.chars().collect();
    let mut dashed = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let starts_word = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && letters.get(index + 1).is_some_and(char::is_ascii_lowercase))
            });
        if starts_word {
            dashed.push('-');
        }
        dashed.push(letter.to_ascii_lowercase());
    }
    dashed
}
