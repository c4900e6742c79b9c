//! The character set of a message (MSH-18, HL7 table 0211).

use encoding_rs::Encoding;

/// Names of table 0211 with the encoding that reads them. ISO 8859 is read by its supersets, as everywhere.
const SETS: [(&str, &str); 24] = [
    ("8859/1", "iso-8859-1"),
    ("8859/2", "iso-8859-2"),
    ("8859/3", "iso-8859-3"),
    ("8859/4", "iso-8859-4"),
    ("8859/5", "iso-8859-5"),
    ("8859/6", "iso-8859-6"),
    ("8859/7", "iso-8859-7"),
    ("8859/8", "iso-8859-8"),
    ("8859/9", "iso-8859-9"),
    ("8859/15", "iso-8859-15"),
    ("UNICODE", "utf-8"),
    ("UNICODE UTF-8", "utf-8"),
    ("UTF-8", "utf-8"),
    ("ISO IR14", "iso-2022-jp"),
    ("ISO IR87", "iso-2022-jp"),
    ("ISO IR159", "iso-2022-jp"),
    ("ISO IR6", "iso-2022-jp"),
    ("KS X 1001", "euc-kr"),
    ("CNS 11643-1992", "big5"),
    ("BIG-5", "big5"),
    ("GB 18030-2000", "gb18030"),
    ("ISO-8859-1", "iso-8859-1"),
    ("ISO-8859-15", "iso-8859-15"),
    ("ISO-2022-JP", "iso-2022-jp"),
];

/// Why bytes are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadText {
    /// The name.
    #[error("the character set of MSH-18 is not known here")]
    Unknown,
    /// The bytes.
    #[error("the message has bytes that are none of the character set of MSH-18")]
    Malformed,
}

/// A message as text. Without MSH-18 bytes beyond ASCII are UTF-8 if they are that, else Latin alphabet No. 1. Of several
/// sets, which are switched by escape sequences, the last that is not ASCII reads them all.
pub(crate) fn decode(bytes: &[u8], named: &[String]) -> Result<String, BadText> {
    let beyond_ascii: Vec<&String> = named
        .iter()
        .filter(|name| !name.is_empty() && name.as_str() != "ASCII")
        .collect();
    let label = match beyond_ascii.last() {
        Some(name) => {
            let known = SETS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            known.ok_or(BadText::Unknown)?.1
        }
        None if named.iter().any(|name| name == "ASCII") => {
            return match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Ok(text.to_owned()),
                _ => Err(BadText::Malformed),
            };
        }
        None => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(text.to_owned()),
            Err(_) => "iso-8859-1",
        },
    };
    let encoding = Encoding::for_label(label.as_bytes()).ok_or(BadText::Unknown)?;
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(std::borrow::Cow::into_owned).ok_or(BadText::Malformed)
}
