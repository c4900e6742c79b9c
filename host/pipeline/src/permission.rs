//! What a caller may do: every authorizer is asked, all must agree, and all limits hold.
//!
//! Separate from the doors that ask (HTTP requests, associations) so that a permission means the same at each of them.

use std::sync::Arc;

use isocenter_archive::index::{LimitError, RowLimit, Within};
use isocenter_dicom::uid::Uid;
use isocenter_role::{Access, Authorizer, Decision, Failure, Identity, Limit, Role};

use crate::Pipeline;
use crate::door::{Answered, Visit, Worth};

/// Why a caller may not. They are not told more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// An authorizer says so, or failed.
    Now,
    /// An authorizer failed that may work later.
    For {
        /// After how many seconds, at least 1.
        seconds: u64,
    },
}

impl Denied {
    fn after(failure: &Failure) -> Self {
        failure.retryable().map_or(Self::Now, |after| Self::For {
            seconds: after.as_secs().max(1),
        })
    }
}

impl Pipeline {
    /// Within which limits the access is allowed; without authorizers, within none.
    ///
    /// # Errors
    /// When one denies it, or failed.
    pub async fn permit(
        &self,
        authorizers: &[Arc<dyn Authorizer>],
        who: &Arc<Identity>,
        access: &Access,
    ) -> Result<Vec<Limit>, Denied> {
        let mut limits = Vec::new();
        let action = access.action.as_str();
        for authorizer in authorizers {
            let name = authorizer.name();
            let outcome = Arc::clone(authorizer).authorize(Arc::clone(who), access.clone()).await;
            self.at_door(&**authorizer, Role::Authorizer, &outcome, visit(who, access), answered);
            match outcome.result {
                Ok(Decision::Allow) => {}
                Ok(Decision::Within(within)) => limits.extend(within),
                Ok(Decision::Deny(reason)) => {
                    tracing::info!(authorizer = name, action, reason, "an access is denied");
                    return Err(Denied::Now);
                }
                Err(failure) => {
                    tracing::error!(authorizer = name, action, %failure, "an authorizer failed, so the access is denied");
                    return Err(Denied::after(&failure));
                }
            }
        }
        Ok(limits)
    }
}

/// Limits as the index takes them.
///
/// # Errors
/// The index cannot keep one of them: the access must be denied.
pub fn rows(limits: &[Limit]) -> Result<Within, LimitError> {
    let rows: Vec<RowLimit> = limits
        .iter()
        .map(|limit| RowLimit {
            tag: limit.tag,
            one_of: limit.one_of.clone(),
        })
        .collect();
    Within::limits(&rows)
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
