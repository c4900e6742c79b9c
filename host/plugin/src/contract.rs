//! Compares a component with the contract: what it imports, what it exports, and the difference in one sentence.
//!
//! Separate because most mistakes of plugin authors and operators end here, and the linker's own words are not for
//! them.

use isocenter_role::Role;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre};

use crate::call::Call;
use crate::host::OFFERED;
use crate::role::Exports;

const LIFECYCLE: &str = "isocenter:plugin/lifecycle@0.1.1";

/// The export that makes a component play a role.
pub(crate) fn export_of(role: Role) -> &'static str {
    match role {
        Role::Filter => "isocenter:filter/filter@0.1.1",
        Role::Router => "isocenter:routing/router@0.1.1",
        Role::StudyRouter => "isocenter:routing/study-router@0.1.1",
        Role::Analyzer => "isocenter:inference/analyzer@0.1.0",
        Role::Authenticator => "isocenter:auth/authenticator@0.1.0",
        Role::Authorizer => "isocenter:auth/authorizer@0.1.0",
        Role::Gate => "isocenter:auth/gate@0.1.0",
        Role::Sink => "isocenter:events/sink@0.1.0",
        Role::Route => "isocenter:http-ext/route@0.1.0",
        Role::Worker => "isocenter:jobs/worker@0.1.0",
    }
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
        self.imports.iter().any(|name| split(name).0 == split(interface).0)
    }

    fn exports(&self, interface: &'static str) -> bool {
        self.exports.iter().any(|name| differs(name, &[interface]).is_ok())
    }

    /// What keeps this component from being a plugin of this host.
    pub(crate) fn difference(&self) -> Option<String> {
        let offered: Vec<&'static str> = OFFERED.iter().map(|capability| capability.interface).collect();
        let wrong_import = self.imports.iter().find_map(|name| differs(name, &offered).err());
        if let Some(wrong) = wrong_import {
            return Some(match wrong {
                Differs::Version { interface, offered } => version_sentence(&interface, offered),
                Differs::Unknown => {
                    let unknown = self.imports.iter().find(|name| differs(name, &offered).is_err());
                    let name = unknown.map_or("", String::as_str);
                    let hint = if name.starts_with("wasi:") {
                        "; this host offers no WASI: build for wasm32-unknown-unknown, or with WASI stubbed"
                    } else {
                        ""
                    };
                    format!("it imports {name}, which this host does not offer{hint}")
                }
            });
        }
        let roles = Role::ALL.map(export_of);
        for name in &self.exports {
            if let Err(Differs::Version { interface, offered }) = differs(name, &[&[LIFECYCLE], &roles[..]].concat()) {
                return Some(version_sentence(&interface, offered));
            }
        }
        if !roles.iter().any(|role| self.exports(role)) {
            let found = if self.exports.is_empty() {
                "nothing".to_owned()
            } else {
                self.exports.join(", ")
            };
            let names = Role::ALL.map(Role::as_str).join(", ");
            return Some(format!(
                "it plays no role: it exports {found}, but none of {names} (a filter is {})",
                export_of(Role::Filter)
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
    use crate::bindings::exports::isocenter::{auth, events, filter, http_ext, inference, jobs, plugin, routing};
    /// The indices of a role's export, if the component has it.
    macro_rules! playing {
        ($role:expr, $($indices:tt)+) => {
            surface
                .exports(export_of($role))
                .then(|| $($indices)+::GuestIndices::new(pre))
                .transpose()?
        };
    }
    Ok(Exports {
        lifecycle: plugin::lifecycle::GuestIndices::new(pre)?,
        filter: playing!(Role::Filter, filter::filter),
        router: playing!(Role::Router, routing::router),
        study_router: playing!(Role::StudyRouter, routing::study_router),
        analyzer: playing!(Role::Analyzer, inference::analyzer),
        authenticator: playing!(Role::Authenticator, auth::authenticator),
        authorizer: playing!(Role::Authorizer, auth::authorizer),
        gate: playing!(Role::Gate, auth::gate),
        sink: playing!(Role::Sink, events::sink),
        route: playing!(Role::Route, http_ext::route),
        worker: playing!(Role::Worker, jobs::worker),
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
pub(crate) fn split(name: &str) -> (&str, &str) {
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
