//! What the tests share: the frozen files, a runtime, one object with a value of each kind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use isocenter_dicom::TransferSyntax;
use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::{Header, Limits};
use isocenter_plugin::{LoadError, PluginSpec, Runtime, RuntimeOptions, Secret, Surroundings, WasmPlugin};
use serde_json::json;

/// The released contracts, a folder each.
pub(crate) fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-api/released")
}

pub(crate) fn runtime() -> Runtime {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Runtime::start(RuntimeOptions::new(cache, SiteKey::new([7; 32]))).unwrap()
}

/// A frozen component with the one thing that it is to do.
pub(crate) fn load(runtime: &Runtime, component: &str, act: &str) -> Result<Arc<WasmPlugin>, LoadError> {
    let mut spec = PluginSpec::new("frozen", released().join(component));
    spec.config = json!({ "do": act });
    spec.grant.secrets = BTreeMap::from([("site-key".to_owned(), Secret::new(*b"0123456789abcdef"))]);
    spec.log_values = true;
    let around = Surroundings {
        destinations: vec!["research".to_owned(), "archive".to_owned()],
        ..Surroundings::default()
    };
    runtime.load(spec, &around)
}

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Lines;

impl std::io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps what the runtime logs from now on, for the one test that reads it.
pub(crate) fn keep_log() {
    let format = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE);
    tracing::subscriber::set_global_default(format.with_writer(|| Lines).finish()).unwrap();
}

pub(crate) fn log() -> String {
    String::from_utf8(LINES.lock().unwrap().clone()).unwrap()
}

/// An element in explicit VR little endian; the value's length is even.
fn element(group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend_from_slice(vr);
    if matches!(vr, b"OB" | b"SQ") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
    } else {
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
    }
    bytes.extend_from_slice(value);
    bytes
}

fn item(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &length, content].concat()
}

pub(crate) fn header() -> Arc<Header> {
    let elements = [
        element(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        element(0x0008, 0x0018, b"UI", b"1.2.3.4\0"),
        element(0x0008, 0x0020, b"DA", b"20240102"),
        element(0x0008, 0x0060, b"CS", b"CT"),
        element(
            0x0008,
            0x1110,
            b"SQ",
            &item(&element(0x0008, 0x1155, b"UI", b"1.2.9\0")),
        ),
        element(0x0010, 0x0010, b"PN", b"Doe^Jane"),
        element(0x0010, 0x0020, b"LO", b"P1\\P2 "),
        element(0x0010, 0x0030, b"DA", b""),
        element(0x0018, 0x9073, b"FD", &0.25_f64.to_le_bytes()),
        element(0x0020, 0x000D, b"UI", b"1.2.3\0"),
        element(0x0020, 0x000E, b"UI", b"1.2.3.1\0"),
        element(0x0028, 0x0009, b"AT", &[0x18, 0x00, 0x63, 0x10]),
        element(0x0028, 0x0010, b"US", &512_u16.to_le_bytes()),
        element(0x0028, 0x0106, b"SS", &(-5_i16).to_le_bytes()),
        element(0x0029, 0x0010, b"LO", b"KEPT"),
        element(0x0029, 0x1010, b"OB", &[0, 255, 1, 2]),
    ];
    let syntax = TransferSyntax::lookup("1.2.840.10008.1.2.1").unwrap();
    Arc::new(Header::parse(syntax, &elements.concat(), Limits::default()).unwrap().0)
}
