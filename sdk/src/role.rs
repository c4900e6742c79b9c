//! The roles as traits: what an author implements.
//!
//! Separate because this is the list of what a plugin can be. Each call gets the plugin's part of the configuration, read
//! anew; what a call is given it may not keep.

use serde::de::DeserializeOwned;

use crate::{
    Access, Admission, Association, Credentials, Decision, Edits, Error, Event, Identity, Next, Object, Passage, Plan,
    Request, Response, Result, Results, Study, Verdict,
};

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

/// Names the destinations of a whole study.
pub trait StudyRouter {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed and the configured destinations.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config, _destinations: &[String]) -> Result<()> {
        Ok(())
    }

    /// Called when no member has arrived for the quiet time of the chain; again if more arrive later. What is planned
    /// is done for every member.
    ///
    /// # Errors
    /// The router could not do its work; the routing is retried or parked, never dropped.
    fn route_study(study: &mut Study<'_>, plan: &mut Plan<'_>, config: &Self::Config) -> Result<()>;
}

/// Makes new objects from a quiet study, in as many steps as it needs.
pub trait Analyzer {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// The first step: called when no member has arrived for the quiet time of the chain.
    ///
    /// # Errors
    /// The analyzer could not do its work; nothing is stored, and the job is tried again or parked.
    fn start(study: &mut Study<'_>, results: &mut Results<'_>, config: &Self::Config) -> Result<Next>;

    /// The next step after [`Next::Wait`], in a new instance, perhaps on another machine.
    ///
    /// # Errors
    /// As [`Analyzer::start`]. An analyzer that never waits needs no other than this one.
    fn resume(token: &[u8], study: &mut Study<'_>, results: &mut Results<'_>, config: &Self::Config) -> Result<Next> {
        let _ = (token, study, results, config);
        Err(Error::never("this analyzer never waits, so there is nothing to resume"))
    }
}

/// Says who sent an HTTP request.
pub trait Authenticator {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// `None`: not one of mine. The next authenticator is asked; when all say so, the caller is answered 401.
    ///
    /// # Errors
    /// The authenticator could not do its work; the caller is answered 401, or 503 if it may work later.
    fn authenticate(credentials: &Credentials<'_>, config: &Self::Config) -> Result<Option<Identity>>;
}

/// Says what a caller may do.
pub trait Authorizer {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// Where several authorizers are configured, all must agree, and all limits hold.
    ///
    /// # Errors
    /// The authorizer could not do its work; the caller is answered 403, or 503 if it may work later.
    fn authorize(who: &Identity, access: &Access<'_>, config: &Self::Config) -> Result<Decision>;
}

/// Says which associations are let in.
pub trait Gate {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// Called before any presentation context is accepted. Where several gates are configured, all must admit; the
    /// identity is the first one's.
    ///
    /// # Errors
    /// The gate could not do its work; the association is rejected.
    fn admit(association: &Association<'_>, config: &Self::Config) -> Result<Admission>;
}

/// Is told what happened.
pub trait Sink {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// Events in order, each at least once. A sink ignores kinds that it does not know.
    ///
    /// # Errors
    /// The sink does not have the batch; it is told again later, never skipped in silence.
    fn deliver(batch: &[Event], config: &Self::Config) -> Result<()>;
}

/// Answers HTTP below `/plugins/NAME/`.
pub trait Route {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// One request, after the caller was authenticated and authorized.
    ///
    /// # Errors
    /// The route could not do its work; the caller is answered 502, or 503 if it may work later.
    fn handle(request: &Request<'_>, response: &mut Response<'_>, config: &Self::Config) -> Result<()>;
}

/// Does the jobs that its own plugin enqueued.
pub trait Worker {
    /// The plugin's part of the operator's configuration.
    type Config: DeserializeOwned;

    /// Called once when the plugin is loaded, with a configuration that parsed.
    ///
    /// # Errors
    /// The configuration is refused, with one sentence for the operator.
    fn check(_config: &Self::Config) -> Result<()> {
        Ok(())
    }

    /// One job, at least once, in a new instance.
    ///
    /// # Errors
    /// The job is not done; it is tried again, or kept as a dead letter.
    fn run(queue: &str, payload: &[u8], config: &Self::Config) -> Result<()>;
}
