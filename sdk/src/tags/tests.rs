//! The constants are those of the dictionary.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `SOPInstanceUID` as `SOP_INSTANCE_UID`: a word begins where a capital follows a small letter or a digit, or comes before a
/// small letter. `IDs` is one word.
fn constant(keyword: &str) -> String {
    let letters: Vec<char> = keyword.replace("IDs", "Ids").chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase));
        if begins {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[test]
fn every_element_of_the_dictionary_has_a_constant() {
    let mut rows: Vec<(&str, &str)> = include_str!("../dictionary.txt")
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    rows.sort_by_key(|(_, tag)| *tag);
    let names: BTreeSet<String> = rows.iter().map(|(keyword, _)| constant(keyword)).collect();
    assert_eq!(names.len(), rows.len(), "two elements of one name");
    let mut list = String::from("tags! {\n");
    for (keyword, tag) in rows {
        let (group, element) = tag.split_at(4);
        writeln!(list, "    {} 0x{group}_{element} \"{keyword}\"", constant(keyword)).unwrap();
    }
    list.push_str("}\n");

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tags.rs");
    let now = include_str!("../tags.rs");
    let begin = now.find("\ntags! {\n").unwrap() + 1;
    let end = begin + now[begin..].find("\n}\n").unwrap() + 3;
    if now[begin..end] != list && std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(file, [&now[..begin], &list, &now[end..]].concat()).unwrap();
        return;
    }
    // Not `assert_eq`, which would print both lists.
    assert!(now[begin..end] == list, "UPDATE_EXPECT=1 writes {file} anew");
}

#[test]
fn names_of_elements() {
    for (keyword, name) in [
        ("PatientID", "PATIENT_ID"),
        ("OtherPatientIDs", "OTHER_PATIENT_IDS"),
        ("SOPInstanceUID", "SOP_INSTANCE_UID"),
        ("OperatorsName", "OPERATORS_NAME"),
        ("CTDIvol", "CTD_IVOL"),
        ("B1rms", "B1RMS"),
    ] {
        assert_eq!(constant(keyword), name);
    }
    assert_eq!(crate::tags::CTD_IVOL, crate::Tag(0x0018_9345));
}
