use super::PackId;

#[test]
fn a_name_is_read_as_it_is_written() {
    let id = PackId::make();
    assert_eq!(PackId::parse(&id.to_string()), Some(id));
    assert_eq!(PackId::from_bytes(id.to_bytes()), id);
    for bad in [
        "",
        "0",
        "zz345678901234567890123456789012",
        "+2345678901234567890123456789012",
        "123456789012345678901234567890123",
    ] {
        assert_eq!(PackId::parse(bad), None, "{bad}");
    }
}

#[test]
fn names_differ_and_grow() {
    let names: std::collections::BTreeSet<_> = (0..10_000).map(|_| PackId::make()).collect();
    assert_eq!(names.len(), 10_000);
    let first = PackId::make();
    std::thread::sleep(std::time::Duration::from_millis(3));
    assert!(first < PackId::make());
}
