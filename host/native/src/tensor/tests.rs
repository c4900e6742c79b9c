//! What is a tensor and what is none.

use super::*;

#[test]
fn a_tensor_has_the_bytes_that_follow_from_its_shape() {
    for (element, shape, len, good) in [
        (Element::UInt8, vec![2, 3], 6, true),
        (Element::UInt8, vec![2, 3], 7, false),
        (Element::Float32, vec![2, 3], 24, true),
        (Element::Float32, vec![2, 3], 6, false),
        (Element::Int64, vec![], 8, true),
        (Element::Float16, vec![4, 0], 0, true),
        (Element::Int16, vec![u32::MAX; 4], 0, false),
        (Element::UInt8, vec![1; 16], 1, true),
        (Element::UInt8, vec![1; 17], 1, false),
    ] {
        let tensor = Tensor::new(element, shape.clone(), vec![0; len]);
        assert_eq!(tensor.is_ok(), good, "{element} {shape:?} {len}: {tensor:?}");
    }
}

#[test]
fn a_refusal_says_what_would_be_right() {
    let trouble = Tensor::new(Element::Int16, vec![2, 5], vec![0; 7]).unwrap_err();
    assert_eq!(
        trouble.to_string(),
        "a tensor of int16 with the shape [2, 5] has 20 bytes, not 7"
    );
}

#[test]
fn elements_are_not_printed() {
    let tensor = Tensor::new(Element::UInt8, vec![3], b"DOE".to_vec()).unwrap();
    assert_eq!(format!("{tensor:?}"), "Tensor(uint8 [3])");
}
