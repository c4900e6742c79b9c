use super::*;

#[test]
fn a_part_is_compared_with_what_it_must_say() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    std::fs::write(
        &page,
        "# Title\n<!-- table: one -->\n| a |\n<!-- end -->\n<!-- table: two -->\n",
    )
    .unwrap();
    assert_eq!(page_says(&page, "table: one", "| a |\n"), Ok(()));
    let of = |part: &str| page_says(&page, part, "").unwrap_err();
    assert!(of("table: none").contains("has no part `<!-- table: none -->`"));
    assert!(of("table: two").contains("the part `table: two` does not end"));
    assert!(page_says(folder.path().join("absent.md"), "x", "").is_err());
}

#[test]
fn a_table_has_a_head_and_rows() {
    let rows = [
        vec!["1".to_owned(), "2".to_owned()],
        vec!["3".to_owned(), "4".to_owned()],
    ];
    assert_eq!(
        table(&["a", "b"], &rows),
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    );
}
