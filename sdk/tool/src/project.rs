//! A plugin's folder: made new, and found again.

use std::fs;
use std::path::{Path, PathBuf};

use isocenter_role::Role;

use crate::template::{self, Objects};
use crate::{ToolError, file};

/// A folder with a plugin's crate and its cases.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// The crate's name, and the component's.
    pub name: String,
    /// Whether it may describe its configuration: it depends on `schemars`.
    pub(crate) described: bool,
}

impl Project {
    /// Makes a project in `parent/name` with an example of the role, its tests, and a first case. `sdk` is the folder of
    /// the guest crate; without it, that of the checkout in which this tool was built.
    ///
    /// # Errors
    /// When the name is no crate's name or the folder is there already; when there is no guest crate; when a file cannot be
    /// written.
    pub fn create(parent: &Path, name: &str, role: Role, sdk: Option<&Path>) -> Result<Project, ToolError> {
        check_name(name)?;
        let folder = parent.join(name);
        if folder.exists() {
            return Err(ToolError::Exists(folder));
        }
        let sdk = match sdk {
            Some(sdk) => is_sdk(sdk).then(|| sdk.to_owned()),
            None => checkout(),
        };
        let sdk = sdk.ok_or(ToolError::NoSdk)?;
        let template = template::of(role);
        let case = folder.join("cases/first");
        let source = folder.join("src");
        for made in [&case, &source] {
            fs::create_dir_all(made).map_err(file(made))?;
        }
        let write = |at: PathBuf, content: &str| fs::write(&at, content).map_err(file(at));
        write(folder.join("Cargo.toml"), &template::manifest(name, &dependency(&sdk)))?;
        write(folder.join("README.md"), &template::readme(name, role))?;
        write(folder.join(".gitignore"), "target/\n*.key\n")?;
        write(source.join("lib.rs"), template.lib)?;
        write(source.join("tests.rs"), template.tests)?;
        write(case.join("case.toml"), template.case)?;
        write(case.join("expect.txt"), template.expect)?;
        match template.objects {
            Objects::None => {}
            Objects::One => write(case.join("object.json"), &template::object(1))?,
            Objects::Study => {
                let study = case.join("study");
                fs::create_dir(&study).map_err(file(&study))?;
                for number in 1..=3 {
                    write(study.join(format!("{number}.json")), &template::object(number))?;
                }
            }
        }
        if let Some(lock) = sdk.parent().map(|root| root.join("Cargo.lock"))
            && lock.is_file()
        {
            // The versions that the SDK was tested with; cargo leaves out what is not needed.
            fs::copy(&lock, folder.join("Cargo.lock")).map_err(file(lock))?;
        }
        Ok(Project {
            folder,
            name: name.to_owned(),
            described: true,
        })
    }

    /// The project in this folder.
    ///
    /// # Errors
    /// When there is no crate that becomes a component.
    pub fn open(folder: &Path) -> Result<Project, ToolError> {
        let none = || ToolError::NoProject(folder.to_owned());
        let text = fs::read_to_string(folder.join("Cargo.toml")).map_err(|_| none())?;
        let manifest: toml::Table = text.parse().map_err(|_| none())?;
        let cdylib = manifest
            .get("lib")
            .and_then(|lib| lib.get("crate-type"))
            .and_then(toml::Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(|kind| kind.as_str() == Some("cdylib")));
        let name = manifest.get("package").and_then(|package| package.get("name"));
        let name = name.and_then(toml::Value::as_str).ok_or_else(none)?;
        if !cdylib {
            return Err(none());
        }
        Ok(Project {
            folder: fs::canonicalize(folder).map_err(file(folder))?,
            name: name.to_owned(),
            described: manifest
                .get("dependencies")
                .and_then(toml::Value::as_table)
                .is_some_and(|all| all.contains_key("schemars")),
        })
    }

    /// Where the component is, once it is built.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.folder.join("target/plugin").join(format!("{}.wasm", self.name))
    }

    /// Where cargo works: the project's own folder, unless the author shares one between projects.
    pub(crate) fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.folder.join("target"), PathBuf::from)
    }

    /// Compiled code of the component, for the cases.
    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.join("target/plugin/compiled")
    }
}

/// Whether a plugin may be called so.
pub(crate) fn check_name(name: &str) -> Result<(), ToolError> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fine) || name.len() > 64 {
        return Err(ToolError::Name(name.to_owned()));
    }
    Ok(())
}

/// The guest crate beside the sources of this tool, if they are still there.
pub(crate) fn checkout() -> Option<PathBuf> {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    is_sdk(sdk).then(|| sdk.to_owned())
}

fn is_sdk(folder: &Path) -> bool {
    folder.join("src/lib.rs").is_file() && folder.join("Cargo.toml").is_file()
}

/// By its folder: the crate is in no registry.
fn dependency(sdk: &Path) -> String {
    let path = fs::canonicalize(sdk).unwrap_or_else(|_| sdk.to_owned());
    format!("{{ path = {} }}", toml::Value::String(path.display().to_string()))
}
