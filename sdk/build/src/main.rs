//! `isocenter-plugin-build MODULE COMPONENT`: the command line of the library beside it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, component] = arguments.as_slice() else {
        eprintln!("usage: isocenter-plugin-build MODULE.wasm COMPONENT.wasm");
        return ExitCode::from(2);
    };
    match build(module, component) {
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
fn build(module: &Path, component: &Path) -> Result<usize, Box<dyn std::error::Error>> {
    let bytes = isocenter_plugin_build::componentize(&std::fs::read(module)?)?;
    let part = component.with_extension("part");
    std::fs::write(&part, &bytes)?;
    std::fs::rename(&part, component)?;
    Ok(bytes.len())
}
