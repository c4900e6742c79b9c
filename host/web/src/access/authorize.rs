//! What the sender of a request may do, as an answer of HTTP where it is nothing.

use std::sync::Arc;

use isocenter_pipeline::permission::Denied;
use isocenter_pipeline::{Pipeline, Set};
use isocenter_role::{Access, Identity};

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
    match pipeline.permit(&set.authorizers, who, access).await {
        Ok(limits) => Within::limits(limits),
        Err(Denied::Now) => Err(RouteError::Denied),
        Err(Denied::For { seconds }) => Err(RouteError::NotNow { seconds }),
    }
}
