//! Media types as DICOMweb clients write them, in `Accept`, `Content-Type` and the `accept` query parameter.
//!
//! Separate because three doors read them and clients disagree about the grammar: RFC 9110 wants
//! `type="application/dicom"` quoted, browsers' viewers send it bare, some add spaces. All of it is read; nothing here
//! decides what is offered (see [`crate::accept`]).

/// One media type with its parameters: names in lower case, values unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads one media type; `None` when there is no `type/subtype` in it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut pieces = split_outside_quotes(text, ';').into_iter();
        let essence = pieces.next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || essence.contains(char::is_whitespace) {
            return None;
        }
        let parameters = pieces
            .filter_map(|piece| {
                let (name, value) = piece.split_once('=')?;
                Some((name.trim().to_ascii_lowercase(), unquoted(value.trim())))
            })
            .collect();
        Some(Self { essence, parameters })
    }

    /// Reads a comma-separated list; what is not a media type is left out.
    pub(crate) fn list(text: &str) -> Vec<Self> {
        split_outside_quotes(text, ',')
            .into_iter()
            .filter_map(Self::parse)
            .collect()
    }

    /// `type/subtype`, in lower case.
    pub(crate) fn essence(&self) -> &str {
        &self.essence
    }

    /// A parameter's value, by its name in lower case; the first one when it is repeated.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The weight `q` in thousandths: 1000 when absent or unreadable, as RFC 9110 §12.4.2 has it.
    pub(crate) fn weight(&self) -> u32 {
        self.parameter("q").and_then(thousandths).unwrap_or(1000)
    }
}

/// `0`, `1`, or up to three decimals between them, in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().ok()?;
    if decimals.len() > 3 {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<3}").parse().ok()?;
    Some(whole.checked_mul(1000)?.checked_add(decimals)?.min(1000))
}

/// Splits at `separator`, but not inside a quoted string.
fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => {
                pieces.extend(text.get(start..at));
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    pieces.extend(text.get(start..));
    pieces
}

/// A parameter's value without its quotes and their escapes.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => plain.extend(characters.next()),
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
