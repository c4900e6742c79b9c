//! From a crate to a component: cargo makes a module, and it is componentized in this process.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::project::Project;
use crate::ship;
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
        let component = isocenter_plugin_build::componentize(&bytes, self.schema()?.as_ref())?;
        let at = self.component();
        if let Some(folder) = at.parent() {
            fs::create_dir_all(folder).map_err(file(folder))?;
        }
        if fs::read(&at).is_ok_and(|before| before != component) && ship::remove_signatures(&at)? {
            eprintln!("its signature is removed: it was of the build before this one");
        }
        // A host that reads at this moment never sees half a component.
        let part: PathBuf = at.with_extension("part");
        fs::write(&part, &component).map_err(file(&part))?;
        fs::rename(&part, &at).map_err(file(&at))?;
        Ok(component.len() as u64)
    }

    /// The schema of its configuration, which the crate itself writes when it runs natively. Only a crate that depends on
    /// `schemars` has one.
    fn schema(&self) -> Result<Option<serde_json::Value>, ToolError> {
        if !self.described {
            return Ok(None);
        }
        let path = self.folder.join("target/plugin/config-schema.json");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(file(folder))?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file(path)(error)),
            _ => {}
        }
        let ran = Command::new("cargo")
            .args(["test", "--quiet", "--lib", "isocenter_config_schema", "--", "--ignored"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target())
            .env("ISOCENTER_CONFIG_SCHEMA", &path)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(ToolError::NoCargo)?;
        if !ran.status.success() {
            eprint!("{}", String::from_utf8_lossy(&ran.stdout));
            return Err(ToolError::Cargo("test --lib isocenter_config_schema -- --ignored"));
        }
        match fs::read(&path) {
            // The crate has schemars for something else.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file(path)(error)),
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| ToolError::File {
                    path,
                    error: error.into(),
                }),
        }
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
