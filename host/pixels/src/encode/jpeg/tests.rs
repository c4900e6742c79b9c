//! Huffman tables, the usual and the extreme.

use super::{CATEGORIES, Table};
use proptest::prelude::*;

/// Every category that occurs has a code, none begins another, none is all ones, and none is longer than 16 bits.
fn check(counts: [u64; CATEGORIES]) {
    let table = Table::new(&counts);
    let mut used = Vec::new();
    for (count, (code, length)) in counts.iter().zip(table.codes) {
        assert_eq!(*count > 0, length > 0);
        if length > 0 {
            assert!(length <= 16 && code < (1 << length) - 1, "{code} of {length} bits");
            used.push((code, length));
        }
    }
    for (one, (code, length)) in used.iter().enumerate() {
        for (other, (longer, bits)) in used.iter().enumerate() {
            assert!(one == other || bits < length || longer >> (bits - length) != *code);
        }
    }
    let counted: usize = table.lengths.iter().map(|count| usize::from(*count)).sum();
    assert_eq!((counted, table.symbols.len()), (used.len(), used.len()));
}

#[test]
fn tables() {
    check([0; CATEGORIES]);
    let mut one = [0; CATEGORIES];
    one[16] = 5;
    check(one);
    check([1; CATEGORIES]);
    // The more often each occurs, the longer the codes of the others: these would have 17 bits.
    let mut counts = [1; CATEGORIES];
    for at in 1..CATEGORIES {
        counts[at] = counts[..at].iter().sum::<u64>() + 1;
    }
    check(counts);
}

proptest! {
    #[test]
    fn any_counts(counts in prop::array::uniform17(prop_oneof![Just(0_u64), 0_u64..9, any::<u32>().prop_map(u64::from)])) {
        check(counts);
    }
}
