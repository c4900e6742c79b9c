//! The examples of PS3.5 Annexes H, I, J, K and what files in service do.

use super::*;

fn check(terms: &str, bytes: &[u8], text: &str, delimiters: Delimiters) {
    let set = CharacterSet::of(terms.as_bytes());
    assert_eq!(set.decode(bytes, delimiters), text, "{terms}: decode");
    assert_eq!(
        set.encode(text, delimiters).as_deref(),
        Some(bytes),
        "{terms}: encode {text}"
    );
}

#[test]
fn both_ways() {
    use Delimiters::{Name, None as Whole, Values};
    let cases: &[(&str, &[u8], &str, Delimiters)] = &[
        ("", b"Doe^John", "Doe^John", Name),
        ("ISO_IR 6", b"Doe^John", "Doe^John", Name),
        ("ISO_IR 100", b"Buc^J\xE9r\xF4me", "Buc^Jérôme", Name),
        ("ISO_IR 101", b"Wa\xB3\xEAsa", "Wałęsa", Name),
        ("ISO_IR 144", b"\xBB\xEE\xDA\x63e", "Люкce", Name),
        ("ISO_IR 126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος", Name),
        (
            "ISO_IR 127",
            b"\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1",
            "قباني^لنزار",
            Name,
        ),
        (
            "ISO_IR 138",
            b"\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4",
            "שרון^דבורה",
            Name,
        ),
        ("ISO_IR 148", b"\xC7avu\xFEo\xF0lu", "Çavuşoğlu", Name),
        ("ISO_IR 166", b"\xB9\xD2\xC1", "นาม", Name),
        ("ISO_IR 13", b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ", Name),
        (
            "ISO_IR 192",
            "Wang^XiaoDong=王^小東=".as_bytes(),
            "Wang^XiaoDong=王^小東=",
            Name,
        ),
        (
            "GB18030",
            b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=",
            "Wang^XiaoDong=王^小东=",
            Name,
        ),
        (
            "GBK",
            b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB=",
            "Wang^XiaoDong=王^小东=",
            Name,
        ),
        // PS3.5 §H.3.1
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            Name,
        ),
        // PS3.5 §H.3.2
        (
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
            Name,
        ),
        // PS3.5 §I.2
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
            "Hong^Gildong=洪^吉洞=홍^길동",
            Name,
        ),
        // PS3.5 §K.2
        (
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=",
            "Zhang^XiaoDong=张^小东=",
            Name,
        ),
        // Two lines: the escape sequence is repeated on each.
        (
            "\\ISO 2022 IR 149",
            b"\x1B$)C\xB1\xE6 a\r\n\x1B$)C\xB5\xBF",
            "길 a\r\n동",
            Whole,
        ),
        // Two values.
        (
            "\\ISO 2022 IR 149",
            b"\x1B$)C\xB1\xE6\\\x1B$)C\xB5\xBF",
            "길\\동",
            Values,
        ),
        // Kanji whose second byte is a backslash, in JIS and in GBK.
        ("\\ISO 2022 IR 87", b"\x1B$B@\\\x1B(B", "接", Values),
        ("GBK", b"\x81\x5C", "乗", Values),
        ("ISO 2022 IR 100\\ISO 2022 IR 126", b"\xE9\x1B-F\xC4", "éΔ", Name),
    ];
    for (terms, bytes, text, delimiters) in cases {
        check(terms, bytes, text, *delimiters);
    }
}

#[test]
fn decoded_leniently() {
    let cases: &[(&str, &[u8], &str)] = &[
        // No character set declared, or an unknown one.
        ("", "Müller".as_bytes(), "Müller"),
        ("", b"M\xFCller", "Müller"),
        ("ISO_IR 999", b"M\xFCller", "Müller"),
        ("ISO_I\u{D2} 192", b"abc", "abc"),
        // Misspelt.
        ("iso ir 192", "ü".as_bytes(), "ü"),
        ("ISO-IR-100 ", b"\xFC", "ü"),
        ("ISO2022IR87", b"\x1B$B;3\x1B(B", "山"),
        // The terms are declared without the empty first value.
        ("ISO 2022 IR 149", b"\xB1\xE6", "길"),
        // The escape sequence is left out, or stands for an undeclared set.
        ("\\ISO 2022 IR 149", b"\xB1\xE6", "길"),
        ("ISO 2022 IR 100", b"\x1B$B;3\x1B(B\xE9", "山é"),
        ("ISO 2022 IR 13\\ISO 2022 IR 159", b"\x1B$(D\x30\x21\x1B(J", "丂"),
        // Damage.
        ("ISO_IR 192", b"a\xFFb", "a\u{FFFD}b"),
        ("\\ISO 2022 IR 87", b"a\x1Bzb", "a\u{FFFD}zb"),
        ("\\ISO 2022 IR 87", b"\x1B$B;", "\u{FFFD}"),
        ("\\ISO 2022 IR 149", b"\x1B$)C\xB1", "\u{FFFD}"),
    ];
    for (terms, bytes, text) in cases {
        let terms: Vec<u8> = terms.chars().map(|c| u8::try_from(c).unwrap()).collect();
        assert_eq!(
            CharacterSet::of(&terms).decode(bytes, Delimiters::Name),
            *text,
            "{terms:?} {bytes:02X?}"
        );
    }
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    for (terms, text) in [
        ("", "é"),
        ("ISO_IR 100", "王"),
        ("ISO_IR 13", "山"),
        ("GBK", "🩻"),
        ("\\ISO 2022 IR 87", "é"),
        ("ISO 2022 IR 100\\ISO 2022 IR 126", "王"),
    ] {
        assert_eq!(
            CharacterSet::of(terms.as_bytes()).encode(text, Delimiters::Name),
            None,
            "{terms} {text}"
        );
    }
}

/// The part of `host/CONFORMANCE.md` about character sets: each, with a word that it can write and reads again.
#[test]
fn character_sets_of_the_conformance_statement() {
    let sets = [
        ("ISO_IR 100", "Latin alphabet No. 1", "Müller"),
        ("ISO_IR 101", "Latin alphabet No. 2", "Łódź"),
        ("ISO_IR 109", "Latin alphabet No. 3", "Ĉapelo"),
        ("ISO_IR 110", "Latin alphabet No. 4", "Ķīna"),
        ("ISO_IR 144", "Cyrillic", "Люкceмбypг"),
        ("ISO_IR 127", "Arabic", "قباني"),
        ("ISO_IR 126", "Greek", "Διονυσιος"),
        ("ISO_IR 138", "Hebrew", "שרון"),
        ("ISO_IR 148", "Latin alphabet No. 5", "Çavuşoğlu"),
        ("ISO_IR 203", "Latin alphabet No. 9", "Œuvre €"),
        ("ISO_IR 13", "Japanese (katakana)", "ﾔﾏﾀﾞ"),
        ("ISO_IR 166", "Thai", "นามสกุล"),
        ("ISO 2022 IR 6\\ISO 2022 IR 87", "Japanese (kanji)", "山田"),
        (
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            "Japanese (katakana, kanji)",
            "ﾔﾏﾀﾞ=山田",
        ),
        ("ISO 2022 IR 6\\ISO 2022 IR 149", "Korean", "김희중"),
        ("ISO 2022 IR 6\\ISO 2022 IR 58", "Simplified Chinese", "张小东"),
        ("ISO_IR 192", "Unicode in UTF-8", "Müller 山田 김희중"),
        ("GB18030", "GB18030", "王小东"),
        ("GBK", "GBK", "王小东"),
    ];
    let mut rows: Vec<Vec<String>> = sets
        .map(|(term, name, word)| {
            let set = CharacterSet::of(term.as_bytes());
            let bytes = set
                .encode(word, Delimiters::Name)
                .unwrap_or_else(|| panic!("{term}: {word}"));
            assert_eq!(set.decode(&bytes, Delimiters::Name), word, "{term}");
            vec![format!("`{term}`"), name.to_owned(), "read, written".to_owned()]
        })
        .into();
    // The one that is only read.
    let supplement = "ISO 2022 IR 6\\ISO 2022 IR 159";
    let set = CharacterSet::of(supplement.as_bytes());
    assert_eq!(set.encode("丂", Delimiters::Name), None);
    assert_eq!(set.decode(b"\x1b$(D\x30\x21", Delimiters::Name), "丂");
    let name = "Japanese (supplementary kanji)".to_owned();
    rows.push(vec![format!("`{supplement}`"), name, "read".to_owned()]);
    let page = isocenter_contract::repository().join("host/CONFORMANCE.md");
    let table = isocenter_contract::table(&["Specific Character Set", "repertoire", ""], &rows);
    if let Err(difference) = isocenter_contract::page_says(page, "table: charsets", &table) {
        panic!("{difference}");
    }
}
