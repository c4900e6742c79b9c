//! Whatever is in a file, it ends in a model or a refusal; and a run ends when nobody waits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use std::sync::atomic::AtomicU32;

use super::*;

/// What came of many files.
#[derive(Debug, Default)]
struct Tally {
    opened: usize,
    refused: usize,
    /// Panics, which the boundary catches.
    caught: usize,
}

fn tally(files: impl Iterator<Item = Vec<u8>>) -> Tally {
    let mut tally = Tally::default();
    for file in files {
        match catch_unwind(AssertUnwindSafe(|| OnnxModel::open(&file))) {
            Ok(Ok(_)) => tally.opened += 1,
            Ok(Err(Error::BadModel(why))) => {
                assert!(!why.is_empty());
                tally.refused += 1;
            }
            Ok(Err(other)) => panic!("{other:?}"),
            Err(_) => tally.caught += 1,
        }
    }
    tally
}

const WHOLE: [&[u8]; 3] = [
    include_bytes!("../../tests/models/segment.onnx"),
    include_bytes!("../../tests/models/classes.onnx"),
    include_bytes!("../../tests/models/kinds.onnx"),
];

#[test]
fn a_file_that_is_cut_short_is_no_model() {
    for whole in WHOLE {
        let cuts = tally((1..whole.len()).map(|len| whole[..len].to_vec()));
        assert!(cuts.refused > whole.len() / 2, "{cuts:?}");
    }
    assert_eq!(tally(std::iter::once(Vec::new())).refused, 1);
}

#[test]
fn a_file_with_a_wrong_byte_ends_in_a_model_or_a_refusal() {
    for whole in WHOLE {
        let flipped = |bits: u8| {
            (0..whole.len()).map(move |at| {
                let mut file = whole.to_vec();
                file[at] ^= bits;
                file
            })
        };
        for bits in [0x01, 0x80, 0xff] {
            let flips = tally(flipped(bits));
            assert_eq!(flips.opened + flips.refused + flips.caught, whole.len());
            assert!(flips.refused > 0 && flips.opened > 0, "{flips:?}");
        }
    }
}

#[test]
fn a_run_that_nobody_waits_for_ends() {
    let model = OnnxModel::open(WHOLE[0]).unwrap();
    let image = Input {
        name: "image",
        element: Element::Float32,
        shape: &[1, 1, 2, 2],
        data: &[0; 16],
    };
    for (flag, outcome) in [(0, Ok(2)), (1, Err(Error::Stopped))] {
        let flag = AtomicU32::new(flag);
        let outputs = model.run(&[image], Stop::new(&flag));
        assert_eq!(outputs.map(|outputs| outputs.len()), outcome);
    }
}
