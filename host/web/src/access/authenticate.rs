//! Who sent a request: every authenticator is asked in its order, the first answer counts.

use std::sync::Arc;
use std::time::SystemTime;

use isocenter_pipeline::Set;
use isocenter_role::{Credentials, Identity};

use super::known::Known;
use super::unavailable;
use crate::error::RouteError;

/// Who it is; nobody in particular where no authenticator is configured.
///
/// # Errors
/// When nobody knows the caller, or an authenticator failed: the next one is not asked then, for it might let in whom
/// this one would have named otherwise.
pub(super) async fn caller(
    set: &Arc<Set>,
    known: &Known,
    credentials: Credentials,
) -> Result<Option<Arc<Identity>>, RouteError> {
    if set.authenticators.is_empty() {
        return Ok(None);
    }
    let shown = known.shown(&credentials);
    let now = SystemTime::now();
    if let Some(who) = known.find(set, shown, now) {
        return Ok(Some(who));
    }
    let credentials = Arc::new(credentials);
    for authenticator in &set.authenticators {
        let outcome = Arc::clone(authenticator).authenticate(Arc::clone(&credentials)).await;
        match outcome.result {
            Ok(Some(identity)) => {
                let who = Arc::new(identity);
                known.keep(set, shown, &who, now);
                return Ok(Some(who));
            }
            Ok(None) => {}
            Err(failure) => {
                tracing::error!(authenticator = authenticator.name(), %failure, "an authenticator failed, so the request is refused");
                return Err(unavailable(&failure).unwrap_or(RouteError::Unauthenticated));
            }
        }
    }
    tracing::info!("nobody knows the sender of a request");
    Err(RouteError::Unauthenticated)
}
