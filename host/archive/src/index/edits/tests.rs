use super::{EditList, EditListId, LONGEST_EDIT_LIST};

#[test]
fn edits_as_lines() {
    let long = "ä".repeat(600);
    let shown = format!("{}…", "ä".repeat(512));
    for (edits, lines) in [
        (&[][..], &[][..]),
        (
            &["remove 0010,0010", "set 0010,0020"],
            &["remove 0010,0010", "set 0010,0020"],
        ),
        (&["a\nb\0c\r", ""], &["a b c ", ""]),
        (&[&long, "next"], &[&shown, "next"]),
    ] {
        let list: EditList = edits.iter().collect();
        assert_eq!(list.lines().collect::<Vec<_>>(), lines);
        assert_eq!((list.count() as usize, list.is_cut()), (edits.len(), false));
    }
}

#[test]
fn a_list_that_is_too_long_is_cut_at_a_line() {
    let lines = LONGEST_EDIT_LIST / 64;
    let mut list: EditList = (0..lines).map(|line| format!("{line:063}")).collect();
    assert_eq!((list.length(), list.is_cut()), (LONGEST_EDIT_LIST, false));
    let whole = list.clone();
    list.add("one more");
    list.add("");
    assert_eq!((list.text(), list.is_cut()), (whole.text(), true));
    assert_eq!(list.count() as usize, lines + 2);
    assert_ne!(list.id(), whole.id());
}

#[test]
fn names_of_lists() {
    let named = |edits: &[&str]| edits.iter().collect::<EditList>().id();
    assert_eq!(named(&[]), None);
    assert_eq!(named(&["a", "b"]), named(&["a", "b"]));
    assert_ne!(named(&["a", "b"]), named(&["b", "a"]));
    let id = named(&["a"]).unwrap();
    assert_eq!(id.to_string().parse::<EditListId>(), Ok(id));
    for text in ["", "a", &"g".repeat(64), &"0".repeat(66)] {
        assert!(text.parse::<EditListId>().is_err(), "{text:?}");
    }
}
