use super::PersonName;

#[test]
fn names_and_back() {
    for (text, written) in [
        ("Doe^Jane", "Doe^Jane"),
        (
            "Adams^John Robert Quincy^^Rev.^B.A. M.Div.",
            "Adams^John Robert Quincy^^Rev.^B.A. M.Div.",
        ),
        (
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        ("=山田^太郎", "=山田^太郎"),
        ("Doe^Jane^^^==", "Doe^Jane"),
        (" Doe ^ Jane ", "Doe^Jane"),
        ("a^b^c^d^e^f=g=h=i", "a^b^c^d^e=g=h"),
        ("", ""),
    ] {
        assert_eq!(PersonName::parse(text).to_string(), written, "{text}");
    }
    let name = PersonName::parse("Adams^John^Q^Rev.^B.A.").alphabetic;
    let parts = [name.family, name.given, name.middle, name.prefix, name.suffix];
    assert_eq!(parts, ["Adams", "John", "Q", "Rev.", "B.A."]);
    assert!(PersonName::parse("^^=").is_empty());
}
