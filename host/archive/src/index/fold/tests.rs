use super::{Name, exact, name};

#[test]
fn names_fold() {
    for (given, expected) in [
        ("SMITH^John", Some("smith^john")),
        ("  Smith ^ John  Paul ^^", Some("smith^john paul")),
        ("^John", Some("^john")),
        ("Müller^Jürgen", Some("muller^jurgen")),
        ("Strauß^Æsop", Some("strauss^aesop")),
        ("Łódź", Some("lodz")),
        ("Иванов^Йо", Some("иванов^ио")),
        ("山田^太郎", Some("山田^太郎")),
        ("ヤマダ^がろう", Some("ヤマダ^がろう")),
        ("ﾔﾏﾀﾞ", Some("ヤマダ")),
        ("İstanbul", Some("istanbul")),
        ("", None),
        (" ^ ^", None),
        ("A\0B", Some("ab")),
    ] {
        assert_eq!(name(given).as_deref(), expected, "{given}");
    }
    assert_eq!(name(&"é".repeat(1000)).map(|name| name.len()), Some(256));
}

#[test]
fn other_text_stays() {
    for (given, expected) in [
        ("  Ab c ", Some("Ab c")),
        ("é", Some("é")),
        ("a\0b\0", Some("ab")),
        (" \0", None),
    ] {
        assert_eq!(exact(given).as_deref(), expected, "{given:?}");
    }
}

#[test]
fn words_of_all_groups() {
    let name = Name {
        alphabetic: name("Smith-Jones^John"),
        ideographic: name("山田^太郎"),
        phonetic: None,
    };
    assert_eq!(name.words().as_deref(), Some(" smith jones john 山田 太郎"));
    assert_eq!(Name::default().words(), None);
}
