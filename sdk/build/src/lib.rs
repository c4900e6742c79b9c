//! Turns the core module that rustc makes of a plugin into a component.
//!
//! Separate from the SDK because it runs on the developer's machine, in process, so that building a plugin needs no
//! tool beside cargo. The contract travels inside the module, in custom sections that the SDK's bindings wrote, and so
//! does what the plugin says of itself, which goes to the component's surface as JSON.

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Where the SDK and the host look for the manifest.
const MANIFEST: &str = "isocenter:manifest";
/// The member of the manifest that holds the schema of the configuration.
const SCHEMA: &str = "config-schema";

/// Why a module does not become a component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It is no core module.
    #[error("this is no core WebAssembly module; build the plugin with --target wasm32-unknown-unknown")]
    NotAModule,
    /// It is one already.
    #[error("this is a component already; use it as it is")]
    AlreadyAComponent,
    /// The module and the contract in it do not fit.
    #[error("the module does not become a component: {0}; build it with one version of this SDK, and without WASI")]
    Encode(String),
    /// What the SDK's macro wrote of the plugin is not there as it wrote it.
    #[error("the module says {0} about itself; a plugin is exported by one `plugin!` of this SDK")]
    Manifest(&'static str),
    /// The schema of its configuration is larger than a host reads.
    #[error(
        "the schema of its configuration and what else it says of itself are {0} bytes, and a host reads 64 KiB of them; \
         make the comments of `Config` shorter"
    )]
    Schema(usize),
}

/// The largest manifest that a host reads, in bytes.
const MOST_MANIFEST: usize = 64 * 1024;

/// Makes the component: adapts the module to the contract that it carries, and validates the result. `schema` is the JSON
/// Schema of its configuration, for the host and for editors; it goes where the module says what it is, if it does.
///
/// # Errors
/// When this is no core module, or it does not fit the contract.
pub fn componentize(module: &[u8], schema: Option<&serde_json::Value>) -> Result<Vec<u8>, BuildError> {
    match module {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {}
        [0, b'a', b's', b'm', 0x0D, 0, 1, 0, ..] => return Err(BuildError::AlreadyAComponent),
        _ => return Err(BuildError::NotAModule),
    }
    let encode = |error| BuildError::Encode(format!("{error:#}"));
    let mut component = ComponentEncoder::default()
        .module(module)
        .map_err(encode)?
        .validate(true)
        .encode()
        .map_err(encode)?;
    if let Some(mut manifest) = manifest(module)? {
        if let (Some(schema), Some(manifest)) = (schema, manifest.as_object_mut()) {
            manifest.insert(SCHEMA.into(), schema.clone());
        }
        let manifest = manifest.to_string();
        if manifest.len() > MOST_MANIFEST {
            return Err(BuildError::Schema(manifest.len()));
        }
        let section = CustomSection {
            name: MANIFEST.into(),
            data: manifest.into_bytes().into(),
        };
        section.append_to_component(&mut component);
    }
    Ok(component)
}

/// The manifest in JSON, from the four texts that the SDK's macro wrote; none for a module that is not of this SDK.
fn manifest(module: &[u8]) -> Result<Option<serde_json::Value>, BuildError> {
    let mut found = None;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| BuildError::Encode(error.to_string()))?;
        if let Payload::CustomSection(section) = payload
            && section.name() == MANIFEST
            && found.replace(section.data()).is_some()
        {
            return Err(BuildError::Manifest("two things"));
        }
    }
    let Some(bytes) = found else { return Ok(None) };
    let text = std::str::from_utf8(bytes).map_err(|_| BuildError::Manifest("no text"))?;
    let [name, version, description, license] = text
        .split('\0')
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| BuildError::Manifest("not four things"))?;
    let manifest = serde_json::json!({
        // The compiler's name of the crate; dashes are what its author wrote.
        "name": name.replace('_', "-"),
        "version": version,
        "description": description,
        "license": license,
    });
    Ok(Some(manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_named() {
        for (bytes, expected) in [
            (
                &b""[..],
                "this is no core WebAssembly module; build the plugin with --target wasm32-unknown-unknown",
            ),
            (
                b"\x7fELF",
                "this is no core WebAssembly module; build the plugin with --target wasm32-unknown-unknown",
            ),
            (b"\0asm\x0d\0\x01\0", "this is a component already; use it as it is"),
        ] {
            assert_eq!(componentize(bytes, None).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn what_the_module_says_of_itself_goes_to_the_surface() {
        let with = |sections: &[&str], schema: Option<&serde_json::Value>| {
            let mut module = wasm_encoder::Module::new();
            for text in sections {
                module.section(&CustomSection {
                    name: MANIFEST.into(),
                    data: text.as_bytes().into(),
                });
            }
            componentize(&module.finish(), schema).map_err(|error| error.to_string())
        };
        let said = ["my_plugin\x001.2.3\0Says \"hi\"\0MIT"];
        let schema = serde_json::json!({ "type": "object" });
        let component = with(&said, Some(&schema)).unwrap();
        let mut depth = 0;
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(&component) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::CustomSection(section) if section.name() == MANIFEST && depth == 0 => {
                    found.push(String::from_utf8(section.data().to_vec()).unwrap());
                }
                _ => {}
            }
        }
        assert_eq!(
            found,
            [
                r#"{"config-schema":{"type":"object"},"description":"Says \"hi\"","license":"MIT","name":"my-plugin","version":"1.2.3"}"#
            ]
        );
        let endless = serde_json::json!({ "description": "x".repeat(MOST_MANIFEST) });
        let error = with(&said, Some(&endless)).unwrap_err();
        assert!(error.contains("a host reads 64 KiB"), "{error}");
        for (sections, expected) in [
            (&["a\0b\0c\0d", "a\0b\0c\0d"][..], "two things"),
            (&["a\0b"], "not four things"),
        ] {
            let error = with(sections, None).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_module_without_a_contract_is_an_empty_component() {
        assert!(componentize(b"\0asm\x01\0\0\0", None).is_ok());
    }
}
