//! Compares a component with the contract: what it imports, what it exports, and the difference in one sentence.
//!
//! Separate because most mistakes of plugin authors and operators end here, and the linker's own words are not for
//! them.

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre};

use crate::bindings::exports::isocenter::{filter::filter, plugin::lifecycle, routing::router};
use crate::call::Call;

/// Interfaces that a plugin may import.
const OFFERED: &[&str] = &[
    "isocenter:host/failure@0.1.0",
    "isocenter:host/log@0.1.0",
    "isocenter:host/metrics@0.1.0",
    "isocenter:host/config@0.1.0",
    "isocenter:host/clock@0.1.0",
    "isocenter:host/random@0.1.0",
    "isocenter:host/secrets@0.1.0",
    "isocenter:dicom/types@0.1.0",
    "isocenter:dicom/objects@0.1.0",
    "isocenter:dicom/edits@0.1.0",
    "isocenter:filter/passage@0.1.0",
    "isocenter:routing/plan@0.1.0",
];
pub(crate) const SECRETS: &str = "isocenter:host/secrets";
const LIFECYCLE: &str = "isocenter:plugin/lifecycle@0.1.0";
const FILTER: &str = "isocenter:filter/filter@0.1.0";
const ROUTER: &str = "isocenter:routing/router@0.1.0";

/// The exports that the host calls. At least one role is there.
#[derive(Clone)]
pub(crate) struct Exports {
    pub(crate) lifecycle: lifecycle::GuestIndices,
    pub(crate) filter: Option<filter::GuestIndices>,
    pub(crate) router: Option<router::GuestIndices>,
}

/// The names at a component's surface.
#[derive(Debug, Default)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl Surface {
    pub(crate) fn of(component: &Component, engine: &Engine) -> Surface {
        let ty = component.component_type();
        Surface {
            imports: ty.imports(engine).map(|(name, _)| name.to_owned()).collect(),
            exports: ty.exports(engine).map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// Whether the component imports an interface, in any version.
    pub(crate) fn imports(&self, interface: &str) -> bool {
        self.imports.iter().any(|name| split(name).0 == interface)
    }

    fn exports(&self, interface: &'static str) -> bool {
        self.exports.iter().any(|name| differs(name, &[interface]).is_ok())
    }

    /// What keeps this component from being a plugin of this host.
    pub(crate) fn difference(&self) -> Option<String> {
        let wrong_import = self.imports.iter().find_map(|name| differs(name, OFFERED).err());
        if let Some(wrong) = wrong_import {
            return Some(match wrong {
                Differs::Version { interface, offered } => version_sentence(&interface, offered),
                Differs::Unknown => {
                    let unknown = self.imports.iter().find(|name| differs(name, OFFERED).is_err());
                    let name = unknown.map_or("", String::as_str);
                    let hint = if name.starts_with("wasi:") {
                        "; this host offers no WASI: build for wasm32-unknown-unknown"
                    } else {
                        ""
                    };
                    format!("it imports {name}, which this host does not offer{hint}")
                }
            });
        }
        let called = [LIFECYCLE, FILTER, ROUTER];
        for name in &self.exports {
            if let Err(Differs::Version { interface, offered }) = differs(name, &called) {
                return Some(version_sentence(&interface, offered));
            }
        }
        if !self.exports(FILTER) && !self.exports(ROUTER) {
            let found = if self.exports.is_empty() {
                "nothing".to_owned()
            } else {
                self.exports.join(", ")
            };
            return Some(format!(
                "it plays no role: it exports {found}, but neither {FILTER} nor {ROUTER}"
            ));
        }
        if !self.exports(LIFECYCLE) {
            return Some(format!("it does not export {LIFECYCLE}, which every plugin does"));
        }
        None
    }
}

/// Finds the exports that the host calls, with their types checked.
pub(crate) fn exports(pre: &InstancePre<Call>, surface: &Surface) -> wasmtime::Result<Exports> {
    Ok(Exports {
        lifecycle: lifecycle::GuestIndices::new(pre)?,
        filter: surface
            .exports(FILTER)
            .then(|| filter::GuestIndices::new(pre))
            .transpose()?,
        router: surface
            .exports(ROUTER)
            .then(|| router::GuestIndices::new(pre))
            .transpose()?,
    })
}

#[derive(Debug)]
enum Differs {
    Version { interface: String, offered: &'static str },
    Unknown,
}

fn version_sentence(interface: &str, offered: &str) -> String {
    let (name, version) = split(interface);
    let package = name.split_once('/').map_or(name, |(package, _)| package);
    let offered = split(offered).1;
    format!("it was built for {package}@{version}, this host offers {offered}")
}

/// `isocenter:host/log@0.1.0` as interface and version.
fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

fn differs(name: &str, known: &[&'static str]) -> Result<(), Differs> {
    let (interface, version) = split(name);
    match known.iter().find(|known| split(known).0 == interface) {
        None => Err(Differs::Unknown),
        Some(offered) if compatible(version, split(offered).1) => Ok(()),
        Some(offered) => Err(Differs::Version {
            interface: name.to_owned(),
            offered,
        }),
    }
}

/// Semver, as the linker matches it: the same major, and below 1.0 the same minor.
fn compatible(wanted: &str, offered: &str) -> bool {
    let track = |version: &str| {
        let mut parts = version.split('.').map(str::to_owned);
        let (major, minor) = (parts.next(), parts.next());
        let minor = if major.as_deref() == Some("0") { minor } else { None };
        (major, minor)
    };
    track(wanted) == track(offered)
}

#[cfg(test)]
mod tests;
