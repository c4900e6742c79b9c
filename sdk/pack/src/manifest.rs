//! What an artifact says of its parts: OCI's manifest and index, and the config of a Wasm artifact, in JSON.
//!
//! Separate because these are the words of two standards: the OCI image specification 1.1, and the Wasm OCI artifact
//! layout of the CNCF. What is read may hold more than what is here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const WASM: &str = "application/wasm";

/// Whom a layer or a manifest is called.
pub(crate) const TITLE: &str = "org.opencontainers.image.title";
pub(crate) const VERSION: &str = "org.opencontainers.image.version";
pub(crate) const DESCRIPTION: &str = "org.opencontainers.image.description";
pub(crate) const LICENSES: &str = "org.opencontainers.image.licenses";
/// The name of a manifest in a layout.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// What the annotation of a signature begins with; its file's suffix follows.
pub(crate) const SIGNATURE: &str = "org.isocenter.plugin.signature.";

/// The largest manifest, index or config that is read, in bytes: the least that a registry must take.
pub(crate) const MOST_JSON: u64 = 4 << 20;

/// One part: what it is, its digest and size.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Descriptor {
        Descriptor {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            annotations: BTreeMap::new(),
        }
    }
}

/// An artifact.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// `index.json` of a layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    pub(crate) schema_version: u32,
    #[serde(default)]
    pub(crate) media_type: String,
    #[serde(default)]
    pub(crate) manifests: Vec<Descriptor>,
}

/// The config of a Wasm artifact.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WasmConfig {
    pub(crate) created: String,
    pub(crate) architecture: String,
    pub(crate) os: String,
    pub(crate) layer_digests: Vec<Digest>,
}

impl WasmConfig {
    /// Of a component. Nothing in it depends on when it was packed, so that the same component has one digest.
    pub(crate) fn of(layer: &Digest) -> WasmConfig {
        WasmConfig {
            created: "1970-01-01T00:00:00Z".into(),
            architecture: "wasm".into(),
            // What the layout calls the component model; the plugins import no WASI.
            os: "wasip2".into(),
            layer_digests: vec![layer.clone()],
        }
    }
}
