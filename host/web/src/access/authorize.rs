//! What a caller may do: every authorizer is asked, all must agree, and all limits hold.

use std::sync::Arc;

use isocenter_dicom::uid::Uid;
use isocenter_pipeline::door::{Answered, Visit, Worth};
use isocenter_pipeline::{Pipeline, Set};
use isocenter_role::{Access, Decision, Identity, Role};

use super::unavailable;
use super::within::Within;
use crate::error::RouteError;

/// Within which limits the access is allowed; without authorizers, within none.
///
/// # Errors
/// When one denies it, or failed, or limits it as the index cannot. The caller is not told why.
pub(super) async fn limits(
    pipeline: &Pipeline,
    set: &Set,
    who: &Arc<Identity>,
    access: &Access,
) -> Result<Within, RouteError> {
    let mut limits = Vec::new();
    let action = access.action.as_str();
    for authorizer in &set.authorizers {
        let name = authorizer.name();
        let outcome = Arc::clone(authorizer).authorize(Arc::clone(who), access.clone()).await;
        pipeline.at_door(&**authorizer, Role::Authorizer, &outcome, visit(who, access), answered);
        match outcome.result {
            Ok(Decision::Allow) => {}
            Ok(Decision::Within(within)) => limits.extend(within),
            Ok(Decision::Deny(reason)) => {
                tracing::info!(authorizer = name, action, reason, "an access is denied");
                return Err(RouteError::Denied);
            }
            Err(failure) => {
                tracing::error!(authorizer = name, action, %failure, "an authorizer failed, so the access is denied");
                return Err(unavailable(&failure).unwrap_or(RouteError::Denied));
            }
        }
    }
    Within::limits(limits)
}

/// Who wants what, for the record. The keys of a search are not in it: they may name a patient.
fn visit(who: &Identity, access: &Access) -> Visit {
    let uid = |text: &str| Uid::parse(text).ok();
    let object = access.attributes.iter().find(|(name, _)| name == "object");
    let action = access.action.as_str();
    Visit {
        study: access.study.as_deref().and_then(uid),
        object: object.and_then(|(_, text)| uid(text)),
        who: Some(match who.subject.as_str() {
            "" => action.to_owned(),
            subject => format!("{action} by {subject}"),
        }),
    }
}

fn answered(decision: &Decision) -> Answered {
    let (reason, worth) = match decision {
        Decision::Allow | Decision::Within(_) => (None, Worth::ASample),
        Decision::Deny(reason) => (Some(reason.clone()), Worth::ARow),
    };
    Answered {
        word: decision.word(),
        reason,
        worth,
    }
}
