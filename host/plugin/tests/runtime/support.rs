//! What the tests share: where the components are, a runtime, objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use isocenter_dicom::TransferSyntax;
use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::{Header, Limits};
use isocenter_plugin::{LoadError, PluginSpec, Runtime, RuntimeOptions, Secret, Surroundings, WasmPlugin};
use isocenter_role::backing::Backing;
use isocenter_role::{
    Call, Direction, Filter, FilterAnswer, Manifest, OpenObject, Part, Passage, PlannedSend, Plugin, Role, Router,
    Series, State, Transport,
};
use serde_json::json;

/// Plans know these.
pub(crate) const DESTINATIONS: [&str; 2] = ["archive", "research"];

/// A component that `make plugins` built.
pub(crate) fn component(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("plugins")
        .join(name);
    assert!(
        path.is_file(),
        "{} is not there: run `make plugins` first",
        path.display()
    );
    path
}

pub(crate) fn site_key() -> SiteKey {
    SiteKey::new([7; 32])
}

/// A runtime with a cache that outlives the test, so that each component is compiled once.
pub(crate) fn runtime() -> Runtime {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Runtime::start(RuntimeOptions::new(cache, site_key())).unwrap()
}

pub(crate) fn guest(config: serde_json::Value) -> PluginSpec {
    let mut spec = PluginSpec::new("probe", component("test/guest.wasm"));
    spec.config = config;
    spec.grant.secrets = secrets();
    spec
}

pub(crate) fn secrets() -> BTreeMap<String, Secret> {
    BTreeMap::from([("site-key".to_owned(), Secret::new(*b"0123456789abcdef"))])
}

pub(crate) fn load(runtime: &Runtime, spec: PluginSpec) -> Result<Arc<WasmPlugin>, LoadError> {
    load_over(runtime, spec, Backing::default())
}

/// Loads with something behind the capabilities.
pub(crate) fn load_over(runtime: &Runtime, spec: PluginSpec, backing: Backing) -> Result<Arc<WasmPlugin>, LoadError> {
    let around = Surroundings {
        destinations: DESTINATIONS.map(str::to_owned).to_vec(),
        backing,
    };
    runtime.load(spec, &around)
}

/// Short for a test: a plugin asked about a header alone.
pub(crate) trait Ask {
    fn filter(&self, header: Arc<Header>, passage: Passage) -> Call<'static, FilterAnswer>;
    fn route(&self, header: Arc<Header>) -> Call<'static, Vec<PlannedSend>>;
    fn state(&self) -> State;
    fn roles(&self) -> Vec<Role>;
    fn series(&self) -> Vec<Series>;
    fn digest(&self) -> &str;
    fn manifest(&self) -> Option<&Manifest>;
}

impl Ask for Arc<WasmPlugin> {
    fn filter(&self, header: Arc<Header>, passage: Passage) -> Call<'static, FilterAnswer> {
        Filter::filter(self.clone(), OpenObject::header(header), Arc::new(passage))
    }

    fn route(&self, header: Arc<Header>) -> Call<'static, Vec<PlannedSend>> {
        Router::route(self.clone(), OpenObject::header(header))
    }

    fn state(&self) -> State {
        Part::state(&**self)
    }

    fn roles(&self) -> Vec<Role> {
        Plugin::roles(&**self)
    }

    fn series(&self) -> Vec<Series> {
        Plugin::series(&**self)
    }

    fn digest(&self) -> &str {
        Part::digest(&**self)
    }

    fn manifest(&self) -> Option<&Manifest> {
        Plugin::manifest(&**self)
    }
}

/// A probe that does one thing.
pub(crate) fn probe(runtime: &Runtime, act: &str) -> Arc<WasmPlugin> {
    load(runtime, guest(json!({ "do": act }))).unwrap()
}

pub(crate) fn passage() -> Passage {
    Passage {
        direction: Direction::Ingest,
        transport: Transport::Dimse,
        calling_ae: Some("CT1".into()),
        called_ae: Some("ISOCENTER".into()),
        peer: Some("127.0.0.1".into()),
        subject: None,
        destination: None,
        hops: 2,
    }
}

/// An element in explicit VR little endian.
pub(crate) fn element(group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend_from_slice(vr);
    let padded = value.len() + value.len() % 2;
    if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT" | b"UC" | b"UR") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&u32::try_from(padded).unwrap().to_le_bytes());
    } else {
        bytes.extend_from_slice(&u16::try_from(padded).unwrap().to_le_bytes());
    }
    bytes.extend_from_slice(value);
    if padded > value.len() {
        bytes.push(if vr == b"UI" { 0 } else { b' ' });
    }
    bytes
}

pub(crate) fn item(content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xFE, 0xFF, 0x00, 0xE0];
    bytes.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

pub(crate) fn header_of(elements: &[Vec<u8>]) -> Arc<Header> {
    let syntax = TransferSyntax::lookup("1.2.840.10008.1.2.1").unwrap();
    Arc::new(Header::parse(syntax, &elements.concat(), Limits::default()).unwrap().0)
}

pub(crate) fn header() -> Arc<Header> {
    header_of(&[
        element(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.2"),
        element(0x0008, 0x0018, b"UI", b"1.2.3.4"),
        element(0x0008, 0x0020, b"DA", b"20240102"),
        element(0x0008, 0x0060, b"CS", b"CT"),
        element(0x0008, 0x1110, b"SQ", &item(&element(0x0008, 0x1155, b"UI", b"1.2.9"))),
        element(0x0010, 0x0010, b"PN", b"Doe^Jane"),
        element(0x0010, 0x0020, b"LO", b"P1"),
        element(0x0020, 0x000D, b"UI", b"1.2.3"),
        element(0x0020, 0x000E, b"UI", b"1.2.3.1"),
        element(0x0028, 0x0010, b"US", &512_u16.to_le_bytes()),
    ])
}

/// The folder of sample objects, or `None` with a printed line where it is not there.
pub(crate) fn samples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dicom");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there", folder.display());
    None
}
