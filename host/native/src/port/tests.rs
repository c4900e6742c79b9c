//! Which inputs a model takes.

use super::*;

fn ports() -> Vec<Port> {
    vec![
        Port {
            name: "image".into(),
            element: Element::Float32,
            shape: vec![None, Some(1), Some(2)],
        },
        Port {
            name: "spacing".into(),
            element: Element::Float32,
            shape: vec![Some(3)],
        },
    ]
}

fn tensor(name: &str, element: Element, shape: &[u32]) -> (String, Tensor) {
    let len = usize::try_from(crate::tensor::bytes(element, shape.iter().copied()).unwrap()).unwrap();
    (name.into(), Tensor::new(element, shape.into(), vec![0; len]).unwrap())
}

#[test]
fn every_input_is_given_once_and_fits() {
    let image = || tensor("image", Element::Float32, &[4, 1, 2]);
    let spacing = || tensor("spacing", Element::Float32, &[3]);
    for (inputs, said) in [
        (vec![image(), spacing()], ""),
        (vec![spacing(), image()], ""),
        (vec![image()], "the input spacing is missing"),
        (vec![image(), image()], "the input image is given twice"),
        (
            vec![image(), spacing(), tensor("mask", Element::UInt8, &[1])],
            "the model has no input of the given name; its inputs are image, spacing",
        ),
        (
            vec![tensor("image", Element::Float16, &[4, 1, 2]), spacing()],
            "the input image takes float32 [any, 1, 2], not float16 [4, 1, 2]",
        ),
        (
            vec![tensor("image", Element::Float32, &[4, 2, 1]), spacing()],
            "the input image takes float32 [any, 1, 2], not float32 [4, 2, 1]",
        ),
        (
            vec![image(), tensor("spacing", Element::Float32, &[3, 1])],
            "the input spacing takes float32 [3], not float32 [3, 1]",
        ),
        (
            vec![tensor("image", Element::Float32, &[0, 1, 2]), spacing()],
            "the input image is empty: its shape is [0, 1, 2]",
        ),
    ] {
        let expected = if said.is_empty() {
            Ok(())
        } else {
            Err(Trouble::BadShape(said.into()))
        };
        assert_eq!(admit(&ports(), &inputs), expected);
    }
}
