//! PS3.15 Table E.1-1 (edition 2026d): what to do with each attribute that may identify.
//!
//! Separate because it is the standard's, not ours. `table.txt` is an excerpt of the table, © NEMA: a tag, the action
//! of the basic profile, and letters for the options that keep it: `u` UIDs, `d` device, `i` institution,
//! `p` patient characteristics, `t` longitudinal temporal information. Rows of repeating groups and of private
//! attributes are rules in [`crate::profile`].

use isocenter::Tag;

/// The basic profile's action codes (Table E.1-1a), conditional ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    X,
    Z,
    D,
    U,
    XorZ,
    XorD,
    ZorD,
    XorZorD,
    XorZorU,
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    tag: u32,
    pub(crate) code: Code,
    options: u8,
}

pub(crate) const UIDS: u8 = 1;
pub(crate) const DEVICE: u8 = 2;
pub(crate) const INSTITUTION: u8 = 4;
pub(crate) const PATIENT: u8 = 8;
pub(crate) const TEMPORAL: u8 = 16;

impl Row {
    /// Whether one of these options covers it.
    pub(crate) fn has(self, options: u8) -> bool {
        self.options & options != 0
    }
}

const TEXT: &[u8] = include_bytes!("table.txt");
const ROWS: usize = count_lines(TEXT);

/// Parsed by the compiler: each call is a fresh instance and would parse it again.
static TABLE: [Row; ROWS] = parse(TEXT);

/// The row of an attribute, if the table has it.
pub(crate) fn row(tag: Tag) -> Option<Row> {
    TABLE
        .binary_search_by_key(&tag.0, |row| row.tag)
        .ok()
        .and_then(|at| TABLE.get(at))
        .copied()
}

#[expect(
    clippy::indexing_slicing,
    reason = "runs in the compiler, where a panic is a build error"
)]
const fn count_lines(text: &[u8]) -> usize {
    let (mut at, mut lines) = (0, 0);
    while at < text.len() {
        if text[at] == b'\n' {
            lines += 1;
        }
        at += 1;
    }
    lines
}

#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "runs in the compiler, where a panic is a build error"
)]
const fn parse(text: &[u8]) -> [Row; ROWS] {
    let mut rows = [Row {
        tag: 0,
        code: Code::X,
        options: 0,
    }; ROWS];
    let (mut at, mut line) = (0, 0);
    while line < ROWS {
        let mut tag = 0;
        let end = at + 8;
        while at < end {
            tag = tag << 4 | hex(text[at]) as u32;
            at += 1;
        }
        at += 1;
        let (mut x, mut z, mut d, mut u) = (false, false, false, false);
        while text[at] != b' ' && text[at] != b'\n' {
            match text[at] {
                b'X' => x = true,
                b'Z' => z = true,
                b'D' => d = true,
                b'U' => u = true,
                b'/' | b'*' => {}
                _ => panic!("an unknown action"),
            }
            at += 1;
        }
        let code = match (x, z, d, u) {
            (true, false, false, false) => Code::X,
            (false, true, false, false) => Code::Z,
            (false, false, true, false) => Code::D,
            (false, false, false, true) => Code::U,
            (true, true, false, false) => Code::XorZ,
            (true, false, true, false) => Code::XorD,
            (false, true, true, false) => Code::ZorD,
            (true, true, true, false) => Code::XorZorD,
            (true, true, false, true) => Code::XorZorU,
            _ => panic!("an unknown combination of actions"),
        };
        let mut options = 0;
        while text[at] != b'\n' {
            options |= match text[at] {
                b'u' => UIDS,
                b'd' => DEVICE,
                b'i' => INSTITUTION,
                b'p' => PATIENT,
                b't' => TEMPORAL,
                _ => 0,
            };
            at += 1;
        }
        at += 1;
        rows[line] = Row { tag, code, options };
        assert!(line == 0 || rows[line - 1].tag < tag, "the table is sorted");
        line += 1;
    }
    rows
}

#[expect(clippy::panic, reason = "runs in the compiler, where a panic is a build error")]
const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'A'..=b'F' => digit - b'A' + 10,
        _ => panic!("no hexadecimal digit"),
    }
}
