//! Routers: name the destinations that a stored object, or a quiet study, is to be sent to.

use std::sync::Arc;
use std::time::Duration;

use crate::{Call, OpenObject, Part, Study};

/// Asked once for each object, after it was stored.
pub trait Router: Part {
    /// Where the object is to be sent. Pure: same object, same plan.
    fn route(self: Arc<Self>, object: OpenObject) -> Call<'static, Vec<PlannedSend>>;
}

/// Asked once for each study, after no member has arrived for the quiet time of the chain.
pub trait StudyRouter: Part {
    /// Where every member of the study is to be sent.
    fn route_study(self: Arc<Self>, study: Arc<dyn Study>) -> Call<'static, Vec<PlannedSend>>;
}

/// One line of a router's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSend {
    /// A configured destination; the plan accepts no other name.
    pub destination: String,
    /// Not before this much later.
    pub delay: Duration,
    /// 0 is the most urgent; 100 unless the router said otherwise.
    pub priority: u8,
}
