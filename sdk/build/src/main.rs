//! `isocenter-plugin-build MODULE COMPONENT [SCHEMA]`: the command line of the library beside it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (module, component, schema) = match arguments.as_slice() {
        [module, component] => (module, component, None),
        [module, component, schema] => (module, component, Some(schema.as_path())),
        _ => {
            eprintln!("usage: isocenter-plugin-build MODULE.wasm COMPONENT.wasm [SCHEMA.json]");
            return ExitCode::from(2);
        }
    };
    match build(module, component, schema) {
        Ok(size) => {
            println!("{} ({} KB)", component.display(), size.div_ceil(1000));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", module.display());
            ExitCode::FAILURE
        }
    }
}

/// Writes beside the target and renames, so that a host that reads at this moment never sees half a component.
fn build(module: &Path, component: &Path, schema: Option<&Path>) -> Result<usize, Box<dyn std::error::Error>> {
    let schema: Option<serde_json::Value> = match schema {
        Some(path) => Some(serde_json::from_slice(&std::fs::read(path)?)?),
        None => None,
    };
    let bytes = isocenter_plugin_build::componentize(&std::fs::read(module)?, schema.as_ref())?;
    let part = component.with_extension("part");
    std::fs::write(&part, &bytes)?;
    std::fs::rename(&part, component)?;
    Ok(bytes.len())
}
