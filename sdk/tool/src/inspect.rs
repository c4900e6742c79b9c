//! A component, described for who is about to configure it.

use std::fmt::Write as _;
use std::path::Path;

use isocenter_plugin::{Runtime, RuntimeOptions};

use crate::ToolError;

/// The JSON Schema of a component's configuration, for an editor.
///
/// # Errors
/// When the file is no component, or has no schema.
pub fn schema(component: &Path) -> Result<String, ToolError> {
    let bytes = std::fs::read(component).map_err(crate::file(component))?;
    let said = isocenter_plugin::describe(&bytes, component)?;
    let schema = said.and_then(|said| said.config);
    let schema = schema.ok_or_else(|| ToolError::NoSchema(component.to_owned()))?;
    Ok(format!("{schema:#}\n"))
}

/// Says of a component file what it is: roles, imports, the grant that it needs, what it says of itself, digest, size;
/// and ends with the lines for a configuration.
///
/// # Errors
/// When the file is no component.
pub fn inspect(component: &Path, cache: &Path) -> Result<String, ToolError> {
    let key = isocenter_plugin::SiteKey::new([0; 32]);
    let runtime = Runtime::start(RuntimeOptions::new(cache, key))?;
    let found = runtime.inspect(component)?;
    let mut text = String::new();
    if let Some(manifest) = &found.manifest {
        let _ = writeln!(text, "{} {}", manifest.name, manifest.version);
        for line in [&manifest.description, &manifest.license] {
            if !line.is_empty() {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    let _ = writeln!(text, "size     {} bytes", found.size);
    let _ = writeln!(text, "digest   blake3:{}", found.digest);
    let roles: Vec<&str> = found.roles.iter().map(|role| role.as_str()).collect();
    let _ = writeln!(text, "roles    {}", roles.join(", "));
    let mut needs = Vec::new();
    for (position, (name, grant)) in found.imports.iter().enumerate() {
        let label = if position == 0 { "imports " } else { "        " };
        let _ = writeln!(text, "{label} {name}");
        needs.extend(grant.clone());
    }
    if let Some(schema) = &found.config {
        let _ = writeln!(text, "config   as JSON Schema (`--schema` prints it alone)");
        for line in format!("{schema:#}").lines() {
            let _ = writeln!(text, "         {line}");
        }
    }
    if let Some(difference) = &found.difference {
        let _ = writeln!(text, "\nthis host does not load it: {difference}");
        return Ok(text);
    }
    let name = found
        .manifest
        .map_or_else(|| "NAME".to_owned(), |manifest| manifest.name);
    let _ = writeln!(
        text,
        "\n[plugins.{name}]\nsource = {:?}",
        component.display().to_string()
    );
    // Not in force: it would refuse what is built next.
    let _ = writeln!(
        text,
        "# digest = \"blake3:{}\"  # admits this file and no other build",
        found.digest
    );
    if !needs.is_empty() {
        let _ = writeln!(text, "grant = {{ {} }}", needs.join(", "));
    }
    Ok(text)
}
