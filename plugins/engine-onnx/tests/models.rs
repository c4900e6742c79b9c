//! Models run through the host's loader, as the host runs them. `models/make.py` made the files.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use isocenter_native::{Digest, Element, EngineSpec, Limits, LoadError, ModelSpec, Models, Port, Tensor, Trouble};

/// The shared library, which Cargo builds beside the tests of its package.
fn library() -> PathBuf {
    let library = std::env::current_exe()
        .unwrap()
        .with_file_name("libisocenter_engine_onnx.so");
    assert!(library.is_file(), "{} is not there", library.display());
    library
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/models")
        .join(name)
        .with_extension("onnx")
}

/// The engine with one model, which has the name of its file.
async fn opened(file: &Path) -> Result<Models, LoadError> {
    let library = library();
    let engine = EngineSpec {
        name: "onnx".into(),
        digest: Some(digest(&library)),
        source: library,
        trusted: true,
        limits: Limits::default(),
    };
    let model = ModelSpec {
        name: file.file_stem().unwrap().to_str().unwrap().into(),
        engine: "onnx".into(),
        file: file.to_owned(),
        digest: None,
    };
    Models::load(&[engine], &[model], None).await
}

fn digest(library: &Path) -> Digest {
    Digest::Blake3(*blake3::hash(&std::fs::read(library).unwrap()).as_bytes())
}

fn floats(shape: &[u32], values: &[f32]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    Tensor::new(Element::Float32, shape.into(), bytes).unwrap()
}

fn longs(shape: &[u32], values: &[i64]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    Tensor::new(Element::Int64, shape.into(), bytes).unwrap()
}

fn shorts(shape: &[u32], values: &[i16]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    Tensor::new(Element::Int16, shape.into(), bytes).unwrap()
}

fn bytes(shape: &[u32], values: &[u8]) -> Tensor {
    Tensor::new(Element::UInt8, shape.into(), values.to_vec()).unwrap()
}

fn port(name: &str, element: Element, shape: &[i64]) -> Port {
    Port {
        name: name.into(),
        element,
        shape: shape.iter().map(|count| u32::try_from(*count).ok()).collect(),
    }
}

/// The mean of each value's 3 × 3 neighbours, 0 outside.
fn smooth(image: &[f32], height: usize, width: usize) -> Vec<f32> {
    let at = |y: usize, x: usize| {
        let inside = (1..=height).contains(&y) && (1..=width).contains(&x);
        if inside { image[(y - 1) * width + x - 1] } else { 0.0 }
    };
    let mean = |y: usize, x: usize| {
        let around = (y..y + 3).flat_map(|y| (x..x + 3).map(move |x| at(y, x)));
        around.sum::<f32>() / 9.0
    };
    (0..height).flat_map(|y| (0..width).map(move |x| mean(y, x))).collect()
}

#[tokio::test]
async fn a_segmentation_runs_on_any_number_of_slices_of_any_size() {
    let models = opened(&file("segment")).await.unwrap();
    let model = models.get("segment").unwrap();
    assert_eq!(model.engine().library().name(), "onnx");
    assert_eq!(model.inputs(), [port("image", Element::Float32, &[-1, 1, -1, -1])]);
    assert_eq!(
        model.outputs(),
        [
            port("mask", Element::UInt8, &[-1, 1, -1, -1]),
            port("smooth", Element::Float32, &[-1, 1, -1, -1]),
        ]
    );
    for (slices, height, width) in [(1, 8, 8), (3, 5, 7), (2, 1, 1), (1, 64, 33)] {
        let size = height * width;
        // A pattern without values near the threshold, whose mask would depend on rounding.
        let image: Vec<f32> = (0..slices * size).map(|at| (at * 37 % 251) as f32).collect();
        let shape = [slices, 1, height, width].map(|count| u32::try_from(count).unwrap());
        let inputs = vec![("image".to_owned(), floats(&shape, &image))];
        let outputs = models.run("segment", inputs).await.unwrap();
        let [(_, mask), (_, smoothed)] = outputs.as_slice() else {
            panic!("{outputs:?}")
        };
        assert_eq!((mask.shape(), smoothed.shape()), (&shape[..], &shape[..]));
        let expected: Vec<f32> = image
            .chunks(size)
            .flat_map(|slice| smooth(slice, height, width))
            .collect();
        let found: Vec<f32> = smoothed
            .data()
            .chunks(4)
            .map(|value| f32::from_ne_bytes(value.try_into().unwrap()))
            .collect();
        for ((expected, found), mask) in expected.iter().zip(&found).zip(mask.data()) {
            assert!((expected - found).abs() < 1e-3, "{expected} {found}");
            assert!((expected - 100.0).abs() < 1e-2 || *mask == u8::from(*expected > 100.0));
        }
    }
}

#[tokio::test]
async fn dimensions_without_a_name_are_open_too_and_classes_are_int64() {
    let models = opened(&file("classes")).await.unwrap();
    let model = models.get("classes").unwrap();
    assert_eq!(model.inputs(), [port("scores", Element::Float32, &[-1, 3, -1])]);
    assert_eq!(model.outputs(), [port("classes", Element::Int64, &[-1, -1])]);
    let scores = floats(
        &[1, 3, 4],
        &[9.0, 0.0, 0.0, 1.0, 0.0, 9.0, 0.0, 2.0, 0.0, 0.0, 9.0, 3.0],
    );
    assert_eq!(
        models.run("classes", vec![("scores".into(), scores)]).await,
        Ok(vec![("classes".into(), longs(&[1, 4], &[0, 1, 2, 2]))])
    );
}

#[tokio::test]
async fn dimensions_of_one_name_are_one_number() {
    let models = opened(&file("add")).await.unwrap();
    let inputs = |a: u32, b: u32| {
        let ones = |rows: u32| floats(&[rows, 2], &vec![1.0; rows as usize * 2]);
        vec![("b".to_owned(), ones(b)), ("a".to_owned(), ones(a))]
    };
    for rows in [1, 5] {
        let sum = floats(&[rows, 2], &vec![2.0; rows as usize * 2]);
        assert_eq!(
            models.run("add", inputs(rows, rows)).await,
            Ok(vec![("sum".into(), sum)])
        );
    }
    assert_eq!(
        models.run("add", inputs(5, 4)).await,
        Err(Trouble::BadShape(
            "the shapes of the inputs do not go together: b [4, 2], a [5, 2]".into()
        ))
    );
}

fn kinds() -> Vec<(&'static str, Tensor)> {
    vec![
        ("bool", bytes(&[2], &[0, 1])),
        ("int8", shorts(&[2], &[-128, 127])),
        ("uint8", bytes(&[2], &[0, 255])),
        ("int16", shorts(&[2], &[i16::MIN, i16::MAX])),
        ("uint16", longs(&[2], &[0, 65_535])),
        ("int32", longs(&[2], &[-2_147_483_648, 2_147_483_647])),
        ("int64", longs(&[2], &[i64::MIN, i64::MAX])),
        (
            "half",
            Tensor::new(Element::Float16, vec![2], vec![0, 0x3c, 0, 0xc0]).unwrap(),
        ),
        ("float", floats(&[2], &[f32::MIN, f32::MAX])),
    ]
}

#[tokio::test]
async fn every_type_that_fits_is_carried_there_and_back() {
    let models = opened(&file("kinds")).await.unwrap();
    let named = |end: &str| -> Vec<(String, Tensor)> {
        kinds()
            .into_iter()
            .map(|(name, tensor)| (format!("{name}{end}"), tensor))
            .collect()
    };
    assert_eq!(models.run("kinds", named("")).await, Ok(named(" out")));
    for (name, tensor, kind) in [
        ("int8", shorts(&[2], &[0, 128]), "I8"),
        ("uint16", longs(&[2], &[-1, 0]), "U16"),
        ("int32", longs(&[2], &[0, 2_147_483_648]), "I32"),
    ] {
        let mut inputs = named("");
        inputs.iter_mut().find(|(other, _)| other == name).unwrap().1 = tensor;
        assert_eq!(
            models.run("kinds", inputs).await,
            Err(Trouble::BadShape(format!(
                "the input {name} has a value that does not fit into {kind}, which the model wants"
            )))
        );
    }
}

#[tokio::test]
async fn a_shape_is_an_answer_like_others() {
    let models = opened(&file("shape")).await.unwrap();
    let image = bytes(&[3, 2], &[0; 6]);
    assert_eq!(
        models.run("shape", vec![("image".into(), image)]).await,
        Ok(vec![("shape".into(), longs(&[2], &[3, 2]))])
    );
}

#[tokio::test]
async fn a_node_that_fails_is_named_without_its_values() {
    let models = opened(&file("gather")).await.unwrap();
    let index = |value| vec![("index".to_owned(), longs(&[1], &[value]))];
    assert!(models.run("gather", index(2)).await.is_ok());
    let trouble = models.run("gather", index(777_777)).await.unwrap_err();
    let Trouble::Failed(said) = &trouble else {
        panic!("{trouble:?}")
    };
    assert!(said.contains("failed") || said.contains("panicked at"), "{said}");
    assert!(!said.contains("777"), "{said}");
    // The model is as it was.
    assert!(models.run("gather", index(0)).await.is_ok());
}

#[tokio::test]
async fn a_model_that_cannot_be_run_is_refused_with_its_reason() {
    for (name, why) in [
        (
            "double",
            "the input x has elements of F64, which do not fit into any of uint8, int16, int64, float16, float32",
        ),
        ("shapeless", "the input x does not say how many dimensions it has"),
        ("unknown", "Diagnose"),
        (
            "external",
            "its weights are in another file; save it with all of them inside (external data off)",
        ),
    ] {
        let refused = opened(&file(name)).await.unwrap_err().to_string();
        let whole = format!("model {name}: {} is refused by onnx: ", file(name).display());
        assert!(refused.starts_with(&whole) && refused.contains(why), "{refused}");
    }
}

#[tokio::test]
async fn runs_go_side_by_side() {
    let models = Arc::new(opened(&file("add")).await.unwrap());
    let runs: Vec<_> = (1..=40)
        .map(|rows: u32| {
            let models = Arc::clone(&models);
            tokio::spawn(async move {
                let ones = || floats(&[rows, 2], &vec![1.0; rows as usize * 2]);
                let inputs = vec![("a".into(), ones()), ("b".into(), ones())];
                let outputs = models.run("add", inputs).await.unwrap();
                assert_eq!(outputs[0].1.shape(), [rows, 2]);
            })
        })
        .collect();
    for run in runs {
        run.await.unwrap();
    }
}
