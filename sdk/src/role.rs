//! The roles as traits, and what the export macros call.
//!
//! Separate because it is the frame around an author's code: the panic hook first, then the configuration, then the
//! call.

use serde::de::DeserializeOwned;

use crate::{Edits, Object, Passage, Plan, Result, Verdict};

/// Looks at an object that passes, edits it, lets it pass or not.
pub trait Filter {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// Called once for each object, when its header is complete.
    ///
    /// # Errors
    /// The filter could not do its work; the object is held or refused, never stored unedited.
    fn apply(
        object: &Object<'_>,
        passage: &Passage<'_>,
        edits: &mut Edits<'_>,
        config: &Self::Config,
    ) -> Result<Verdict>;
}

/// Names the destinations of a stored object.
pub trait Router {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed and the configured destinations.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config, _destinations: &[String]) -> Result<()> {
        Ok(())
    }

    /// Called once for each object, after it was stored. Same object, same plan.
    ///
    /// # Errors
    /// The router could not do its work; the routing is retried or parked, never dropped.
    fn route(object: &Object<'_>, plan: &mut Plan<'_>, config: &Self::Config) -> Result<()>;
}

/// What the macros call; no part of the interface for authors.
#[doc(hidden)]
pub mod export {
    use super::{Filter, Router};
    use crate::bindings::filter::isocenter::dicom::{edits, objects};
    use crate::bindings::filter::isocenter::filter::passage;
    use crate::bindings::filter::isocenter::host::failure::Failure;
    use crate::bindings::router::isocenter::routing::plan;
    use crate::{Edits, Error, Object, Passage, Plan, Result, Verdict, host};

    fn config<C: serde::de::DeserializeOwned>() -> Result<C> {
        host::log_panics();
        serde_json::from_str(&host::config_json()).map_err(|error| Error::never(error.to_string()))
    }

    /// # Errors
    /// The configuration is refused.
    pub fn check_filter<F: Filter>() -> std::result::Result<(), String> {
        config()
            .and_then(|config| F::check(&config))
            .map_err(|error| error.reason().to_owned())
    }

    /// # Errors
    /// The configuration is refused.
    pub fn check_router<R: Router>() -> std::result::Result<(), String> {
        config()
            .and_then(|config| R::check(&config, &plan::destinations()))
            .map_err(|error| error.reason().to_owned())
    }

    /// # Errors
    /// The filter's own.
    pub fn apply<F: Filter>(
        object: &objects::Object,
        passage: &passage::Passage,
        edits: &edits::Edits,
    ) -> std::result::Result<Verdict, Failure> {
        let config = config()?;
        Ok(F::apply(
            &Object::host(object),
            &Passage::host(passage),
            &mut Edits::host(edits),
            &config,
        )?)
    }

    /// # Errors
    /// The router's own.
    pub fn route<R: Router>(object: &objects::Object, plan: &plan::Plan) -> std::result::Result<(), Failure> {
        let config = config()?;
        Ok(R::route(&Object::host(object), &mut Plan::host(plan), &config)?)
    }
}
