//! Attribute keywords (PS3.6): what people write in configurations.
//!
//! Separate because it is a table of 5,000 rows; a plugin that does not call it does not contain it.

use crate::Tag;

/// One attribute a line, `keyword ggggeeee`, sorted by keyword. Repeating groups are left out.
static ATTRIBUTES: &str = include_str!("dictionary.txt");

/// The tag of a keyword (`PatientID`), or of a tag written out (`(0010,0020)`, `0010,0020`, `00100020`).
#[must_use]
pub fn tag(name: &str) -> Option<Tag> {
    let name = name.trim();
    by_keyword(name).or_else(|| written_out(name))
}

/// A binary search over the text itself, so that nothing is built at the start of each call.
fn by_keyword(keyword: &str) -> Option<Tag> {
    let (mut low, mut high) = (0, ATTRIBUTES.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = ATTRIBUTES.get(..middle)?.rfind('\n').map_or(0, |at| at + 1).max(low);
        let end = ATTRIBUTES
            .get(middle..)?
            .find('\n')
            .map_or(ATTRIBUTES.len(), |at| middle + at);
        let (word, tag) = ATTRIBUTES.get(start..end)?.split_once(' ')?;
        match word.cmp(keyword) {
            std::cmp::Ordering::Equal => return u32::from_str_radix(tag, 16).ok().map(Tag),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

fn written_out(name: &str) -> Option<Tag> {
    let digits: String = name.chars().filter(|c| !matches!(c, '(' | ')' | ',' | ' ')).collect();
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(&digits, 16).ok().map(Tag)
}

#[cfg(test)]
mod tests;
