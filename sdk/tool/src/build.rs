//! From a crate to a component: cargo makes a module, and it is componentized in this process.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::project::Project;
use crate::wasm_target::{self, TRIPLE};
use crate::{ToolError, file};

impl Project {
    /// Builds the component and answers its size in bytes. Cargo's messages go to standard error.
    ///
    /// # Errors
    /// When the target cannot be prepared, cargo does not succeed, or the module does not fit the contract.
    pub fn build(&self) -> Result<u64, ToolError> {
        let environment = wasm_target::prepare()?;
        let target = self.target();
        let status = Command::new("cargo")
            .args(["build", "--lib", "--release", "--target", TRIPLE])
            .current_dir(&self.folder)
            .envs(environment)
            .env("CARGO_TARGET_DIR", &target)
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .status()
            .map_err(ToolError::NoCargo)?;
        if !status.success() {
            return Err(ToolError::Cargo("build"));
        }
        let module = format!("{}.wasm", self.name.replace('-', "_"));
        let module = target.join(TRIPLE).join("release").join(module);
        let bytes = fs::read(&module).map_err(file(module))?;
        let component = isocenter_plugin_build::componentize(&bytes)?;
        let at = self.component();
        if let Some(folder) = at.parent() {
            fs::create_dir_all(folder).map_err(file(folder))?;
        }
        // A host that reads at this moment never sees half a component.
        let part: PathBuf = at.with_extension("part");
        fs::write(&part, &component).map_err(file(&part))?;
        fs::rename(&part, &at).map_err(file(&at))?;
        Ok(component.len() as u64)
    }

    /// Runs the crate's own tests, natively. Their output goes where this process' does.
    ///
    /// # Errors
    /// When cargo does not succeed.
    pub fn test_natively(&self) -> Result<(), ToolError> {
        let status = Command::new("cargo")
            .args(["test", "--quiet"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target())
            .stdin(Stdio::null())
            .status()
            .map_err(ToolError::NoCargo)?;
        if status.success() {
            Ok(())
        } else {
            Err(ToolError::Cargo("test"))
        }
    }
}
