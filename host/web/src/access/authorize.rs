//! What a caller may do: every authorizer is asked, all must agree, and all limits hold.

use std::sync::Arc;

use isocenter_pipeline::Set;
use isocenter_role::{Access, Decision, Identity};

use super::unavailable;
use super::within::Within;
use crate::error::RouteError;

/// Within which limits the access is allowed; without authorizers, within none.
///
/// # Errors
/// When one denies it, or failed, or limits it as the index cannot. The caller is not told why.
pub(super) async fn limits(set: &Set, who: &Arc<Identity>, access: &Access) -> Result<Within, RouteError> {
    let mut limits = Vec::new();
    let action = access.action.as_str();
    for authorizer in &set.authorizers {
        let name = authorizer.name();
        let outcome = Arc::clone(authorizer).authorize(Arc::clone(who), access.clone()).await;
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
