//! Text in the character sets that DICOM allows (PS3.3 §C.12.1.1.2, PS3.5 §6.1).
//!
//! A data set names its character sets in Specific Character Set (0008,0005). One name: the bytes are in that set, and
//! tables of the Encoding Standard decode them. Several: the bytes switch between sets by ISO 2022 escape sequences and
//! fall back to the first at every delimiter, which no general library knows; that is in `iso2022`.
//!
//! Decoding never fails. Bytes that mean nothing become U+FFFD. Bytes beyond ASCII where no character set (or an unknown
//! one) is declared are read as UTF-8 if they are UTF-8, else as Latin-1: objects in service are one or the other.

mod iso2022;

use encoding_rs as enc;
use std::borrow::Cow;

/// What ends the effect of an ISO 2022 escape sequence, besides control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiters {
    /// Nothing: LT, ST, UT.
    None,
    /// `\`: LO, SH, UC.
    Values,
    /// `\`, `^` and `=`: PN.
    Name,
}

impl Delimiters {
    fn contains(self, byte: u8) -> bool {
        match self {
            Self::None => false,
            Self::Values => byte == b'\\',
            Self::Name => matches!(byte, b'\\' | b'^' | b'='),
        }
    }
}

/// The character sets of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharacterSet(Sets);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sets {
    One(Repertoire),
    Switched(iso2022::Sets),
}

/// One character set without code extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repertoire {
    /// ISO_IR 6, nothing, or something unknown.
    Default,
    Latin1,
    Utf8,
    /// ISO_IR 13: ASCII and half-width katakana.
    Katakana,
    Table(&'static enc::Encoding),
}

impl Default for CharacterSet {
    fn default() -> Self {
        Self(Sets::One(Repertoire::Default))
    }
}

impl CharacterSet {
    /// The sets that a value of Specific Character Set (0008,0005) names. Common misspellings are understood.
    pub fn of(value: &[u8]) -> Self {
        let terms: Vec<String> = value.split(|&b| b == b'\\').map(normal).collect();
        // The three that cannot be extended win wherever they stand (PS3.3 §C.12.1.1.2).
        let alone = terms.iter().find_map(|term| match term.as_str() {
            "ISOIR192" | "UTF8" => Some(Repertoire::Utf8),
            "GB18030" => Some(Repertoire::Table(enc::GB18030)),
            "GBK" | "GB2312" => Some(Repertoire::Table(enc::GBK)),
            _ => None,
        });
        if let Some(alone) = alone {
            return Self(Sets::One(alone));
        }
        let switched = terms.len() > 1 || terms.iter().any(|term| term.starts_with("ISO2022"));
        let numbers = terms.iter().map(|term| number(term));
        if switched {
            return Self(Sets::Switched(iso2022::Sets::of(numbers)));
        }
        Self(Sets::One(match numbers.into_iter().next() {
            Some(100) => Repertoire::Latin1,
            Some(13) => Repertoire::Katakana,
            Some(n) => single_byte(n).map_or_else(|| multi_byte(n), Repertoire::Table),
            None => Repertoire::Default,
        }))
    }

    /// Decodes a whole value, delimiters included.
    pub fn decode<'a>(&self, bytes: &'a [u8], delimiters: Delimiters) -> Cow<'a, str> {
        if bytes.is_ascii() && !bytes.contains(&iso2022::ESC) {
            return String::from_utf8_lossy(bytes);
        }
        match &self.0 {
            Sets::One(one) => one.decode(bytes),
            Sets::Switched(sets) => Cow::Owned(sets.decode(bytes, delimiters)),
        }
    }

    /// Encodes a whole value, delimiters included; `None` when a character cannot be expressed.
    pub fn encode(&self, text: &str, delimiters: Delimiters) -> Option<Vec<u8>> {
        if text.is_ascii() {
            return Some(text.as_bytes().to_vec());
        }
        match &self.0 {
            Sets::One(one) => one.encode(text),
            Sets::Switched(sets) => sets.encode(text, delimiters),
        }
    }
}

impl Repertoire {
    fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Default => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
            },
            Self::Latin1 => bytes.iter().map(|&b| char::from(b)).collect(),
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Katakana => bytes
                .iter()
                .map(|&b| if b.is_ascii() { char::from(b) } else { katakana(b) })
                .collect(),
            Self::Table(table) => table.decode_without_bom_handling(bytes).0,
        }
    }

    fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Default => None,
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Self::Katakana => text
                .chars()
                .map(|c| u8::try_from(c).ok().filter(u8::is_ascii).or_else(|| from_katakana(c)))
                .collect(),
            Self::Table(table) => {
                let (bytes, _, unmappable) = table.encode(text);
                (!unmappable).then(|| bytes.into_owned())
            }
        }
    }
}

/// Half-width katakana of JIS X 0201, whose codes are 0xA1 to 0xDF.
fn katakana(byte: u8) -> char {
    match byte {
        0xA1..=0xDF => char::from_u32(0xFF61 + u32::from(byte - 0xA1)).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

fn from_katakana(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0xFF61..=0xFF9F => u8::try_from(code - 0xFF61 + 0xA1).ok(),
        _ => None,
    }
}

/// The table of a single-byte set by its ISO-IR number. Latin-1 is not among them: the Encoding Standard puts
/// Windows-1252 in its place.
fn single_byte(number: u16) -> Option<&'static enc::Encoding> {
    Some(match number {
        101 => enc::ISO_8859_2,
        109 => enc::ISO_8859_3,
        110 => enc::ISO_8859_4,
        126 => enc::ISO_8859_7,
        127 => enc::ISO_8859_6,
        138 => enc::ISO_8859_8,
        144 => enc::ISO_8859_5,
        148 => enc::WINDOWS_1254,
        166 => enc::WINDOWS_874,
        203 => enc::ISO_8859_15,
        _ => return None,
    })
}

/// Multi-byte sets that may only extend another, when they stand alone nevertheless.
fn multi_byte(number: u16) -> Repertoire {
    match number {
        149 => Repertoire::Table(enc::EUC_KR),
        58 => Repertoire::Table(enc::GBK),
        _ => Repertoire::Default,
    }
}

/// `ISO 2022 IR 87`, `iso_2022-ir_87` and the like, without case and punctuation.
fn normal(term: &[u8]) -> String {
    term.iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .map(|b| char::from(b.to_ascii_uppercase()))
        .collect()
}

/// The ISO-IR number at the end of a normalized term; 6, the default repertoire, for anything else.
fn number(term: &str) -> u16 {
    term.strip_prefix("ISO2022IR")
        .or_else(|| term.strip_prefix("ISOIR"))
        .and_then(|n| n.parse().ok())
        .unwrap_or(6)
}

#[cfg(test)]
mod tests;
