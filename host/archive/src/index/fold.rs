//! How text is compared. Person names match without regard to case and accents (PS3.4 §C.2.2.2.1 allows it, people expect
//! it); everything else matches exactly. Separate because what is stored and what is asked must be folded by the same code.

use unicode_normalization::UnicodeNormalization;

/// Longest searchable text, in characters: an index row has room for four bytes of each. The standard's longest is 64.
pub(super) const LONGEST: usize = 256;

/// A person name by component group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) alphabetic: Option<String>,
    pub(super) ideographic: Option<String>,
    pub(super) phonetic: Option<String>,
}

impl Name {
    /// All words of all groups, each after a space, so that one begins with `x` where the text contains ` x`.
    pub(super) fn words(&self) -> Option<String> {
        let mut words = String::new();
        for group in [&self.alphabetic, &self.ideographic, &self.phonetic]
            .into_iter()
            .flatten()
        {
            for word in split(group) {
                words.push(' ');
                words.push_str(word);
            }
        }
        (!words.is_empty()).then_some(words)
    }
}

/// The words of a folded name.
pub(super) fn split(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(['^', ' ', '=', ',', '.', '-', '\''])
        .filter(|word| !word.is_empty())
}

/// A component group of a person name, folded: lower case, without accents, without empty components at its end, with single
/// spaces. `None` when nothing is left.
pub(super) fn name(text: &str) -> Option<String> {
    let folded = fold(text);
    let mut out = String::with_capacity(folded.len());
    for component in folded.split('^') {
        if !out.is_empty() || component.as_ptr() != folded.as_ptr() {
            out.push('^');
        }
        let mut words = component.split_whitespace();
        if let Some(first) = words.next() {
            out.push_str(first);
        }
        for word in words {
            out.push(' ');
            out.push_str(word);
        }
    }
    out.truncate(out.trim_end_matches('^').len());
    short(out)
}

/// Other text: as it is, but for what no database column can hold, and surrounding spaces.
pub(super) fn exact(text: &str) -> Option<String> {
    let text = text.trim_matches([' ', '\0']);
    if text.contains('\0') {
        short(text.replace('\0', ""))
    } else {
        short(text.to_owned())
    }
}

fn short(mut text: String) -> Option<String> {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
    }
    (!text.is_empty()).then_some(text)
}

fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text
            .chars()
            .filter(|c| *c != '\0')
            .map(|c| c.to_ascii_lowercase())
            .collect();
    }
    let mut out = String::with_capacity(text.len());
    // Only the marks of the Latin, Greek and Cyrillic scripts are accents; in kana they make another letter. What was taken
    // apart and is not an accent is put together again.
    for c in text
        .chars()
        .filter(|c| *c != '\0')
        .nfkd()
        .filter(|c| !matches!(c, '\u{300}'..='\u{36f}'))
        .nfc()
    {
        match c {
            'ß' | 'ẞ' => out.push_str("ss"),
            'æ' | 'Æ' => out.push_str("ae"),
            'œ' | 'Œ' => out.push_str("oe"),
            'ø' | 'Ø' => out.push('o'),
            'đ' | 'Đ' => out.push('d'),
            'ł' | 'Ł' => out.push('l'),
            'ı' => out.push('i'),
            _ => out.extend(c.to_lowercase()),
        }
    }
    out
}

#[cfg(test)]
mod tests;
