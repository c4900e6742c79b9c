//! The standard library for wasm32-unknown-unknown, prepared where it is not there.
//!
//! The script is the one that this repository's own plugins are built with; it travels inside the tool.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{ToolError, file, project};

pub(crate) const TRIPLE: &str = "wasm32-unknown-unknown";
const SCRIPT: &str = include_str!("../../build/wasm-target.sh");

/// What cargo must find in its environment to build for the target. Says on standard error what it does, if anything.
pub(crate) fn prepare() -> Result<BTreeMap<String, String>, ToolError> {
    // A checkout that has built its plugins has it already.
    let beside = project::checkout().and_then(|sdk| Some(sdk.parent()?.join("target")));
    for folder in [beside, std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from)]
        .into_iter()
        .flatten()
    {
        if let Ok(text) = fs::read_to_string(folder.join("wasm-sysroot/env")) {
            return Ok(variables(&text));
        }
    }
    let folder = home().join("wasm");
    let environment = folder.join("wasm-sysroot/env");
    if !environment.is_file() {
        make(&folder)?;
    }
    let text = fs::read_to_string(&environment).map_err(file(environment))?;
    Ok(variables(&text))
}

/// What is kept between projects.
fn home() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("isocenter")
}

fn make(folder: &Path) -> Result<(), ToolError> {
    let scripts = folder.join("sdk/build");
    fs::create_dir_all(&scripts).map_err(file(&scripts))?;
    let script = scripts.join("wasm-target.sh");
    fs::write(&script, SCRIPT).map_err(file(&script))?;
    let status = Command::new("sh")
        .arg(&script)
        .env("CARGO_TARGET_DIR", folder)
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| ToolError::Target(error.to_string()))?;
    if status.success() {
        return Ok(());
    }
    Err(ToolError::Target("its messages are above".into()))
}

/// `NAME=VALUE` in lines.
fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| {
            name.chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
