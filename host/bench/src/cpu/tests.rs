use super::*;

#[test]
fn stat_lines() {
    let cases = [
        (
            "7 (sh) S 3 7 7 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 1 0",
            Some((3, 110)),
        ),
        (
            "7 (a ) b) S) R 9 7 7 0 -1 4194304 100 0 0 0 1 2 3 4 20 0 1 0",
            Some((9, 10)),
        ),
        ("7 (sh) S 3", None),
        ("", None),
    ];
    for (line, expected) in cases {
        assert_eq!(
            parse(line).map(|process| (process.parent, process.ticks)),
            expected,
            "{line}"
        );
    }
}

#[test]
fn this_process_has_memory_and_time() {
    let pid = std::process::id();
    assert!(resident(pid) > 0);
    assert!(peak(pid) >= resident(pid) / 2);
    assert!(Trees::of([pid]).cpu_seconds() >= 0.0);
    assert_eq!(Trees::of([]).cpu_seconds(), 0.0);
}
