//! What an engine may answer, and every way in which it may not.

use std::ptr::{null, null_mut};

use isocenter_native_api::table::Text;

use super::*;

fn text_of(text: &'static str) -> Text {
    Text {
        data: text.as_ptr(),
        len: text.len(),
    }
}

static SHAPE: [i64; 2] = [2, 3];
static ELEMENTS: [u8; 6] = [1, 2, 3, 4, 5, 6];

fn mask() -> table::Tensor {
    table::Tensor {
        name: text_of("mask"),
        shape: SHAPE.as_ptr(),
        rank: 2,
        data: ELEMENTS.as_ptr().cast(),
        len: 6,
        element: table::UINT8,
        reserved: 0,
    }
}

fn score() -> table::Tensor {
    table::Tensor {
        name: text_of("score"),
        shape: null(),
        rank: 0,
        data: ELEMENTS.as_ptr().cast(),
        len: 4,
        element: table::FLOAT32,
        reserved: 0,
    }
}

fn promised() -> Vec<Port> {
    vec![
        Port {
            name: "mask".into(),
            element: Element::UInt8,
            shape: vec![None, Some(3)],
        },
        Port {
            name: "score".into(),
            element: Element::Float32,
            shape: vec![],
        },
    ]
}

fn taken(tensors: &[table::Tensor]) -> Result<Vec<(String, Tensor)>, Trouble> {
    let given = Outputs {
        tensors: tensors.as_ptr(),
        count: tensors.len(),
        owner: null_mut(),
    };
    // SAFETY: what is given points to values that live as long as the process, or is null, or is not read because it
    // does not fit.
    unsafe { take(&given, &promised()) }
}

#[test]
fn what_was_promised_is_taken() {
    let outputs = taken(&[score(), mask()]).unwrap();
    let names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["score", "mask"]);
    assert_eq!(outputs[1].1.shape(), [2, 3]);
    assert_eq!(outputs[1].1.data()[..], ELEMENTS);
}

#[test]
fn nothing_else_is_taken() {
    static WRONG: [i64; 2] = [2, 4];
    static NEGATIVE: [i64; 2] = [-1, 3];
    static HUGE: [i64; 2] = [i64::MAX, 3];
    static NO_TEXT: [u8; 4] = [0xff; 4];
    static VAST: [i64; 2] = [1 << 29, 3];
    type Change = fn(&mut table::Tensor);
    let changes: [(Change, &str); 13] = [
        (|mask| mask.len = 5, "has 5 bytes; 6 follow from its shape"),
        (|mask| mask.len = usize::MAX, "bytes; 6 follow from its shape"),
        (
            |mask| mask.name = text_of("other"),
            "has a name that no output has; the outputs are mask, score",
        ),
        (
            |mask| mask.name.data = null(),
            "has a name that has 4 bytes at a null pointer",
        ),
        (|mask| mask.name.len = usize::MAX, "at most 1024 are taken"),
        (|mask| mask.name.data = NO_TEXT.as_ptr(), "has a name that is not UTF-8"),
        (
            |mask| mask.shape = WRONG.as_ptr(),
            "the output mask takes uint8 [any, 3], not uint8 [2, 4]",
        ),
        (|mask| mask.shape = NEGATIVE.as_ptr(), "has a dimension of -1"),
        (
            |mask| mask.shape = HUGE.as_ptr(),
            "has a dimension of 9223372036854775807",
        ),
        (|mask| mask.shape = null(), "has 2 dimensions at a null pointer"),
        (
            |mask| mask.shape = SHAPE.as_ptr().cast::<u8>().wrapping_add(1).cast(),
            "has dimensions at an address where they cannot lie",
        ),
        (|mask| mask.rank = 1000, "has 1000 dimensions; at most 16 are taken"),
        (
            |mask| mask.element = 99,
            "has the element type 99, which this host does not know",
        ),
    ];
    for (change, why) in changes {
        let mut changed = mask();
        change(&mut changed);
        let expected = format!("{:?}", taken(&[changed, score()]));
        assert!(
            expected.contains("the engine broke its contract: tensor 1 that it gave") && expected.contains(why),
            "{expected} does not say {why}"
        );
    }
    let mut nowhere = mask();
    nowhere.data = null();
    assert_eq!(
        taken(&[nowhere, score()]),
        Err(Trouble::Failed(
            "the engine broke its contract: the output mask has 6 bytes at a null pointer".into()
        ))
    );
    let mut vast = mask();
    vast.shape = VAST.as_ptr();
    vast.len = 3 << 29;
    assert_eq!(
        taken(&[vast, score()]),
        Err(Trouble::Failed(
            "the outputs have 1610612740 bytes together; at most 1073741824 are taken".into()
        ))
    );
}

#[test]
fn every_output_is_given_once() {
    let broken = |why: &str| Err(Trouble::Failed(format!("the engine broke its contract: {why}")));
    assert_eq!(taken(&[]), broken("it did not give the output mask"));
    assert_eq!(taken(&[mask()]), broken("it did not give the output score"));
    assert_eq!(
        taken(&[mask(), mask(), score()]),
        broken("it gave the output mask twice")
    );
    let nowhere = Outputs {
        tensors: null(),
        count: 1,
        owner: null_mut(),
    };
    assert_eq!(
        // SAFETY: nothing is read of what is null.
        unsafe { take(&nowhere, &promised()) },
        broken("what it gave has 1 tensors at a null pointer")
    );
}

#[test]
fn ports_are_read_or_refused() {
    static ANY: [i64; 2] = [-1, 3];
    static TOO_LOW: [i64; 2] = [-2, 3];
    let port = || table::Port {
        name: text_of("mask"),
        shape: ANY.as_ptr(),
        rank: 2,
        element: table::UINT8,
        reserved: 0,
    };
    let read = |ports: &[table::Port]| {
        // SAFETY: the ports point to values that live as long as the process.
        unsafe { self::ports(ports.as_ptr(), ports.len()) }
    };
    assert_eq!(read(&[port()]).unwrap(), promised()[..1]);
    assert_eq!(read(&[port(), port()]).unwrap_err(), "two have the name mask");
    assert_eq!(
        read(&[port(); 65]).unwrap_err(),
        "the array has 65 elements; at most 64 are taken"
    );
    let mut nameless = port();
    nameless.name.len = 0;
    assert_eq!(read(&[nameless]).unwrap_err(), "number 1 has no name");
    let mut low = port();
    low.shape = TOO_LOW.as_ptr();
    assert_eq!(read(&[low]).unwrap_err(), "number 1 has a dimension of -2");
    let mut double = port();
    double.element = 11;
    assert_eq!(
        read(&[double]).unwrap_err(),
        "number 1 has the element type 11, which this host does not know"
    );
}
