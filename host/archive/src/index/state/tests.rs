use super::{Decision, SLOTS, There, behind, decide, slot};

#[test]
fn what_is_done_with_a_value() {
    use Decision::{Conflict, Full, Unknown, Write, Written};
    let there = |version, bytes, used| There { used, bytes, version };
    let grow = |growth| Write { growth };
    // What is there, size, expected version, room to be left, version of an earlier try.
    let table = [
        ("a first value", there(0, 0, 0), 10, None, 0, None, grow(10)),
        ("only if absent", there(0, 0, 0), 10, Some(0), 0, None, grow(10)),
        ("only if absent, expired", there(0, 4, 4), 10, Some(0), 0, None, grow(6)),
        (
            "only if absent, present",
            there(7, 4, 4),
            10,
            Some(0),
            0,
            None,
            Conflict,
        ),
        ("over this version", there(7, 4, 4), 10, Some(7), 0, None, grow(6)),
        ("over another version", there(8, 4, 4), 10, Some(7), 0, None, Conflict),
        ("over one that is gone", there(0, 0, 4), 10, Some(7), 0, None, Conflict),
        ("up to the quota", there(0, 0, 90), 10, None, 0, None, grow(10)),
        ("beyond the quota", there(0, 0, 91), 10, None, 0, None, Full),
        ("up to the room", there(0, 0, 85), 10, None, 5, None, grow(10)),
        ("beyond the room", there(0, 0, 86), 10, None, 5, None, Full),
        ("no growth, full", there(7, 10, 200), 10, None, 5, None, grow(0)),
        ("shrinks, full", there(7, 50, 200), 10, None, 5, None, grow(-40)),
        (
            "a conflict comes first",
            there(8, 0, 200),
            10,
            Some(7),
            0,
            None,
            Conflict,
        ),
        ("written after all", there(9, 10, 10), 10, Some(7), 0, Some(9), Written),
        (
            "written after all, full",
            there(9, 10, 200),
            10,
            None,
            0,
            Some(9),
            Written,
        ),
        ("not written", there(7, 4, 4), 10, Some(7), 0, Some(9), grow(6)),
        ("another came after", there(11, 4, 4), 10, Some(7), 0, Some(9), Unknown),
        (
            "another came after, any",
            there(11, 4, 4),
            10,
            None,
            0,
            Some(9),
            grow(6),
        ),
    ];
    for (what, there, size, expect, room, earlier, expected) in table {
        assert_eq!(decide(there, size, expect, 100, room, earlier), expected, "{what}");
    }
}

#[test]
fn slots_are_used_evenly_and_never_change() {
    let mut used = [0; SLOTS as usize];
    for key in 0..800u32 {
        used[slot(key.to_string().as_bytes()) as usize] += 1;
    }
    assert!(used.iter().all(|used| (60..140).contains(used)), "{used:?}");
    // Hosts of every version must agree.
    assert_eq!(["", "a", "queue/1"].map(|key| slot(key.as_bytes())), [7, 7, 2]);
}

#[test]
fn behind_a_prefix() {
    for (prefix, end) in [
        ("", None),
        ("a", Some(&b"b"[..])),
        ("a/", Some(b"a0")),
        ("é", Some(b"\xc3\xaa")),
        ("\u{10ffff}", Some(b"\xf4\x8f\xbf\xc0")),
    ] {
        assert_eq!(behind(prefix).as_deref(), end, "{prefix:?}");
    }
}
