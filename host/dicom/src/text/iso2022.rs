//! Code extension by ISO 2022 escape sequences, as DICOM restricts it (PS3.3 §C.12.1.1.2, PS3.5 §6.1.2.5).
//!
//! Two registers: G0 for bytes below 0x80, G1 for those above. An escape sequence puts a set into one of them; every
//! delimiter and line end puts the first-named sets back. Decoding accepts every sequence that DICOM defines, declared or
//! not; encoding uses only the declared ones.

use super::{Delimiters, from_katakana, katakana, single_byte};
use encoding_rs as enc;

pub(super) const ESC: u8 = 0x1B;

/// What can be in G0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Low {
    Ascii,
    /// JIS X 0201 romaji; read as ASCII, as everybody does.
    Romaji,
    Katakana,
    /// JIS X 0208 kanji, two bytes.
    Kanji,
    /// JIS X 0212 supplementary kanji, two bytes.
    Supplement,
}

/// What can be in G1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum High {
    None,
    Latin1,
    Katakana,
    Table(&'static enc::Encoding),
    /// KS X 1001, two bytes.
    Korean,
    /// GB 2312, two bytes.
    Chinese,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Low(Low),
    High(High),
}

/// The declared sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sets {
    low: Low,
    high: High,
    /// Sets that may be switched to, in the order in which they are named.
    others: Vec<Set>,
}

impl Sets {
    /// From the ISO-IR numbers of the terms, in order.
    pub(super) fn of(numbers: impl Iterator<Item = u16>) -> Self {
        let mut sets = Self {
            low: Low::Ascii,
            high: High::None,
            others: Vec::new(),
        };
        for (position, number) in numbers.take(16).enumerate() {
            let set = match number {
                6 => continue,
                13 => Set::High(High::Katakana),
                58 => Set::High(High::Chinese),
                87 => Set::Low(Low::Kanji),
                100 => Set::High(High::Latin1),
                149 => Set::High(High::Korean),
                159 => Set::Low(Low::Supplement),
                other => match single_byte(other) {
                    Some(table) => Set::High(High::Table(table)),
                    None => continue,
                },
            };
            match set {
                Set::High(high) if position == 0 => {
                    sets.high = high;
                    if high == High::Katakana {
                        sets.low = Low::Romaji;
                    }
                }
                set => sets.others.push(set),
            }
        }
        sets
    }

    /// What G1 holds at first. Some writers leave the escape sequence out where only one set can be meant.
    fn first_high(&self) -> High {
        let mut highs = self.others.iter().filter_map(|set| match set {
            Set::High(high) => Some(*high),
            Set::Low(_) => None,
        });
        match (self.high, highs.next(), highs.next()) {
            (High::None, Some(only), None) => only,
            (high, ..) => high,
        }
    }

    pub(super) fn decode(&self, bytes: &[u8], delimiters: Delimiters) -> String {
        let mut out = String::with_capacity(bytes.len());
        let (mut low, mut high) = (self.low, self.first_high());
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                ESC => match escape(after) {
                    Some((length, set)) => {
                        rest = after.get(length..).unwrap_or_default();
                        match set {
                            Set::Low(set) => low = set,
                            Set::High(set) => high = set,
                        }
                    }
                    None => out.push(char::REPLACEMENT_CHARACTER),
                },
                0x00..=0x20 | 0x7F => {
                    out.push(char::from(byte));
                    if matches!(byte, b'\t' | b'\n' | 0x0C | b'\r') {
                        (low, high) = (self.low, self.first_high());
                    }
                }
                0x21..=0x7E => match low {
                    Low::Ascii | Low::Romaji => {
                        out.push(char::from(byte));
                        if delimiters.contains(byte) {
                            (low, high) = (self.low, self.first_high());
                        }
                    }
                    Low::Katakana => out.push(katakana(byte | 0x80)),
                    Low::Kanji | Low::Supplement => {
                        let second = rest.first().copied().filter(|b| (0x21..=0x7E).contains(b));
                        if second.is_some() {
                            rest = rest.get(1..).unwrap_or_default();
                        }
                        let second = second.unwrap_or(0) | 0x80;
                        let first = byte | 0x80;
                        match low {
                            Low::Supplement => push(enc::EUC_JP, &[0x8F, first, second], &mut out),
                            _ => push(enc::EUC_JP, &[first, second], &mut out),
                        }
                    }
                },
                0x80..=0xFF => match high {
                    High::None | High::Latin1 => out.push(char::from(byte)),
                    High::Katakana => out.push(katakana(byte)),
                    High::Table(table) => push(table, &[byte], &mut out),
                    High::Korean | High::Chinese => {
                        let table = if high == High::Korean { enc::EUC_KR } else { enc::GBK };
                        match rest.first() {
                            Some(&second) if second >= 0x80 => {
                                rest = rest.get(1..).unwrap_or_default();
                                push(table, &[byte, second], &mut out);
                            }
                            _ => out.push(char::REPLACEMENT_CHARACTER),
                        }
                    }
                },
            }
        }
        out
    }

    pub(super) fn encode(&self, text: &str, delimiters: Delimiters) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len() * 2);
        let (mut low, mut high) = (self.low, self.high);
        for c in text.chars() {
            if let Ok(byte) = u8::try_from(c)
                && byte.is_ascii()
            {
                if !matches!(low, Low::Ascii | Low::Romaji) {
                    low = self.low;
                    designate(Set::Low(low), &mut out);
                }
                out.push(byte);
                if delimiters.contains(byte) || matches!(byte, b'\t' | b'\n' | 0x0C | b'\r') {
                    (low, high) = (self.low, self.high);
                }
                continue;
            }
            let current = [Set::High(high), Set::Low(low)];
            let declared = std::iter::once(Set::High(self.high)).chain(self.others.iter().copied());
            let (set, bytes) = current
                .into_iter()
                .chain(declared)
                .find_map(|set| Some((set, code(set, c)?)))?;
            match set {
                Set::High(set) if set != high => {
                    high = set;
                    designate(Set::High(set), &mut out);
                }
                Set::Low(set) if set != low => {
                    low = set;
                    designate(Set::Low(set), &mut out);
                }
                _ => {}
            }
            out.extend_from_slice(&bytes);
        }
        if low != self.low {
            designate(Set::Low(self.low), &mut out);
        }
        Some(out)
    }
}

fn push(table: &'static enc::Encoding, bytes: &[u8], out: &mut String) {
    out.push_str(&table.decode_without_bom_handling(bytes).0);
}

/// The set that the bytes after an ESC designate, and how many bytes those are.
fn escape(after: &[u8]) -> Option<(usize, Set)> {
    let all = [
        Set::Low(Low::Ascii),
        Set::Low(Low::Romaji),
        Set::Low(Low::Katakana),
        Set::Low(Low::Kanji),
        Set::Low(Low::Supplement),
        Set::High(High::Latin1),
        Set::High(High::Katakana),
        Set::High(High::Korean),
        Set::High(High::Chinese),
    ];
    let tables = [101, 109, 110, 126, 127, 138, 144, 148, 166, 203];
    let tables = tables
        .into_iter()
        .filter_map(single_byte)
        .map(|table| Set::High(High::Table(table)));
    if after.starts_with(b"$@") {
        // The edition of 1978 of the same kanji.
        return Some((2, Set::Low(Low::Kanji)));
    }
    all.into_iter().chain(tables).find_map(|set| {
        let sequence = sequence(set);
        (!sequence.is_empty() && after.starts_with(sequence)).then_some((sequence.len(), set))
    })
}

/// The bytes after ESC that designate a set (PS3.3 tables C.12-3 and C.12-4).
fn sequence(set: Set) -> &'static [u8] {
    match set {
        Set::Low(Low::Ascii) => b"(B",
        Set::Low(Low::Romaji) => b"(J",
        Set::Low(Low::Katakana) => b"(I",
        Set::Low(Low::Kanji) => b"$B",
        Set::Low(Low::Supplement) => b"$(D",
        Set::High(High::None) => b"",
        Set::High(High::Latin1) => b"-A",
        Set::High(High::Katakana) => b")I",
        Set::High(High::Korean) => b"$)C",
        Set::High(High::Chinese) => b"$)A",
        Set::High(High::Table(table)) => match table.name() {
            "ISO-8859-2" => b"-B",
            "ISO-8859-3" => b"-C",
            "ISO-8859-4" => b"-D",
            "ISO-8859-5" => b"-L",
            "ISO-8859-6" => b"-G",
            "ISO-8859-7" => b"-F",
            "ISO-8859-8" => b"-H",
            "ISO-8859-15" => b"-b",
            "windows-1254" => b"-M",
            "windows-874" => b"-T",
            _ => b"",
        },
    }
}

fn designate(set: Set, out: &mut Vec<u8>) {
    let sequence = sequence(set);
    if !sequence.is_empty() {
        out.push(ESC);
        out.extend_from_slice(sequence);
    }
}

/// The bytes of a character in a set, if it has it.
fn code(set: Set, c: char) -> Option<Vec<u8>> {
    let in_table = |table: &'static enc::Encoding, length: usize| {
        let mut buffer = [0; 4];
        let (bytes, _, unmappable) = table.encode(c.encode_utf8(&mut buffer));
        let fits = !unmappable && bytes.len() == length && bytes.iter().all(|&b| b >= 0xA0);
        fits.then(|| bytes.into_owned())
    };
    match set {
        Set::Low(Low::Kanji) => {
            // Half-width katakana has two bytes in EUC-JP as well, the first of them 0x8E: `in_table` turns it away.
            in_table(enc::EUC_JP, 2).map(|bytes| bytes.iter().map(|b| b & 0x7F).collect())
        }
        // The library decodes JIS X 0212 but does not encode it.
        Set::Low(_) | Set::High(High::None) => None,
        Set::High(High::Latin1) => u8::try_from(u32::from(c)).ok().filter(|b| *b >= 0xA0).map(|b| vec![b]),
        Set::High(High::Katakana) => from_katakana(c).map(|b| vec![b]),
        Set::High(High::Table(table)) => in_table(table, 1),
        Set::High(High::Korean) => in_table(enc::EUC_KR, 2),
        Set::High(High::Chinese) => in_table(enc::GBK, 2),
    }
}
