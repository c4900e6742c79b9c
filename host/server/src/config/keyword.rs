//! Header keywords: from a key of `when` to the tag that it names.
//!
//! Apart from the sections because the data dictionary is large and this is the only place of the configuration that
//! looks into it.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use isocenter_dicom::Tag;

use super::reader::nearest;

/// Groups in which a mistyped keyword is looked for; what else there is, nobody routes by.
const COMMON_GROUPS: [u16; 10] = [
    0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0028, 0x0032, 0x0038, 0x0040, 0x0054,
];

/// Words of one keyword that are tried in capitals; more than this no keyword has as abbreviations.
const MOST_WORDS: u32 = 8;

/// The tag of a keyword, written as in PS3.6 (`StudyDescription`) or in lower case with dashes (`study-description`,
/// `sop-class-uid`).
pub(super) fn tag_of(key: &str) -> Option<Tag> {
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
