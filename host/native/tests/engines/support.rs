//! What the tests share: compilers, digests, specifications.

use std::path::{Path, PathBuf};
use std::process::Command;

use isocenter_native::{
    Digest, Element, EngineSpec, Library, LibraryError, Limits, LoadError, ModelSpec, Models, Tensor,
};
use tempfile::TempDir;

/// `plugin-api/native`
pub(crate) fn api() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-api/native")
}

/// A folder that is gone after the test.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Compiles a shared library of C.
pub(crate) fn compiled(source: &Path, to: &Path, definitions: &[&str]) -> PathBuf {
    let compiler = Command::new("cc")
        .args([
            "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-I",
        ])
        .arg(api())
        .args(definitions)
        .arg("-o")
        .args([to, source])
        .output()
        .expect("cc, the C compiler that Rust links with");
    assert!(
        compiler.status.success(),
        "{}",
        String::from_utf8_lossy(&compiler.stderr)
    );
    to.to_owned()
}

/// An engine that breaks the contract in one way.
pub(crate) fn liar(folder: &TempDir, definitions: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/liar.c");
    // Depending on the lie, this or that is not used.
    let definitions = [&["-Wno-unused", "-Wno-unused-parameter"], definitions].concat();
    compiled(&source, &folder.path().join("libliar.so"), &definitions)
}

/// Makes an engine count how often it is loaded (`LOADED`) or closes a model (`CLOSED`): what to compile it with, and the
/// count.
pub(crate) fn counted(folder: &TempDir, what: &str) -> (String, impl Fn() -> usize) {
    let file = folder.path().join(what);
    let definition = format!("-D{what}=\"{}\"", file.display());
    (definition, move || std::fs::read(&file).unwrap_or_default().len())
}

/// As `sha256sum` prints it, with its prefix.
pub(crate) fn sha256(file: &Path) -> Digest {
    let printed = Command::new("sha256sum").arg(file).output().unwrap();
    let digits = String::from_utf8(printed.stdout).unwrap();
    format!("sha256:{}", &digits[..64]).parse().unwrap()
}

pub(crate) fn blake3(file: &Path) -> Digest {
    let hash = blake3::hash(&std::fs::read(file).unwrap());
    Digest::Blake3(*hash.as_bytes())
}

/// Loads as a good configuration would.
pub(crate) fn load(file: &Path) -> Result<Library, LibraryError> {
    Library::load(file, true, Some(&sha256(file)))
}

pub(crate) fn engine(source: &Path, limits: Limits) -> EngineSpec {
    EngineSpec {
        name: "engine".into(),
        source: source.to_owned(),
        trusted: true,
        digest: Some(sha256(source)),
        limits,
    }
}

/// A model in the engine `engine`, of this content.
pub(crate) fn model(folder: &TempDir, name: &str, content: &str) -> ModelSpec {
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    ModelSpec {
        name: name.into(),
        engine: "engine".into(),
        file,
        digest: None,
    }
}

/// One engine with one model of this content, called `model`.
pub(crate) async fn models(
    folder: &TempDir,
    source: &Path,
    content: &str,
    limits: Limits,
) -> Result<Models, LoadError> {
    Models::load(&[engine(source, limits)], &[model(folder, "model", content)], None).await
}

/// A tensor of bytes in one dimension.
pub(crate) fn row(values: &[u8]) -> Tensor {
    let len = u32::try_from(values.len()).unwrap();
    Tensor::new(Element::UInt8, vec![len], values.to_vec()).unwrap()
}
