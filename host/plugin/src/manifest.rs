//! What a plugin says of itself, in the custom section `isocenter:manifest` that the build tool writes.
//!
//! Separate because these are the words of whoever made the file: bounded, and never trusted.

use isocenter_role::Manifest;

use crate::call::reason;
use crate::load::Reason;

/// The largest manifest, in bytes.
pub(crate) const MOST_MANIFEST: usize = 64 * 1024;

/// What a component says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Name, version and the like.
    pub manifest: Manifest,
    /// The JSON Schema of its configuration.
    pub config: Option<serde_json::Value>,
}

/// As it is written.
#[derive(serde::Deserialize)]
struct Written {
    name: String,
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    license: String,
    #[serde(rename = "config-schema")]
    config_schema: Option<serde_json::Value>,
}

/// The manifest among the component's outermost sections, if it has one.
pub(crate) fn read(component: &[u8]) -> Result<Option<Described>, Reason> {
    let mut found = None;
    let mut rest = component.get(8..).unwrap_or_default();
    while let Some((&id, after)) = rest.split_first() {
        // What is malformed here the compiler will name.
        let Some((size, after)) = leb128(after) else {
            break;
        };
        let Some((section, next)) = after.split_at_checked(size) else {
            break;
        };
        if id == 0
            && let Some((length, named)) = leb128(section)
            && let Some((name, content)) = named.split_at_checked(length)
            && name == b"isocenter:manifest"
        {
            if found.is_some() {
                return Err(Reason::Manifest("there are two of them".into()));
            }
            if content.len() > MOST_MANIFEST {
                return Err(Reason::Manifest("it is larger than 64 KiB".into()));
            }
            let written: Written =
                serde_json::from_slice(content).map_err(|error| Reason::Manifest(error.to_string()))?;
            // One line each, of bounded length: they are shown in the log and on the page.
            found = Some(Described {
                manifest: Manifest::new(
                    reason(&written.name),
                    reason(&written.version),
                    reason(&written.description),
                    reason(&written.license),
                ),
                config: written.config_schema,
            });
        }
        rest = next;
    }
    Ok(found)
}

/// An unsigned number of at most 32 bits, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, bytes.get(index + 1..)?));
        }
    }
    None
}
