//! Runs a built plugin in the host's own runtime, with the same sandbox and limits, and with everything around it faked:
//! its state is in memory, other servers answer what the test says, jobs are kept to be looked at.
//!
//! Separate from the guest crate, whose fakes run the author's code natively and fast: here the component itself runs,
//! as it will in a hospital. A [`Case`] is a folder with an object (or another input), what is around the plugin, and
//! the text that is expected; [`Harness::run`] makes that text. It holds nothing that differs from run to run: time and
//! memory are beside it, in [`Ran`].

mod archive;
mod ask;
mod case;
mod chance;
mod json;
mod object;
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use isocenter_dicom::edit::SiteKey;
use isocenter_plugin::{Grant, LoadError, PluginSpec, Runtime, RuntimeOptions, Secret, StartError, Surroundings};
use isocenter_role::{Cost, Plugin as _, Role};

pub use case::{Answer, Case, CaseError, Fails, Now, PassageOf, Seed};
pub use object::{CaseObject, ObjectError, read_object};

/// The runtime for one component file.
pub struct Harness {
    runtime: Runtime,
    component: PathBuf,
}

/// What came of a case.
#[derive(Debug)]
pub struct Ran {
    /// The role that was asked.
    pub role: Role,
    /// What the plugin answered and did, in lines; the same in every run.
    pub text: String,
    /// What the call used.
    pub cost: Cost,
}

/// Why a case could not be run. That a plugin fails is no error: it is in the text.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The runtime.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The component does not load with this configuration.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It plays several roles and the case says none, or one that it does not play.
    #[error("the plugin plays {plays}; say which is asked: role = \"{first}\" in case.toml")]
    Role {
        /// Its roles.
        plays: String,
        /// One of them.
        first: &'static str,
    },
    /// The case lacks what this role is asked about.
    #[error("a case for a {role} needs {needs}")]
    Needs {
        /// The role.
        role: &'static str,
        /// What is missing.
        needs: &'static str,
    },
    /// The input of the case.
    #[error("[input] of the case: {0}")]
    Input(String),
    /// An object.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

impl Harness {
    /// For the component in this file. Compiled code is kept in `cache`, a folder that nobody else may write to.
    ///
    /// # Errors
    /// When the runtime does not start.
    pub fn start(component: &Path, cache: &Path) -> Result<Harness, HarnessError> {
        // The same pseudonyms and UIDs in every run.
        let options = RuntimeOptions::new(cache, SiteKey::new([7; 32]));
        Ok(Harness {
            runtime: Runtime::start(options)?,
            component: component.to_owned(),
        })
    }

    /// Asks the plugin what the case asks.
    ///
    /// # Errors
    /// When the component does not load with the configuration of the case, or the case does not fit its roles.
    pub async fn run(&self, case: &Case) -> Result<Ran, HarnessError> {
        let world = Arc::new(world::World::new(case));
        let mut spec = PluginSpec::new("plugin", &self.component);
        spec.config = case.config.clone();
        spec.grant = grant(case);
        // A build machine is slow and busy; the time of the CPU is limited as ever.
        spec.limits.wall = Some(Duration::from_secs(60));
        let around = Surroundings {
            destinations: case.destinations.clone(),
            backing: world::backing(&world),
        };
        let plugin = self.runtime.load(spec, &around)?;
        let plays = plugin.roles();
        let role = match (case.role, plays.as_slice()) {
            (None, [only]) => *only,
            (Some(role), plays) if plays.contains(&role) => role,
            _ => {
                let names: Vec<&str> = plays.iter().map(|role| role.as_str()).collect();
                return Err(HarnessError::Role {
                    plays: names.join(", "),
                    first: plays.first().map_or("filter", |role| role.as_str()),
                });
            }
        };
        let (mut text, cost) = ask::ask(&plugin, role, case, &world).await?;
        text.push_str(&world.said());
        Ok(Ran { role, text, cost })
    }
}

/// Whatever the case has something behind.
fn grant(case: &Case) -> Grant {
    Grant {
        secrets: case
            .secrets
            .iter()
            .map(|(name, value)| (name.clone(), Secret::new(value.as_bytes())))
            .collect(),
        state: Some(16 << 20),
        http: vec!["https://faked.example".to_owned()],
        jobs: if case.jobs.is_empty() {
            vec!["jobs".to_owned()]
        } else {
            case.jobs.clone()
        },
        models: case.models.clone(),
    }
}

#[cfg(test)]
mod tests;
