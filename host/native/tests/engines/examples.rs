//! The examples of `plugin-api/native`, in C and in Rust, do the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use isocenter_native::{Element, Limits, Port, Tensor, Trouble};
use tempfile::TempDir;

use crate::support::{api, compiled, models, scratch};

fn of_c(folder: &TempDir) -> PathBuf {
    compiled(
        &api().join("examples/engine.c"),
        &folder.path().join("libengine.so"),
        &[],
    )
}

fn of_rust() -> PathBuf {
    // In a folder of its own: the one of these tests may be locked.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("native-examples");
    let cargo = Command::new(env!("CARGO"))
        .args([
            "build",
            "--locked",
            "--offline",
            "--example",
            "engine",
            "--manifest-path",
        ])
        .arg(api().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    target.join("debug/examples/libengine.so")
}

#[tokio::test]
async fn the_example_in_c_segments_by_thresholds() {
    let folder = scratch();
    let library = of_c(&folder);
    segments_by_thresholds(&folder, &library).await;
}

#[tokio::test]
async fn the_example_in_rust_segments_by_thresholds() {
    let folder = scratch();
    segments_by_thresholds(&folder, &of_rust()).await;
}

async fn segments_by_thresholds(folder: &TempDir, library: &Path) {
    let models = models(folder, library, "thresholds -500 40 300\n", Limits::default())
        .await
        .unwrap();
    let engine = models.engines().next().unwrap().library();
    assert_eq!((engine.name(), engine.version()), ("thresholds", "1.0.0"));
    let any = vec![None, None];
    let port = |name: &str, element| Port {
        name: name.into(),
        element,
        shape: any.clone(),
    };
    let model = models.get("model").unwrap();
    assert_eq!(model.inputs(), [port("image", Element::Int16)]);
    assert_eq!(model.outputs(), [port("mask", Element::UInt8)]);

    let values: [i16; 6] = [-1000, -500, 39, 40, 299, i16::MAX];
    let image = |shape: [u32; 2]| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        // In the middle of something, so that it lies where the contract forbids.
        let around = bytes::Bytes::from([vec![0], bytes].concat()).slice(1..);
        vec![(
            "image".to_owned(),
            Tensor::new(Element::Int16, shape.into(), around).unwrap(),
        )]
    };
    for shape in [[2, 3], [1, 6]] {
        let mask = Tensor::new(Element::UInt8, shape.into(), vec![0, 1, 1, 2, 2, 3]).unwrap();
        assert_eq!(models.run("model", image(shape)).await, Ok(vec![("mask".into(), mask)]));
    }
    let flat = Tensor::new(Element::Int16, vec![6], vec![0; 12]).unwrap();
    assert_eq!(
        models.run("model", vec![("image".into(), flat)]).await,
        Err(Trouble::BadShape(
            "the input image takes int16 [any, any], not int16 [6]".into()
        ))
    );

    for (content, why) in [
        ("", "the file does not begin with \"thresholds\""),
        ("thresholds one", "a threshold is no number from -32768 to 32767"),
        ("thresholds 70000", "a threshold is no number from -32768 to 32767"),
        (
            "thresholds",
            "1 to 255 thresholds are wanted, each above the one before it",
        ),
        (
            "thresholds 2 1",
            "1 to 255 thresholds are wanted, each above the one before it",
        ),
    ] {
        let refused = crate::support::models(folder, library, content, Limits::default()).await;
        let refused = refused.unwrap_err().to_string();
        let expected = format!("model is refused by thresholds: {why}");
        assert!(refused.ends_with(&expected), "{refused} does not end with {expected}");
    }
}

#[tokio::test]
async fn runs_of_one_model_go_side_by_side() {
    let folder = scratch();
    let library = of_c(&folder);
    let models = std::sync::Arc::new(
        models(&folder, &library, "thresholds 1", Limits::default())
            .await
            .unwrap(),
    );
    let runs: Vec<_> = (0..50_i16)
        .map(|number| {
            let models = std::sync::Arc::clone(&models);
            tokio::spawn(async move {
                let bytes: Vec<u8> = (0..4096)
                    .flat_map(|at: i16| (at % (number + 1)).to_ne_bytes())
                    .collect();
                let image = Tensor::new(Element::Int16, vec![64, 64], bytes).unwrap();
                let outputs = models.run("model", vec![("image".into(), image)]).await.unwrap();
                let mask = outputs[0].1.data();
                (0..4096_i16)
                    .zip(mask)
                    .all(|(at, value)| *value == u8::from(at % (number + 1) >= 1))
            })
        })
        .collect();
    for run in runs {
        assert!(run.await.unwrap());
    }
}
