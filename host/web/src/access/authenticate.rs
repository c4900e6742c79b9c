//! Who sent a request: every authenticator is asked in its order, the first answer counts.

use std::sync::Arc;
use std::time::SystemTime;

use isocenter_pipeline::door::{Answered, Visit, Worth};
use isocenter_pipeline::{Pipeline, Set};
use isocenter_role::{Authenticator, Credentials, Identity, Outcome, Role};

use super::known::Known;
use super::unavailable;
use crate::error::RouteError;

/// Who it is; nobody in particular where no authenticator is configured.
///
/// # Errors
/// When nobody knows the caller, or an authenticator failed: the next one is not asked then, for it might let in whom
/// this one would have named otherwise.
pub(super) async fn caller(
    pipeline: &Pipeline,
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
    let mut strange = Vec::new();
    for authenticator in &set.authenticators {
        let outcome = Arc::clone(authenticator).authenticate(Arc::clone(&credentials)).await;
        if !matches!(outcome.result, Ok(None)) {
            write_down(pipeline, &**authenticator, &outcome, &credentials, Worth::ASample);
        }
        match outcome.result {
            Ok(Some(identity)) => {
                let who = Arc::new(identity);
                known.keep(set, shown, &who, now);
                return Ok(Some(who));
            }
            Ok(None) => strange.push((authenticator, outcome.cost)),
            Err(failure) => {
                tracing::error!(authenticator = authenticator.name(), %failure, "an authenticator failed, so the request is refused");
                return Err(unavailable(&failure).unwrap_or(RouteError::Unauthenticated));
            }
        }
    }
    for (authenticator, cost) in strange {
        let outcome = Outcome { result: Ok(None), cost };
        write_down(pipeline, &**authenticator, &outcome, &credentials, Worth::ARow);
    }
    tracing::info!("nobody knows the sender of a request");
    Err(RouteError::Unauthenticated)
}

/// Takes down one answer with the address that was asked about, and nothing of what was shown. That an authenticator does
/// not know somebody is worth a row when no other does.
fn write_down(
    pipeline: &Pipeline,
    authenticator: &dyn Authenticator,
    outcome: &Outcome<Option<Identity>>,
    credentials: &Credentials,
    worth: Worth,
) {
    let visit = Visit {
        who: credentials.peer.map(|peer| format!("from {peer}")),
        ..Visit::default()
    };
    pipeline.at_door(authenticator, Role::Authenticator, outcome, visit, |known| Answered {
        word: if known.is_some() { "known" } else { "unknown" },
        reason: None,
        worth,
    });
}
