//! The JSON Schema of a plugin's configuration, for the build tool, which asks for it natively: nothing of it is in the
//! component but its text.
//!
//! Separate because a plugin need not have one: a type that derives `schemars::JsonSchema` is described, another is not,
//! and both are a configuration.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Where the build tool wants it.
const VARIABLE: &str = "ISOCENTER_CONFIG_SCHEMA";

/// The type of a configuration.
pub struct Of<C>(PhantomData<C>);

impl<C> Of<C> {
    /// Of this type.
    pub const TYPE: Of<C> = Of(PhantomData);
}

/// A type that describes itself. Found before [`Plain`], because it needs one reference less.
pub trait Described {
    /// Its schema.
    fn schema(&self, generator: &mut SchemaGenerator) -> Option<Schema>;
}

impl<C: JsonSchema> Described for Of<C> {
    fn schema(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<C>())
    }
}

/// A type that does not.
pub trait Plain {
    /// None.
    fn schema(&self, generator: &mut SchemaGenerator) -> Option<Schema>;
}

impl<C> Plain for &Of<C> {
    fn schema(&self, _generator: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// One schema of all that the roles of a plugin read, each of which must fit; `None` where no role describes its own.
pub fn together(roles: impl FnOnce(&mut SchemaGenerator) -> Vec<Option<Schema>>) -> Option<serde_json::Value> {
    let mut generator = SchemaGenerator::default();
    let mut all: Vec<serde_json::Value> = Vec::new();
    for schema in roles(&mut generator).into_iter().flatten() {
        let schema = schema.to_value();
        if !all.contains(&schema) {
            all.push(schema);
        }
    }
    let mut root = match all.len() {
        0 => return None,
        1 => all.remove(0),
        _ => serde_json::json!({ "allOf": all }),
    };
    let definitions = generator.take_definitions(true);
    if let Some(root) = root.as_object_mut() {
        root.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        if !definitions.is_empty() {
            root.insert("$defs".into(), definitions.into());
        }
    }
    Some(root)
}

/// Writes it where the build tool wants it; without one, does nothing.
///
/// # Panics
/// When the file cannot be written: then the build must not go on.
#[expect(clippy::panic, reason = "it runs as a test, whose failure ends the build")]
pub fn write(schema: Option<serde_json::Value>) {
    let (Some(path), Some(schema)) = (std::env::var_os(VARIABLE), schema) else {
        return;
    };
    if let Err(error) = std::fs::write(&path, schema.to_string()) {
        panic!("{}: {error}", path.to_string_lossy());
    }
}

#[cfg(test)]
mod tests;
